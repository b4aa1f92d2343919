/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a container's log while its shim writes and rotates it: from a place on, forwards. Both
 * formats behind one interface. Not thread-safe; blocks on the file system only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum logreader_format { LOGREADER_LOCAL, LOGREADER_JSON };

/* Whole lines that came together, or a part of one. */
struct log_entry {
	int64_t time_ns; /* UNIX time */
	uint64_t
		position; /* local: bytes of output of the container before it; json: rising, and the
			    * next entry's is at least position + size */
	const char *data; /* borrowed until the next call */
	size_t size;
	uint8_t stream; /* 1 stdout, 2 stderr */
	bool partial; /* does not end with a newline: the line goes on in the next of this stream */
};

struct logreader;

/* Opens the directory `log` below dir_fd (the container's, borrowed) at its first entry; one that does
 * not exist is an empty log. `id` is borrowed for life. *out is owned. */
int logreader_open(struct logreader **out, int dir_fd, enum logreader_format format, const char *id,
		   struct err *err) must_check;
/* Whether positions are bytes of output, as the shim counts them. */
bool logreader_counts_output(const struct logreader *reader);
/* For cleanup(). */
void logreader_freep(struct logreader **reader);

/* The next entry: 1; 0 when there is none now (more may come); -EBADMSG on damage, behind which the
 * next call goes on. */
int logreader_next(struct logreader *reader, struct log_entry *entry, struct err *err) must_check;

/* Moves to the output behind `position`, or to the oldest there is when that is gone. */
int logreader_seek(struct logreader *reader, uint64_t position, struct err *err) must_check;
/* Moves to the last `lines` lines of the streams chosen; an unfinished one at the end counts. Reads
 * little more than those lines. */
int logreader_tail(struct logreader *reader, uint64_t lines, const bool streams[3],
		   struct err *err) must_check;
/* Where the last move led: a seek to it leads there again, whatever has been written since. */
uint64_t logreader_position(const struct logreader *reader);

/* A descriptor that is readable after the log changed, for poll; logreader_clear() makes it unreadable
 * again: call it before reading to the end. -errno. */
int logreader_watch(struct logreader *reader) must_check;
void logreader_clear(struct logreader *reader);
