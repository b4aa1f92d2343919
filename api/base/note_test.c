/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"

static void a_note_is_read_back(int fd)
{
	uint64_t value = 7;
	uint32_t half;

	assert_false(note_get(fd, "cleat.test", &value, sizeof(value)));
	assert_int_equal(note_set(fd, "cleat.test", &value, sizeof(value)), 0);
	value = 8;
	assert_int_equal(note_set(fd, "cleat.test", &value, sizeof(value)), 0);
	value = 0;
	assert_true(note_get(fd, "cleat.test", &value, sizeof(value)));
	assert_int_equal(value, 8);
	assert_false(note_get(fd, "cleat.test", &half, sizeof(half)));
}

static void of_a_file(void **state)
{
	char path[] = "/tmp/cleat-note-test-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	a_note_is_read_back(fd);
	close(fd);
}

/* A FIFO takes no user attributes, as whole file systems do. */
static void where_users_may_keep_none(void **state)
{
	char dir[] = "/tmp/cleat-note-test-XXXXXX";
	int at, fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkfifoat(at, "f", 0600), 0);
	fd = openat(at, "f", O_RDWR | O_CLOEXEC);
	a_note_is_read_back(fd);
	close(fd);
	unlinkat(at, "f", 0);
	close(at);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_file),
		cmocka_unit_test(where_users_may_keep_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
