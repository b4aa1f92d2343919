/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log on disk. Data is moved from the container's FIFO into the file by the kernel, so
 * that a shim killed at any instruction has neither lost a byte nor written one twice. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "jsonfile.h"
#include "logrec.h"
#include "mem.h"

enum log_driver { LOG_DRIVER_LOCAL, LOG_DRIVER_JSON, LOG_DRIVER_NONE };

struct logfile {
	enum log_driver driver;
	uint64_t max_size; /* bytes of one file */
	uint32_t max_files;
	int dir_fd;           /* owned */
	int fd;               /* owned; -1 = none */
	const char *id;       /* borrowed */
	uint32_t segment;     /* number of the file at fd */
	uint64_t offset;      /* its length */
	uint64_t position;    /* bytes of output so far */
	bool full;            /* the next record is of the next segment */
	bool rotated;         /* a segment was closed; who takes note clears it (local) */
	uint64_t dropped;     /* bytes that could not be written: disk full */
	struct jsonfile json; /* of that driver */
};

/* Opens the log below the container's directory and mends the tail of what is there; `position` is
 * then where output goes on (at least `known_position`). The other settings are set by the caller
 * before. 0 or -errno. */
int logfile_open(struct logfile *log, int state_fd, uint64_t known_position) must_check;
void logfile_close(struct logfile *log);

/* Takes what is in the nonblocking `fd` (a FIFO, or a terminal), at most LOGREC_DATA_MAX bytes, into
 * the log as output of `stream` (1, 2). With `copy` (LOGREC_DATA_MAX bytes) the bytes are given to the
 * caller too. Returns their number; 0 = nothing there; -EIO and others from read(2) at the end of a
 * terminal. A log that cannot be written never stops the container: its bytes count as dropped. */
ssize_t logfile_take(struct logfile *log, int fd, bool is_pipe, uint8_t stream, int64_t time_ns,
		     char *copy) must_check;

/* Writes what is held of unfinished lines: the container has ended. */
void logfile_flush(struct logfile *log);
