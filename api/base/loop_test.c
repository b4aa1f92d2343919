/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

struct pair {
	struct source src;
	struct loop *loop;
	struct pair *victim;
	int calls;
};

/* Whichever runs first removes the other, which is ready in the same batch. */
static void remove_other(struct source *src, uint32_t events)
{
	struct pair *p = container_of(src, struct pair, src);

	(void)events;
	p->calls++;
	loop_remove(p->loop, &p->victim->src);
	loop_remove(p->loop, &p->src);
	loop_stop(p->loop);
}

static void removal_inside_a_callback(void **state)
{
	struct loop loop;
	struct pair a = { .loop = &loop }, b = { .loop = &loop };
	int pipes[2][2];

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
		assert_int_equal(fd_write_all(pipes[i][1], "x", 1), 0);
	}
	a.src = (struct source){ .fd = pipes[0][0], .ready = remove_other };
	b.src = (struct source){ .fd = pipes[1][0], .ready = remove_other };
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(loop_add(&loop, &a.src, EPOLLIN), 0);
	assert_int_equal(loop_add(&loop, &b.src, EPOLLIN), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(a.calls + b.calls, 1);
	for (int i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	loop_deinit(&loop);
}

struct order {
	struct timer timer;
	struct loop *loop;
	int *log, *n, id;
};

static void note(struct timer *timer)
{
	struct order *o = container_of(timer, struct order, timer);

	o->log[(*o->n)++] = o->id;
	if (*o->n == 2)
		loop_stop(o->loop);
}

static void timers_fire_in_order(void **state)
{
	struct loop loop;
	int log[3] = { 0 }, n = 0;
	int64_t now = fd_monotonic_ns();
	struct order o[3];

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (int i = 0; i < 3; i++)
		o[i] = (struct order){ { .fire = note }, &loop, log, &n, i };
	loop_timer(&loop, &o[0].timer, now + 3000000);
	loop_timer(&loop, &o[1].timer, now + 1000000);
	loop_timer(&loop, &o[2].timer, now + 2000000);
	loop_timer_stop(&o[2].timer);
	assert_false(loop_timer_armed(&o[2].timer));
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(log[0], 1);
	assert_int_equal(log[1], 0);
	loop_deinit(&loop);
}

static void stop_when_woken(struct loop *loop)
{
	loop_stop(loop);
}

static void *wake_it(void *loop)
{
	loop_wake(loop);
	return NULL;
}

static void other_threads_wake_it(void **state)
{
	struct loop loop;
	pthread_t thread;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	loop.woken = stop_when_woken;
	assert_int_equal(pthread_create(&thread, NULL, wake_it, &loop), 0);
	assert_int_equal(loop_run(&loop), 0);
	pthread_join(thread, NULL);
	loop_deinit(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removal_inside_a_callback),
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(other_threads_wake_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
