/* SPDX-License-Identifier: Apache-2.0 */
/* A file one thread writes and another reads as it grows. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

struct growing {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	int fd;        /* -1 until there is one; owned */
	uint64_t have; /* bytes that may be read */
	bool ended;    /* there will be no more */
};

void growing_init(struct growing *g);
void growing_deinit(struct growing *g);
/* The writer's words. */
void growing_begin(struct growing *g, int fd);
/* Everything anew, with nobody reading. */
void growing_reset(struct growing *g);
void growing_add(struct growing *g, uint64_t bytes);
void growing_end(struct growing *g);
/* The reader's: how much there is once it is more than `seen`; `seen` at the end. Blocks. */
uint64_t growing_wait(struct growing *g, uint64_t seen) must_check;
/* How much there is. Never blocks for long. */
uint64_t growing_have(struct growing *g) must_check;
