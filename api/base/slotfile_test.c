/* SPDX-License-Identifier: Apache-2.0 */
#include "slotfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base_test.h"

static void assert_record(int fd, const char *want)
{
	uint8_t bytes[2 * SLOTFILE_SLOT];
	const void *record = NULL;
	size_t len = 0;

	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_true(slotfile_newest(bytes, sizeof(bytes), &record, &len) > 0);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(record, want, len);
}

static int memory_file(void)
{
	int fd = memfd_create("slots", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 2 * SLOTFILE_SLOT), 0);
	return fd;
}

static void the_newest_counts(void **state)
{
	struct slotfile file = { memory_file(), 0 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		char text[16];

		snprintf(text, sizeof(text), "record %d", i);
		assert_int_equal(slotfile_write(&file, text, strlen(text)), 0);
		assert_record(file.fd, text);
	}
	slotfile_deinit(&file);
	slotfile_deinit(&file);
}

static void a_torn_slot_leaves_the_one_before(void **state)
{
	struct slotfile file = { memory_file(), 0 };

	(void)state;
	assert_int_equal(slotfile_write(&file, "first", 5), 0);
	assert_int_equal(slotfile_write(&file, "second", 6), 0);
	assert_int_equal(pwrite(file.fd, "?", 1, SLOTFILE_SLOT + 26), 1);
	assert_record(file.fd, "first");
	slotfile_deinit(&file);
}

static void what_is_no_record_is_none(void **state)
{
	uint8_t bytes[2 * SLOTFILE_SLOT] = { 0 };
	const void *record;
	size_t len;

	(void)state;
	assert_int_equal(slotfile_newest(bytes, sizeof(bytes), &record, &len), 0);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(slotfile_newest(bytes, sizeof(bytes), &record, &len), 0);
	assert_int_equal(slotfile_newest(bytes, 100, &record, &len), 0);
	assert_int_equal(slotfile_newest(NULL, 0, &record, &len), 0);
}

static void too_long_a_record_is_refused(void **state)
{
	static const char bytes[SLOTFILE_SLOT];
	struct slotfile file = { memory_file(), 0 };

	(void)state;
	assert_int_equal(slotfile_write(&file, "short", 5), 0);
	assert_int_equal(slotfile_write(&file, bytes, SLOTFILE_RECORD_MAX + 1), -EMSGSIZE);
	assert_record(file.fd, "short");
	slotfile_deinit(&file);
}

static void a_file_is_made_and_found_again(void **state)
{
	char path[] = "/tmp/cleat-slotfile-XXXXXX";
	struct slotfile file = SLOTFILE_NULL;
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	(void)state;
	assert_non_null(mkdtemp(path));
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(slotfile_read(dir, "status", &out), -ENOENT);
	assert_int_equal(slotfile_open(&file, dir, "status"), 0);
	assert_int_equal(slotfile_read(dir, "status", &out), -ENODATA);
	assert_int_equal(slotfile_write(&file, "one", 3), 0);
	slotfile_deinit(&file);
	assert_int_equal(slotfile_open(&file, dir, "status"), 0);
	assert_int_equal(slotfile_write(&file, "two", 3), 0);
	assert_int_equal(slotfile_read(dir, "status", &out), 0);
	assert_string_equal(out.data, "two");
	buf_deinit(&out);
	/* as after a power cut, which took the second slot's page */
	assert_int_equal(ftruncate(file.fd, SLOTFILE_SLOT), 0);
	slotfile_deinit(&file);
	assert_int_equal(slotfile_open(&file, dir, "status"), 0);
	slotfile_deinit(&file);
	assert_int_equal(slotfile_read(dir, "status", &out), 0);
	assert_string_equal(out.data, "one");
	assert_int_equal(unlinkat(dir, "status", 0), 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_counts),
		cmocka_unit_test(a_torn_slot_leaves_the_one_before),
		cmocka_unit_test(what_is_no_record_is_none),
		cmocka_unit_test(too_long_a_record_is_refused),
		cmocka_unit_test(a_file_is_made_and_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
