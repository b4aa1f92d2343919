/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"
#include "segment.h"

static char root[] = "/tmp/cleat-journal-XXXXXX";
static int root_fd = -1;

static int setup(void **state)
{
	(void)state;
	strcpy(root + strlen(root) - 6, "XXXXXX");
	if (!mkdtemp(root))
		return -1;
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(root_fd);
	return fd_remove_tree(AT_FDCWD, root);
}

static struct journal *open_journal(void)
{
	struct journal *journal = NULL;

	assert_int_equal(journal_open(&journal, root_fd, 64 << 10, NULL), 0);
	return journal;
}

static uint64_t append(struct journal *journal, int number)
{
	Cleat__V1__Event event = CLEAT__V1__EVENT__INIT;
	char id[32];

	assert_int_equal(journal_lock(journal), 0);
	snprintf(id, sizeof(id), "actor %d", number);
	event.type = (char *)"container";
	event.action = (char *)"start";
	event.actor_id = id;
	event.time_ns = 1000 + number;
	assert_int_equal(journal_append(journal, &event, (uint64_t)number), 0);
	journal_unlock(journal);
	return event.sequence;
}

static void expect(struct journal_reader *reader, int from, int to)
{
	for (int i = from; i < to; i++) {
		Cleat__V1__Event *event = NULL;
		char id[32];

		snprintf(id, sizeof(id), "actor %d", i);
		assert_int_equal(journal_reader_next(reader, &event, NULL), 1);
		assert_string_equal(event->actor_id, id);
		cleat__v1__event__free_unpacked(event, NULL);
	}
	Cleat__V1__Event *none = NULL;

	assert_int_equal(journal_reader_next(reader, &none, NULL), 0);
}

static struct journal_reader *open_reader(struct journal *journal, uint64_t sequence, int64_t since)
{
	struct journal_reader *reader = NULL;

	assert_int_equal(journal_reader_open(&reader, journal, sequence, since, NULL), 0);
	return reader;
}

static void two_engines_write_one_order(void **state)
{
	struct journal *a = open_journal(), *b = open_journal();
	cleanup(journal_reader_freep) struct journal_reader *end = open_reader(a, 0, 0);
	cleanup(journal_reader_freep) struct journal_reader *all = open_reader(b, 0, 1);
	cleanup(journal_reader_freep) struct journal_reader *late = NULL;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(append(i % 2 ? a : b, i), i + 1);
	expect(end, 0, 20);
	expect(all, 0, 20);
	late = open_reader(a, 15, 0);
	expect(late, 15, 20);
	assert_int_equal(append(a, 20), 21);
	expect(late, 20, 21);
	journal_free(a);
	journal_free(b);
}

static void a_torn_tail_is_cut_and_numbers_go_on(void **state)
{
	struct journal *journal = open_journal();
	char path[64];
	uint64_t origin = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		append(journal, i);
	journal_free(journal);
	segment_name(1, path + snprintf(path, sizeof(path), "events/"));
	for (int cut = 0; cut < 2; cut++) {
		cleanup_fd int fd = openat(root_fd, path, O_WRONLY | O_APPEND | O_CLOEXEC);

		assert_int_equal(fd_write_all(fd, cut ? "\x20\0\0\0garbage" : "x", cut ? 11 : 1),
				 0);
		journal = open_journal();
		assert_int_equal(append(journal, 3 + cut), 4 + cut);
		Cleat__V1__Event *last = NULL;

		assert_int_equal(journal_last(journal, &origin, &last), 0);
		cleat__v1__event__free_unpacked(last, NULL);
		assert_int_equal(origin, 3 + cut);

		cleanup(journal_reader_freep) struct journal_reader *all =
			open_reader(journal, 0, 1);

		expect(all, 0, 4 + cut);
		journal_free(journal);
	}
}

static void it_is_bounded_and_a_reader_keeps_up(void **state)
{
	struct journal *journal = open_journal();
	cleanup(journal_reader_freep) struct journal_reader *follower = open_reader(journal, 0, 0);
	cleanup_free uint64_t *list = NULL;
	size_t n;
	cleanup_fd int dir = openat(root_fd, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 0; i < 4000; i += 100) {
		for (int k = i; k < i + 100; k++)
			assert_int_equal(append(journal, k), k + 1);
		expect(follower, i, i + 100);
	}
	assert_int_equal(segment_list(dir, &list, &n), 0);
	assert_in_range(n, 2, 9);
	assert_true(list[0] > 1);

	cleanup(journal_reader_freep) struct journal_reader *old = open_reader(journal, 1, 0);

	expect(old, (int)list[0] - 1, 4000);
	journal_free(journal);
}

/* Its own descriptors do, over rotations too. */
static void it_needs_no_more_descriptors(void **state)
{
	struct journal *journal = open_journal();
	struct rlimit before, low = { .rlim_cur = 64 };
	int taken[64];
	size_t n = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while ((taken[n] = dup(root_fd)) >= 0)
		n++;
	assert_int_equal(errno, EMFILE);
	for (int i = 0; i < 4000; i++)
		assert_int_equal(append(journal, i), i + 1);
	while (n > 0)
		close(taken[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	journal_free(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_engines_write_one_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_torn_tail_is_cut_and_numbers_go_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(it_needs_no_more_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_bounded_and_a_reader_keeps_up, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
