/* SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base_test.h"
#include "fd.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[] = "/tmp/cleat-hold-test-XXXXXX";
static struct engine engine;

static bool is_marked(void)
{
	int64_t since_ns;

	return hold_is_marked(&engine, ID, &since_ns);
}

/* A child of another thread has all descriptors until it executes its program. */
static void a_child_that_has_the_descriptor_holds_nothing(void **state)
{
	int hold = hold_open(&engine, ID), ends[2];
	pid_t child;
	char c;

	(void)state;
	assert_true(hold >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) != 0);
	}
	assert_true(hold_is_held(&engine, ID));
	hold_close(&engine, ID, hold);
	assert_false(hold_is_held(&engine, ID));
	assert_false(is_marked());
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void the_last_of_several_lets_go(void **state)
{
	int one = hold_open(&engine, ID), other = hold_open(&engine, ID);

	(void)state;
	hold_close(&engine, ID, one);
	assert_true(hold_is_held(&engine, ID));
	assert_true(is_marked());
	hold_close(&engine, ID, other);
	assert_false(hold_is_held(&engine, ID));
	assert_false(is_marked());
}

static void an_engine_that_leaves_keeps_the_mark(void **state)
{
	int hold = hold_open(&engine, ID);

	(void)state;
	engine.leaving = true;
	hold_close(&engine, ID, hold);
	engine.leaving = false;
	assert_false(hold_is_held(&engine, ID));
	assert_true(is_marked());
}

static void a_client_that_is_sent_away_has_time_from_then_on(void **state)
{
	int hold = hold_open(&engine, ID);
	int64_t began_ns = 0, left_ns = 0;

	(void)state;
	assert_true(hold_is_marked(&engine, ID, &began_ns));
	while (began_ns >= left_ns) { /* the kernel's time of a file goes by ticks */
		hold_leave(hold);
		assert_false(hold_is_held(&engine, ID));
		assert_true(hold_is_marked(&engine, ID, &left_ns));
		hold = hold_open(&engine, ID);
	}
	/* an engine that began later gives it the time from its beginning */
	engine.started_ns = left_ns + 1000000000;
	assert_true(hold_is_marked(&engine, ID, &left_ns));
	assert_int_equal(left_ns, engine.started_ns);
	engine.started_ns = 0;
	hold_close(&engine, ID, hold);
}

static int make_container(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	engine.containers_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(engine.containers_fd, ID, 0700) < 0)
		return -1;
	return fd_replace_file(engine.containers_fd, ID "/shim.pb", "", 0, 0600, false);
}

static int remove_container(void **state)
{
	(void)state;
	close(engine.containers_fd);
	return fd_remove_tree(AT_FDCWD, root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_has_the_descriptor_holds_nothing),
		cmocka_unit_test(the_last_of_several_lets_go),
		cmocka_unit_test(an_engine_that_leaves_keeps_the_mark),
		cmocka_unit_test(a_client_that_is_sent_away_has_time_from_then_on),
	};

	return cmocka_run_group_tests(tests, make_container, remove_container);
}
