/* SPDX-License-Identifier: Apache-2.0 */
/* Names of leases, and that a sweep takes those of the dead alone. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "lease.h"

static void names(void **state)
{
	static const char *const bad[] = { "",
					   "lease-",
					   "lease-1-2-",
					   "lease-0-2-0123456789abcdef",
					   "lease-1-2-0123456789abcdefx",
					   "lease--1-2-0123456789abcdef",
					   "lease-99999999999-2-0123456789abcdef",
					   "lease-1-2-0123456789abcdef/.." };
	uint64_t start = 0;
	pid_t pid = 0;

	(void)state;
	assert_int_equal(lease_parse("lease-12-345-0123456789abcdef", &pid, &start), 0);
	assert_int_equal(pid, 12);
	assert_int_equal(start, 345);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(lease_parse(bad[i], &pid, &start), -EINVAL);
}

static void sweep_spares_the_living(void **state)
{
	char dir[] = "/tmp/cleat-lease-XXXXXX";
	cleanup(lease_deinit) struct lease own = LEASE_NULL;
	const _Atomic bool go_on = false, stop = true;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(lease_sweep(fd, &go_on), 0);
	assert_int_equal(lease_open(&own, fd, NULL), 0);
	/* the same process id at another time, and a file below */
	assert_int_equal(fd_mkdir_all(fd, "tmp/lease-1-1-0123456789abcdef/a/b", 0700), 0);
	assert_int_equal(fd_mkdir_all(fd, "tmp/other", 0700), 0);
	assert_int_equal(lease_sweep(fd, &stop), -ECANCELED);
	assert_int_equal(fstatat(fd, "tmp/lease-1-1-0123456789abcdef/a/b", &st, 0), 0);
	assert_int_equal(lease_sweep(fd, &go_on), 1);
	assert_int_equal(fstatat(fd, own.path, &st, 0), 0);
	assert_int_equal(fstatat(fd, "tmp/other", &st, 0), 0);
	assert_int_equal(fstatat(fd, "tmp/lease-1-1-0123456789abcdef", &st, 0), -1);
	assert_int_equal(fd_mkdir_all(own.fd, "a/b", 0700), 0);
	cleanup_free char *path = strdup(own.path);

	own.stop = &stop;
	lease_deinit(&own);
	assert_int_equal(fstatat(fd, path, &st, 0), 0);
	assert_int_equal(fd_remove_tree(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names),
					    cmocka_unit_test(sweep_spares_the_living) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
