/* SPDX-License-Identifier: Apache-2.0 */
/* Logs as a shim leaves them, in both formats: 100 lines "line NNN\n" on alternating streams, in three
 * files. */
#include "logreader.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"
#include "logkeep.h"
#include "logrec.h"
#include "str.h"

enum { LINES = 100, LINE_BYTES = 9 };

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[] = "/tmp/cleat-logreader-XXXXXX";
static int dir_fd = -1;

static void append(const char *name, const void *data, size_t n)
{
	cleanup_fd int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, n), 0);
}

static void write_record(const char *name, const char *data, size_t n, int64_t time_ns,
			 uint8_t stream, uint64_t position)
{
	struct logrec rec = { .time_ns = time_ns,
			      .position = position,
			      .data = data,
			      .size = (uint32_t)n,
			      .stream = stream,
			      .partial = data[n - 1] != '\n' };
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	logrec_encode(&rec, head, tail);
	append(name, head, sizeof(head));
	append(name, data, n);
	append(name, tail, sizeof(tail));
}

static void write_local(int i, const char *line)
{
	char name[48];

	snprintf(name, sizeof(name), "log/%06d.log", 1 + i / 40);
	write_record(name, line, LINE_BYTES, 1000 + i, (uint8_t)(1 + i % 2),
		     (uint64_t)i * LINE_BYTES);
}

static void write_json(int i, const char *line)
{
	static uint64_t total, base[3] = { 0 };
	char name[128], text[128];
	int file = i / 40, n;

	if (i % 40 == 0)
		base[file] = total;
	n = snprintf(text, sizeof(text),
		     "{\"log\":\"%.8s\\n\",\"stream\":\"%s\",\"time\":\"1970-01-01T00:00:00.00000%"
		     "04dZ\"}\n",
		     line, i % 2 ? "stderr" : "stdout", 1000 + i);
	total += (uint64_t)n;
	if (file == 2)
		snprintf(name, sizeof(name), "log/" ID "-json.log");
	else
		snprintf(name, sizeof(name), "log/" ID "-json.log.%d", 2 - file);
	append(name, text, (size_t)n);
	if (i % 40 == 0) {
		cleanup_fd int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

		assert_int_equal(
			fsetxattr(fd, "user.cleat.position", &base[file], sizeof(base[file]), 0),
			0);
	}
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	dir_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || mkdirat(dir_fd, "log", 0700) < 0)
		return -1;
	for (int i = 0; i < LINES; i++) {
		char line[LINE_BYTES + 1];

		snprintf(line, sizeof(line), "line %03d\n", i);
		write_local(i, line);
		write_json(i, line);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dir_fd);
	return fd_remove_tree(AT_FDCWD, root);
}

static struct logreader *open_reader(enum logreader_format format)
{
	struct logreader *reader = NULL;

	assert_int_equal(logreader_open(&reader, dir_fd, format, ID, NULL), 0);
	return reader;
}

/* All that is left must be the lines first.. to the last. */
static void expect_rest(struct logreader *reader, int first)
{
	struct log_entry entry;

	for (int i = first; i < LINES; i++) {
		char line[LINE_BYTES + 1];

		snprintf(line, sizeof(line), "line %03d\n", i);
		assert_int_equal(logreader_next(reader, &entry, NULL), 1);
		assert_int_equal(entry.size, LINE_BYTES);
		assert_memory_equal(entry.data, line, LINE_BYTES);
		assert_int_equal(entry.stream, 1 + i % 2);
		assert_int_equal(entry.time_ns, 1000 + i);
		assert_false(entry.partial);
	}
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
}

static const enum logreader_format formats[] = { LOGREADER_LOCAL, LOGREADER_JSON };

static void all_is_read_in_order(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		cleanup(logreader_freep) struct logreader *reader = open_reader(formats[f]);

		expect_rest(reader, 0);
	}
}

