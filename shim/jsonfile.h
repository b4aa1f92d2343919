/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's json-file log, made of records that are in the log already: what a shim that was killed has
 * not turned into lines its successor turns into the same lines at the same place. */
#pragma once

#include <stdint.h>

#include "jsonlog.h"
#include "logrec.h"
#include "mem.h"

struct jsonfile {
	const char *id;     /* borrowed */
	int dir_fd;         /* borrowed */
	uint64_t max_size;  /* bytes of one file */
	uint32_t max_files; /* all of them, the newest included */
	int fd;             /* owned; -1 = none */
	uint64_t offset;    /* its length */
	uint64_t base;      /* bytes of all files before it */
	struct jsonlog lines;
};

/* Opens the newest file; the settings above are set by the caller before. *from is where the records
 * begin that jsonfile_take() is to be given again; with a log that nothing is known of it is
 * `position`. Then comes jsonfile_ready(). 0 or -errno. */
int jsonfile_open(struct jsonfile *json, uint64_t position, uint64_t *from) must_check;
/* Some of these records are gone: the file stays as it is. */
void jsonfile_forget(struct jsonfile *json);
/* All records up to `position` were given. 0 or -errno. */
int jsonfile_ready(struct jsonfile *json, uint64_t position) must_check;
void jsonfile_close(struct jsonfile *json);

/* Writes the lines that the record completes. 0 or -errno: they are lost then, if not the next ones. */
int jsonfile_take(struct jsonfile *json, const struct logrec *rec) must_check;
/* Writes what is held of unfinished lines: the container has ended, with `position` bytes of output. */
void jsonfile_flush(struct jsonfile *json, uint64_t position);
/* Notes that the file is complete up to `position`: records before it are not needed any more. */
void jsonfile_mark(struct jsonfile *json, uint64_t position);
