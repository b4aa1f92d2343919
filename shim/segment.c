/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "str.h"

enum { RECORD_MAX = LOGREC_HEAD_BYTES + LOGREC_DATA_MAX + LOGREC_TAIL_BYTES };

static void segment_name(uint32_t number, char out[24])
{
	snprintf(out, 24, LOGREC_SEGMENT_FORMAT, number);
}

uint32_t segment_last(int dir_fd)
{
	DIR *dir = fd_dir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	uint32_t last = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		char digits[7] = { 0 };
		uint64_t number;

		if (strlen(entry->d_name) < 10 || strncmp(entry->d_name + 6, ".log", 4) != 0)
			continue;
		memcpy(digits, entry->d_name, 6);
		if (str_u64(digits, &number) == 0 && number > last)
			last = (uint32_t)number;
	}
	closedir(dir);
	return last;
}

int segment_open(int dir_fd, uint32_t number)
{
	char name[24];
	int fd;

	segment_name(number, name);
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

void segment_unlink(int dir_fd, uint32_t number)
{
	char name[32];

	(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT, number);
	unlinkat(dir_fd, name, 0);
	(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT LOGREC_PACKED_SUFFIX, number);
	unlinkat(dir_fd, name, 0);
}

int segment_walk(int fd, int (*take)(void *ctx, const struct logrec *rec), void *ctx, uint64_t *end)
{
	enum { WINDOW = 4 * RECORD_MAX };
	cleanup_free char *window = malloc(WINDOW);
	size_t len = 0, at = 0;
	int r = 0;

	if (!window)
		return -ENOMEM;
	*end = 0;
	while (r == 0) {
		struct logrec rec;
		ptrdiff_t size = logrec_decode(window + at, len - at, &rec);
		ssize_t n;

		if (size > 0) {
			at += (size_t)size;
			*end += (uint64_t)size;
			r = take(ctx, &rec);
			continue;
		}
		if (size < 0)
			break;
		memmove(window, window + at, len - at);
		len -= at;
		at = 0;
		n = pread(fd, window + len, WINDOW - len, (off_t)(*end + len));
		if (n <= 0)
			return n < 0 ? -errno : 0;
		len += (size_t)n;
	}
	return r;
}

int segment_close_record(int fd, uint64_t at, struct logrec *rec, uint32_t size)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	rec->size = size;
	logrec_encode(rec, head, tail);
	if (pwrite(fd, tail, sizeof(tail), (off_t)(at + sizeof(head) + size)) != sizeof(tail) ||
	    pwrite(fd, head, sizeof(head), (off_t)at) != sizeof(head))
		return -EIO;
	return 0;
}

/* A record cut by a kill begins at *offset, where the file has `left` more bytes. */
static int mend_tail(int fd, const char *bytes, uint64_t left, uint64_t *offset, uint64_t *position)
{
	struct logrec rec;
	uint32_t size;

	if (left <= LOGREC_HEAD_BYTES)
		return 0;
	/* The stored size may be larger than what came: decode the head with a record made whole. */
	cleanup_free char *whole = calloc(1, RECORD_MAX);

	if (!whole)
		return -ENOMEM;
	memcpy(whole, bytes, LOGREC_HEAD_BYTES);
	memcpy(&size, bytes, sizeof(size));
	if (size == 0 || size > LOGREC_DATA_MAX)
		return 0;
	memcpy(whole + LOGREC_HEAD_BYTES + size, &size, sizeof(size));
	if (logrec_decode(whole, LOGREC_HEAD_BYTES + size + LOGREC_TAIL_BYTES, &rec) <= 0)
		return 0;
	left -= LOGREC_HEAD_BYTES;
	if (left > size)
		left = size;
	if (segment_close_record(fd, *offset, &rec, (uint32_t)left) < 0)
		return -EIO;
	*offset += LOGREC_HEAD_BYTES + left + LOGREC_TAIL_BYTES;
	*position = rec.position + left;
	return 0;
}

static int note_position(void *ctx, const struct logrec *rec)
{
	uint64_t *position = ctx;

	*position = rec->position + rec->size;
	return 0;
}

int segment_mend(int fd, uint64_t *offset, uint64_t *position)
{
	cleanup_free char *rest = malloc(RECORD_MAX);
	struct logrec rec;
	ssize_t n;
	int r = rest ? segment_walk(fd, note_position, position, offset) : -ENOMEM;

	if (r < 0)
		return r;
	n = pread(fd, rest, RECORD_MAX, (off_t)*offset);
	if (n < 0)
		return -errno;
	if (n > 0 && logrec_decode(rest, (size_t)n, &rec) == 0)
		r = mend_tail(fd, rest, (uint64_t)n, offset, position);
	if (r == 0 && ftruncate(fd, (off_t)*offset) < 0)
		r = -errno;
	return r;
}

int segment_end(int dir_fd, uint32_t number, uint64_t *position)
{
	char name[24];
	cleanup_fd int fd = -1;
	uint64_t end;

	segment_name(number, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return segment_walk(fd, note_position, position, &end);
}
