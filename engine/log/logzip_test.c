/* SPDX-License-Identifier: Apache-2.0 */
#include "logzip.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

enum { BYTES = 700 << 10 }; /* three frames, the last one not full */

static char plain[BYTES], got[BYTES + 1];

static int packed(void)
{
	cleanup_fd int from = memfd_create("plain", MFD_CLOEXEC);
	int to = memfd_create("packed", MFD_CLOEXEC);

	for (size_t i = 0; i < BYTES; i++)
		plain[i] = (char)(i * 7 / 5 ^ i >> 11);
	assert_int_equal(fd_write_all(from, plain, BYTES), 0);
	assert_int_equal(lseek(from, 0, SEEK_SET), 0);
	assert_int_equal(logzip_write(from, to), 0);
	return to;
}

static void test_any_place(void **state)
{
	static const struct {
		uint64_t at;
		size_t n;
	} places[] = { { 0, BYTES },
		       { 0, 1 },
		       { BYTES - 1, 1 },
		       { (256 << 10) - 3, 10 },
		       { 100, 600 << 10 } };
	cleanup(logzip_freep) struct logzip *zip = NULL;
	cleanup_fd int fd = packed();

	(void)state;
	assert_true(lseek(fd, 0, SEEK_END) < BYTES);
	assert_int_equal(logzip_open(&zip, fd), 1);
	assert_int_equal(logzip_size(zip), BYTES);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		assert_int_equal(logzip_read(zip, got, places[i].n, places[i].at), places[i].n);
		assert_memory_equal(got, plain + places[i].at, places[i].n);
	}
	assert_int_equal(logzip_read(zip, got, BYTES + 1, 1), BYTES - 1);
	assert_int_equal(logzip_read(zip, got, 1, BYTES), 0);
	assert_int_equal(logzip_read(zip, got, 1, UINT64_MAX), 0);
}

static void test_plain_and_empty(void **state)
{
	cleanup_fd int empty = memfd_create("e", MFD_CLOEXEC),
		       text = memfd_create("t", MFD_CLOEXEC);
	struct logzip *zip = NULL;

	(void)state;
	assert_int_equal(logzip_open(&zip, empty), 0);
	assert_int_equal(logzip_write(empty, text), -ENODATA);
	assert_int_equal(fd_write_all(text, "{\"log\":\"x\"}\n", 12), 0);
	assert_int_equal(logzip_open(&zip, text), 0);
	assert_null(zip);
}

/* Whatever byte is wrong: an error, or other bytes of the right size, but nothing outside. */
static void test_damage(void **state)
{
	cleanup_fd int fd = packed();
	const off_t size = lseek(fd, 0, SEEK_END);

	(void)state;
	for (off_t at = 0; at < size; at += at < size - 64 ? size / 97 : 1) {
		cleanup(logzip_freep) struct logzip *zip = NULL;
		char old, bad;

		assert_int_equal(pread(fd, &old, 1, at), 1);
		bad = (char)~old;
		assert_int_equal(pwrite(fd, &bad, 1, at), 1);
		if (logzip_open(&zip, fd) == 1)
			(void)!logzip_read(zip, got, BYTES, 0);
		assert_int_equal(pwrite(fd, &old, 1, at), 1);
	}
	for (off_t cut = size - 1; cut > size - 40; cut--) {
		struct logzip *zip = NULL;

		assert_int_equal(ftruncate(fd, cut), 0);
		assert_int_equal(logzip_open(&zip, fd), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_place),
		cmocka_unit_test(test_plain_and_empty),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
