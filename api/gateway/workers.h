/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for work that may block: started when none is free, and kept for a while. Thread-safe. */
#pragma once

#include "mem.h"

/* Calls work(arg) in a thread; never blocks. -EAGAIN while `max` are at work, -errno without a thread. */
int workers_run(void (*work)(void *arg), void *arg, unsigned max) must_check;
