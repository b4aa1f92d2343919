/* SPDX-License-Identifier: Apache-2.0 */
/* pthreads with what every thread of ours wants: a stack of its own size, CLOCK_MONOTONIC for waits. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "mem.h"

/* Starts a thread with so much stack. 0 or -errno. */
int thread_start(pthread_t *out, size_t stack_bytes, void *(*run)(void *), void *arg) must_check;

/* Gives back the memory of the calling thread's stack that deeper calls used: before a wait that may be a long one. */
void thread_trim_stack(void);

/* Initialises a condition whose pthread_cond_timedwait() counts in CLOCK_MONOTONIC. */
void thread_cond_init(pthread_cond_t *cond);
