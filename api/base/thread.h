/* SPDX-License-Identifier: Apache-2.0 */
/* pthreads with what every thread of ours wants: a stack of its own size, CLOCK_MONOTONIC for waits. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "mem.h"

/* Starts a thread with so much stack. 0 or -errno. */
int thread_start(pthread_t *out, size_t stack_bytes, void *(*run)(void *), void *arg) must_check;

/* Initialises a condition whose pthread_cond_timedwait() counts in CLOCK_MONOTONIC. */
void thread_cond_init(pthread_cond_t *cond);
