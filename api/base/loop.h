/* SPDX-License-Identifier: Apache-2.0 */
/* An epoll(7) loop for one thread. Sources and timers are embedded in their owners and cost no
 * allocation but epoll's own; a callback finds its owner with container_of(). Removing any source or
 * timer is safe at any time, also inside callbacks. Only loop_wake() may be called from other
 * threads. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "list.h"
#include "mem.h"

struct loop;

struct source {
	int fd;                                             /* borrowed: never closed here */
	void (*ready)(struct source *src, uint32_t events); /* events: EPOLLIN, EPOLLOUT, ... */
	bool added;                                         /* the loop's: leave alone */
};

struct timer {
	void (*fire)(struct timer *timer); /* once; rearm with loop_timer() */
	int64_t at_ns;                     /* CLOCK_MONOTONIC */
	struct list link;                  /* the loop's: leave alone */
};

enum { LOOP_BATCH = 32 };

struct loop {
	int epoll_fd, wake_fd;
	struct list timers; /* by at_ns, soonest first */
	struct epoll_event batch[LOOP_BATCH];
	int n_batch, i_batch;
	bool stopped;
	struct source wake;
	void (*woken)(
		struct loop *loop); /* runs in the loop's thread after loop_wake(); may be NULL */
};

/* 0 or -errno. The loop is used from the thread that calls loop_run(). */
int loop_init(struct loop *loop) must_check;
void loop_deinit(struct loop *loop);

/* Watches src->fd for `events` (level-triggered unless EPOLLET is given). 0 or -errno. */
int loop_add(struct loop *loop, struct source *src, uint32_t events) must_check;
int loop_change(struct loop *loop, struct source *src, uint32_t events) must_check;
/* Stops watching; a no-op for a source that is not added. Call before closing src->fd. */
void loop_remove(struct loop *loop, struct source *src);

/* (Re)arms `timer` to fire at at_ns. A zeroed timer with `fire` set is ready for use. */
void loop_timer(struct loop *loop, struct timer *timer, int64_t at_ns);
/* Disarms; a no-op for a timer that is not armed. */
void loop_timer_stop(struct timer *timer);
bool loop_timer_armed(const struct timer *timer);

/* Waits once (at most until the next timer) and runs what is due. 0 or -errno. */
int loop_step(struct loop *loop) must_check;
/* Steps until loop_stop(). 0 or -errno. */
int loop_run(struct loop *loop) must_check;
/* Makes loop_run() return after the current callback. From callbacks. */
void loop_stop(struct loop *loop);
/* From any thread: the loop's `woken` runs soon, in the loop's thread. Never blocks. */
void loop_wake(struct loop *loop);
