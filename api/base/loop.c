/* SPDX-License-Identifier: Apache-2.0 */
/* epoll_wait() fills a batch; while it is worked off, loop_remove() blanks the entries of a removed
 * source, so that no callback runs for an owner that is gone. Timers are a sorted list: programs here
 * have a handful. */
#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fd.h"

static void wake_ready(struct source *src, uint32_t events)
{
	struct loop *loop = container_of(src, struct loop, wake);
	uint64_t count;

	(void)events;
	if (read(loop->wake_fd, &count, sizeof(count)) > 0 && loop->woken)
		loop->woken(loop);
}

int loop_init(struct loop *loop)
{
	int r;

	*loop = (struct loop){ .epoll_fd = -1, .wake_fd = -1 };
	list_init(&loop->timers);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		r = -errno;
		loop_deinit(loop);
		return r;
	}
	loop->wake = (struct source){ .fd = loop->wake_fd, .ready = wake_ready };
	r = loop_add(loop, &loop->wake, EPOLLIN);
	if (r < 0)
		loop_deinit(loop);
	return r;
}

void loop_deinit(struct loop *loop)
{
	closep(&loop->wake_fd);
	closep(&loop->epoll_fd);
	loop->wake_fd = loop->epoll_fd = -1;
}

int loop_add(struct loop *loop, struct source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) < 0)
		return -errno;
	src->added = true;
	return 0;
}

int loop_change(struct loop *loop, struct source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, src->fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct source *src)
{
	if (!src->added)
		return;
	src->added = false;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
	for (int i = loop->i_batch; i < loop->n_batch; i++)
		if (loop->batch[i].data.ptr == src)
			loop->batch[i].data.ptr = NULL;
}

bool loop_timer_armed(const struct timer *timer)
{
	return timer->link.next && timer->link.next != &timer->link;
}

void loop_timer_stop(struct timer *timer)
{
	if (timer->link.next)
		list_remove(&timer->link);
}

void loop_timer(struct loop *loop, struct timer *timer, int64_t at_ns)
{
	struct timer *at;

	if (!timer->link.next)
		list_init(&timer->link);
	list_remove(&timer->link);
	timer->at_ns = at_ns;
	list_each (at, &loop->timers, link)
		if (at->at_ns > at_ns)
			break;
	list_insert(&at->link, &timer->link);
}

static int next_timeout_ms(struct loop *loop)
{
	struct timer *first = list_first(&loop->timers, struct timer, link);
	int64_t left;

	if (!first)
		return -1;
	left = first->at_ns - fd_monotonic_ns();
	if (left <= 0)
		return 0;
	left = (left + 999999) / 1000000;
	return left > 3600000 ? 3600000 : (int)left;
}

static void fire_due(struct loop *loop)
{
	int64_t now = fd_monotonic_ns();
	struct timer *first;

	while ((first = list_first(&loop->timers, struct timer, link)) && first->at_ns <= now) {
		list_remove(&first->link);
		first->fire(first);
	}
}

int loop_step(struct loop *loop)
{
	int n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, next_timeout_ms(loop));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->n_batch = n;
	for (loop->i_batch = 0; loop->i_batch < loop->n_batch;) {
		struct epoll_event *ev = &loop->batch[loop->i_batch++];
		struct source *src = ev->data.ptr;

		if (src)
			src->ready(src, ev->events);
	}
	loop->n_batch = loop->i_batch = 0;
	fire_due(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (!loop->stopped && r == 0)
		r = loop_step(loop);
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_wake(struct loop *loop)
{
	uint64_t one = 1;

	if (write(loop->wake_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: the counter is full, so the loop is awake already */
	}
}
