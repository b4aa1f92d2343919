/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "mountcache.h"

static bool same(int a, int b)
{
	struct stat x, y;

	assert_int_equal(fstat(a, &x), 0);
	assert_int_equal(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void the_first_stays(void **state)
{
	struct mountcache cache;
	cleanup_fd int null = open("/dev/null", O_PATH | O_CLOEXEC);
	cleanup_fd int zero = open("/dev/zero", O_PATH | O_CLOEXEC);
	int fd;

	(void)state;
	mountcache_init(&cache);
	assert_int_equal(mountcache_get(&cache, "a"), -ENOENT);
	mountcache_put(&cache, "a", null);
	mountcache_put(&cache, "a", zero);
	mountcache_put(&cache, "b", zero);
	fd = mountcache_get(&cache, "a");
	assert_true(fd > 2 && fd != null && same(fd, null));
	close(fd);
	mountcache_drop(&cache, "a");
	mountcache_drop(&cache, "never");
	assert_int_equal(mountcache_get(&cache, "a"), -ENOENT);
	fd = mountcache_get(&cache, "b");
	assert_true(same(fd, zero));
	mountcache_deinit(&cache);
	assert_true(same(fd, zero)); /* it is the caller's own */
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_first_stays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