static void reading_goes_on_behind_any_entry(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		cleanup(logreader_freep) struct logreader *first = open_reader(formats[f]);
		struct log_entry entry;

		for (int i = 0; i < LINES; i++) {
			cleanup(logreader_freep) struct logreader *second = open_reader(formats[f]);

			assert_int_equal(logreader_next(first, &entry, NULL), 1);
			assert_int_equal(logreader_seek(second, entry.position + entry.size, NULL),
					 0);
			expect_rest(second, i + 1);
		}
	}
}

static void a_tail_begins_at_its_line(void **state)
{
	static const bool both[3] = { false, true, true };

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++)
		for (int lines = 0; lines <= LINES + 10; lines++) {
			cleanup(logreader_freep) struct logreader *reader = open_reader(formats[f]);

			assert_int_equal(logreader_tail(reader, (uint64_t)lines, both, NULL), 0);
			expect_rest(reader, lines < LINES ? LINES - lines : 0);
		}
}

static void a_tail_counts_the_streams_chosen(void **state)
{
	static const bool one[3] = { false, false, true };

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		cleanup(logreader_freep) struct logreader *reader = open_reader(formats[f]);

		assert_int_equal(logreader_tail(reader, 10, one, NULL), 0);
		/* Of the other stream what came behind the first of them. */
		expect_rest(reader, LINES - 20);
	}
}

static void a_record_under_way_is_waited_for(void **state)
{
	cleanup(logreader_freep) struct logreader *reader = open_reader(LOGREADER_LOCAL);
	struct log_entry entry;
	struct logrec rec = { .time_ns = 1, .position = 900, .data = "ab", .size = 2, .stream = 1 };
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	(void)state;
	expect_rest(reader, 0);
	rec.partial = true;
	logrec_encode(&rec, head, tail);
	append("log/000003.log", head, sizeof(head));
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
	append("log/000003.log", "ab", 2);
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
	append("log/000003.log", tail, sizeof(tail));
	assert_int_equal(logreader_next(reader, &entry, NULL), 1);
	assert_int_equal(entry.size, 2);
	assert_true(entry.partial);
	/* The reader stands in the file when it is left behind and removed. */
	write_record("log/000004.log", "next\n", 5, 2, 1, 902);
	assert_int_equal(unlinkat(dir_fd, "log/000001.log.zst", 0), 0);
	assert_int_equal(logreader_next(reader, &entry, NULL), 1);
	assert_int_equal(entry.position, 902);
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
}

static int pack(void **state)
{
	cleanup_fd int fd = openat(dir_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(logkeep_pack(fd), 0);
	assert_int_equal(faccessat(fd, "000001.log", F_OK, 0), -1);
	assert_int_equal(faccessat(fd, "000002.log.zst", F_OK, 0), 0);
	assert_int_equal(faccessat(fd, "000003.log", F_OK, 0), 0);
	return logkeep_pack(fd);
}

static void no_directory_is_an_empty_log(void **state)
{
	cleanup_fd int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(logreader_freep) struct logreader *reader = NULL;
	static const bool both[3] = { false, true, true };
	struct log_entry entry;

	(void)state;
	assert_int_equal(logreader_open(&reader, fd, LOGREADER_LOCAL, ID, NULL), 0);
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
	assert_int_equal(logreader_tail(reader, 5, both, NULL), 0);
	assert_int_equal(logreader_seek(reader, 5, NULL), 0);
	assert_int_equal(logreader_next(reader, &entry, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_read_in_order),
		cmocka_unit_test(reading_goes_on_behind_any_entry),
		cmocka_unit_test(a_tail_begins_at_its_line),
		cmocka_unit_test(a_tail_counts_the_streams_chosen),
		cmocka_unit_test(no_directory_is_an_empty_log),
		/* the closed segments of the local one compressed */
		cmocka_unit_test_setup(all_is_read_in_order, pack),
		cmocka_unit_test(reading_goes_on_behind_any_entry),
		cmocka_unit_test(a_tail_begins_at_its_line),
		cmocka_unit_test(a_tail_counts_the_streams_chosen),
		cmocka_unit_test(a_record_under_way_is_waited_for),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
