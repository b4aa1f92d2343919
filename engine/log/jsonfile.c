/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's json-file format: ID-json.log is the newest file, ID-json.log.1 the one before and so on. A
 * file's number here counts from the newest: 1 is ID-json.log. A rotation renames all of them while a
 * reader stands in one; the reader notices by the inode (logreader.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jsonline.h"
#include "logformat.h"
#include "note.h"

enum { FILES_MAX = 10001 };

static void file_name(const char *id, uint32_t number, char out[LOGFORMAT_NAME_MAX])
{
	if (number == 1)
		(void)snprintf(out, LOGFORMAT_NAME_MAX, "%.64s-json.log", id);
	else
		(void)snprintf(out, LOGFORMAT_NAME_MAX, "%.64s-json.log.%u", id, number - 1);
}

static bool exists(int dir_fd, const char *id, uint32_t number)
{
	char name[LOGFORMAT_NAME_MAX];

	file_name(id, number, name);
	return faccessat(dir_fd, name, F_OK, 0) == 0;
}

static uint32_t previous_file(int fd, const char *id, uint32_t number)
{
	return number < FILES_MAX && exists(fd, id, number + 1) ? number + 1 : 0;
}

static uint32_t next_file(int fd, const char *id, uint32_t number)
{
	uint32_t oldest = 0;

	if (number)
		return number > 1 ? number - 1 : 0;
	while (oldest < FILES_MAX && exists(fd, id, oldest + 1))
		oldest++;
	return oldest;
}

static int open_file(int dir_fd, const char *id, uint32_t number)
{
	char name[LOGFORMAT_NAME_MAX];
	int fd;

	file_name(id, number, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int decode_line(const char *line, size_t n, char *scratch, struct log_found *found)
{
	struct jsonline parsed = { 0 };

	if (jsonline_parse(line, n, scratch, &parsed) < 0)
		return -EBADMSG;
	*found = (struct log_found){
		.entry = { .time_ns = parsed.time_ns,
			   .data = parsed.log,
			   .size = parsed.log_len,
			   .stream = parsed.stream,
			   .partial = !parsed.log_len || parsed.log[parsed.log_len - 1] != '\n' },
		.on_disk = n + 1,
	};
	return 1;
}

static int decode(const char *bytes, size_t n, char *scratch, struct log_found *found)
{
	const char *newline = memchr(bytes, '\n', n);

	if (!newline)
		return n < JSONLINE_MAX ? 0 : -EBADMSG;
	return decode_line(bytes, (size_t)(newline - bytes), scratch, found);
}

static int decode_last(const char *bytes, size_t n, char *scratch, struct log_found *found)
{
	const char *before;

	if (n == 0)
		return 0;
	if (bytes[n - 1] != '\n')
		return -EBADMSG;
	before = memrchr(bytes, '\n', n - 1);
	before = before ? before + 1 : bytes;
	return decode_line(before, (size_t)(bytes + n - 1 - before), scratch, found);
}

static uint64_t base(int fd)
{
	uint64_t position;

	return note_get(fd, "cleat.position", &position, sizeof(position)) ? position : 0;
}

const struct logformat logformat_json = {
	.entry_max = JSONLINE_MAX,
	.next_file = next_file,
	.previous_file = previous_file,
	.open_file = open_file,
	.decode = decode,
	.decode_last = decode_last,
	.base = base,
	.renames = true,
};
