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
	assert_false(hold_is_marked(&engine, ID));
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
	assert_true(hold_is_marked(&engine, ID));
	hold_close(&engine, ID, other);
	assert_false(hold_is_held(&engine, ID));
	assert_false(hold_is_marked(&engine, ID));
}

static void an_engine_that_leaves_keeps_the_mark(void **state)
{
	int hold = hold_open(&engine, ID);

	(void)state;
	engine.leaving = true;
	hold_close(&engine, ID, hold);
	engine.leaving = false;
	assert_false(hold_is_held(&engine, ID));
	assert_true(hold_is_marked(&engine, ID));
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
	};

	return cmocka_run_group_tests(tests, make_container, remove_container);
}
