/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "standing.h"

enum { TWO_PIPES_FULL = 128 << 10 };

/* A directory `nothing` for the worker, and one with a file to be packed beside a file that is not. */
struct place {
	char path[32];
	int top, nothing, packed;
	struct standing worker;
};

static void place_init(struct place *p)
{
	static char data[TWO_PIPES_FULL];

	strcpy(p->path, "/tmp/cleat-standing-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->top = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fd_create_file(p->top, "secret", "s", 1, 0600), 0);
	assert_int_equal(mkdirat(p->top, "nothing", 0755), 0);
	assert_int_equal(mkdirat(p->top, "packed", 0755), 0);
	p->nothing = openat(p->top, "nothing", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->packed = openat(p->top, "packed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fd_create_file(p->packed, "file", data, sizeof(data), 0600), 0);
	p->worker = STANDING_NULL;
	assert_int_equal(standing_start(&p->worker, WORKER_DIR,
					(const char *const[]){ "pack", NULL }, p->nothing, NULL),
			 0);
}

static void place_deinit(struct place *p)
{
	standing_deinit(&p->worker);
	close(p->top);
	close(p->nothing);
	close(p->packed);
	assert_int_equal(fd_remove_tree(AT_FDCWD, p->path), 0);
}

/* Gives the job; the end to read its tar from. */
static int give(struct place *p)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(standing_give(&p->worker, ends[1], p->packed, NULL), 0);
	close(ends[1]);
	return ends[0];
}

static size_t drain(int fd)
{
	static char block[64 << 10];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		all += (size_t)n;
	close(fd);
	return all;
}

static int take(struct place *p, struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;

	return standing_take(&p->worker, &lines, err);
}

static void test_jobs_follow_each_other(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	for (int i = 0; i < 100; i++) {
		assert_true(drain(give(&p)) > TWO_PIPES_FULL);
		assert_int_equal(take(&p, NULL), 0);
	}
	place_deinit(&p);
}

/* What the worker would see as `path`, as its own directory. */
static int as_worker(const struct place *p, const char *name, const char *path)
{
	char link[80];

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%s%s", p->worker.worker.pid, name, path);
	return open(link, O_PATH | O_CLOEXEC);
}

static int count_directories(const struct place *p)
{
	int n = 0;

	for (int i = 3; i < 64; i++) {
		char name[8];
		struct stat st;

		(void)snprintf(name, sizeof(name), "%d", i);
		cleanup_fd int fd = as_worker(p, name, "");
		cleanup_fd int secret = as_worker(p, name, "/../secret");
		bool is_root = i == 4; /* it is kept in that by chroot(2) */

		n += fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
		assert_true(secret < 0 || is_root);
	}
	return n;
}

/* While it is at work: the pipe is full. */
static void test_nothing_leads_out_of_a_job(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	int fd = give(&p);
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
	assert_true(count_directories(&p) > 1);
	assert_true(drain(fd) > TWO_PIPES_FULL);
	assert_int_equal(take(&p, NULL), 0);
	assert_int_equal(count_directories(&p), 1);
	place_deinit(&p);
}

static void test_an_error_is_told_and_the_next_job_is_done(void **state)
{
	struct err err = ERR_NULL;
	struct place p;

	(void)state;
	place_init(&p);
	close(give(&p)); /* the reader goes */
	assert_true(take(&p, &err) < 0);
	assert_int_equal(err.code, ERR_ABORTED);
	assert_true(drain(give(&p)) > TWO_PIPES_FULL);
	assert_int_equal(take(&p, NULL), 0);
	place_deinit(&p);
}

static void test_its_death_is_told(void **state)
{
	struct err err = ERR_NULL;
	struct place p;

	(void)state;
	place_init(&p);
	int fd = give(&p);
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(kill(p.worker.worker.pid, SIGKILL), 0);
	assert_true(take(&p, &err) < 0);
	assert_string_equal(err.message, "cleat-worker died");
	(void)drain(fd);
	place_deinit(&p);
}

static void test_what_it_cannot_do_is_told(void **state)
{
	struct standing worker = STANDING_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(standing_start(&worker, WORKER_DIR,
					(const char *const[]){ "nonsense", NULL }, 0, NULL),
			 0);
	assert_true(standing_take(&worker, &lines, &err) < 0);
	assert_string_equal(err.message, "unknown job");
	standing_deinit(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_follow_each_other),
		cmocka_unit_test(test_nothing_leads_out_of_a_job),
		cmocka_unit_test(test_an_error_is_told_and_the_next_job_is_done),
		cmocka_unit_test(test_its_death_is_told),
		cmocka_unit_test(test_what_it_cannot_do_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
