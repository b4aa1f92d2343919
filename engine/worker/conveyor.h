/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the thread that unpacks to one that hashes and writes them, in blocks, so that a layer keeps two
 * processors busy. The thread is started before a worker gives up the right to start any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

enum { CONVEYOR_BLOCK = 1 << 20, CONVEYOR_ALIGN = 4096 };

struct conveyor;

/* Takes a block away, in the other thread: CONVEYOR_BLOCK bytes, aligned, but for the last, which may be
 * shorter. It may change the block. */
typedef int conveyor_take_fn(void *ctx, char *block, size_t n, struct err *err);

int conveyor_new(struct conveyor **out, struct err *err) must_check;
/* To be called between an end and a beginning. NULL is fine. */
struct conveyor *conveyor_free(struct conveyor *c);

void conveyor_begin(struct conveyor *c, conveyor_take_fn *take, void *ctx);
/* Where the next bytes may be put, and how many: NULL when `take` has failed. Blocks while all is full. */
char *conveyor_room(struct conveyor *c, size_t *n) must_check;
/* So many were. */
void conveyor_put(struct conveyor *c, size_t n);
/* Waits until all is taken: 0 or what `take` said. With `cancel` what is not taken yet is dropped. */
int conveyor_end(struct conveyor *c, bool cancel, struct err *err) must_check;
