/* SPDX-License-Identifier: Apache-2.0 */
/* Files of log records (logrec.h) as the shim writes them: numbered, walked, mended after a kill. */
#pragma once

#include <stdint.h>

#include "logrec.h"
#include "mem.h"

/* The highest segment number in the directory, 0 = none. */
uint32_t segment_last(int dir_fd);
/* Opens, and makes if absent, segment `number`: a descriptor or -errno. */
int segment_open(int dir_fd, uint32_t number) must_check;
/* In whichever form it is. */
void segment_unlink(int dir_fd, uint32_t number);

/* Gives every whole record to `take` (borrowed; 0 goes on, anything else ends the walk and is returned).
 * *end is the offset behind the last one. 0 or -errno. */
int segment_walk(int fd, int (*take)(void *ctx, const struct logrec *rec), void *ctx,
		 uint64_t *end) must_check;

/* Closes the record at offset `at` over the `size` bytes of data that reached the file. */
int segment_close_record(int fd, uint64_t at, struct logrec *rec, uint32_t size) must_check;

/* Closes a record that a kill has cut, cuts off what is no record. *offset is the file's length then,
 * *position the output behind the last record, untouched when there is none. */
int segment_mend(int fd, uint64_t *offset, uint64_t *position) must_check;

/* The output behind the last record of closed segment `number`, *position untouched when it is gone or
 * compressed. 0 or -errno. */
int segment_end(int dir_fd, uint32_t number, uint64_t *position) must_check;
