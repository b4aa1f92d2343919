/* SPDX-License-Identifier: Apache-2.0 */
/* Segments are compressed while others read them and while another engine does the same. */
#include "logkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"
#include "logformat.h"
#include "logrec.h"

enum { SEGMENTS = 300 };

static char root[] = "/tmp/cleat-logkeep-XXXXXX";
static atomic_bool done;

static int open_root(void)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void write_segments(int dir_fd)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	for (uint32_t n = 1; n <= SEGMENTS; n++) {
		const struct logrec rec = { .position = n, .size = 1, .stream = 1 };
		char name[24];

		(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT, n);
		cleanup_fd int fd =
			openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		logrec_encode(&rec, head, tail);
		assert_int_equal(fd_write_all(fd, head, sizeof(head)), 0);
		assert_int_equal(fd_write_all(fd, "x", 1), 0);
		assert_int_equal(fd_write_all(fd, tail, sizeof(tail)), 0);
	}
}

static void *pack_all(void *arg)
{
	cleanup_fd int fd = open_root();

	(void)arg;
	assert_int_equal(logkeep_pack(fd), 0);
	return NULL;
}

/* A reader passes over no segment. */
static void *walk(void *arg)
{
	cleanup_fd int fd = open_root();

	(void)arg;
	do {
		for (uint32_t n = 0; n < SEGMENTS; n++)
			assert_int_equal(logformat_local.next_file(fd, "", n), n + 1);
	} while (!atomic_load(&done));
	return NULL;
}

static void two_engines_pack_and_a_reader_walks(void **state)
{
	cleanup_fd int fd = open_root();
	pthread_t reader, packers[2];

	(void)state;
	write_segments(fd);
	assert_int_equal(pthread_create(&reader, NULL, walk, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(packers); i++)
		assert_int_equal(pthread_create(&packers[i], NULL, pack_all, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(packers); i++)
		pthread_join(packers[i], NULL);
	atomic_store(&done, true);
	pthread_join(reader, NULL);
	for (uint32_t n = 1; n <= SEGMENTS; n++) {
		char name[32];

		(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT, n);
		assert_int_equal(faccessat(fd, name, F_OK, 0) == 0, n == SEGMENTS);
		(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT LOGREC_PACKED_SUFFIX, n);
		assert_int_equal(faccessat(fd, name, F_OK, 0) == 0, n < SEGMENTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_engines_pack_and_a_reader_walks),
	};
	int r;

	if (!mkdtemp(root))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	return fd_remove_tree(AT_FDCWD, root) < 0 ? 1 : r;
}
