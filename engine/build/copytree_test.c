/* SPDX-License-Identifier: Apache-2.0 */
#include "copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

static int open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Of a copy that nobody wants any more nothing more is made. */
static void ends_when_cancelled(void **state)
{
	char path[] = "/tmp/cleat-copytree-XXXXXX";
	int ends[2];

	(void)state;
	assert_non_null(mkdtemp(path));
	cleanup_fd int dir = open_dir(AT_FDCWD, path);

	assert_int_equal(mkdirat(dir, "from", 0755), 0);
	cleanup_fd int from = open_dir(dir, "from");

	assert_int_equal(fd_create_file(from, "file", "x", 1, 0644), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const int cancel_fds[] = { ends[0], -1 };
	const struct copy_rules rules = { .uid = -1, .gid = -1, .cancel_fds = cancel_fds };
	struct err err = ERR_NULL;
	struct stat st;

	assert_int_equal(copytree_copy(dir, "from", dir, "first", &rules, &err), 0);
	assert_int_equal(fstatat(dir, "first/file", &st, 0), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(copytree_copy(dir, "from", dir, "second", &rules, &err), -ECANCELED);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_int_equal(fstatat(dir, "second/file", &st, 0), -1);
	assert_int_equal(errno, ENOENT);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(fd_remove_tree(AT_FDCWD, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ends_when_cancelled) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
