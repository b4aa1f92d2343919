/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base_test.h"
#include "mem.h"

/* How a child ends that passes two steps, one of them twice. */
static int end_of_child(const char *text)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("CLEAT_FAULT", text, 1);
		if (fault_setup() < 0)
			_exit(3);
		fault_point(FAULT_PULL_PART_GREW);
		fault_point(FAULT_PULL_PART_GREW);
		fault_point(FAULT_LAYER_MOVED);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_where_it_dies(void **state)
{
	static const struct {
		const char *text;
		int end;
	} cases[] = {
		{ "PULL_PART_GREW", -SIGKILL },
		{ "PULL_PART_GREW:1", -SIGKILL },
		{ "PULL_PART_GREW:2", -SIGKILL },
		{ "PULL_PART_GREW:3", 0 },
		{ "LAYER_MOVED", -SIGKILL },
		{ "BLOB_MOVED", 0 },
		{ "PULL_PART", 3 },
		{ "PULL_PART_GREWN", 3 },
		{ "", 3 },
		{ "LAYER_MOVED:", 3 },
		{ "LAYER_MOVED:0", 3 },
		{ "LAYER_MOVED:x", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(end_of_child(cases[i].text), cases[i].end);
}

static void test_not_set(void **state)
{
	(void)state;
	unsetenv("CLEAT_FAULT");
	assert_int_equal(fault_setup(), 0);
	assert_int_equal(fault_armed, N_FAULTS);
	assert_null(fault_environment());
	setenv("CLEAT_FAULT", "LAYER_MOVED:2", 1);
	cleanup_free char *handed_on = fault_environment();

	assert_string_equal(handed_on, "CLEAT_FAULT=LAYER_MOVED:2");
	unsetenv("CLEAT_FAULT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_it_dies),
		cmocka_unit_test(test_not_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
