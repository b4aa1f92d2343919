/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the local driver is written as: head with the size that is in the pipe now, splice(2) of
 * so many bytes, tail. The shim is the pipe's only reader, so the size cannot shrink in between. Killed
 * after the head, the record is empty and is cut off by the successor; killed within the splice, the
 * bytes that reached the file are the ones that left the pipe, and the successor closes the record over
 * them. json-file and terminals go through a buffer, where a kill between read and write can lose what
 * was read. */
#include "logfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

#define POSITION_XATTR "user.cleat.position"

static void segment_name(uint32_t number, char out[24])
{
	snprintf(out, 24, LOGREC_SEGMENT_FORMAT, number);
}

/* The highest segment number in the directory, 0 = none. */
static uint32_t last_segment(int dir_fd)
{
	cleanup_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint32_t last = 0;

	if (!dir)
		return 0;
	steal_fd(&fd);
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

/* Closes a record over the `size` data bytes that reached the file at `at`. */
static int close_record(int fd, uint64_t at, struct logrec *rec, uint32_t size)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	rec->size = size;
	logrec_encode(rec, head, tail);
	if (pwrite(fd, tail, sizeof(tail), (off_t)(at + sizeof(head) + size)) != sizeof(tail) ||
	    pwrite(fd, head, sizeof(head), (off_t)at) != sizeof(head))
		return -EIO;
	return 0;
}

/* A record cut by a kill: `left` bytes from `at` to the end of the file. */
static int mend_tail(struct logfile *log, const char *bytes, uint64_t at, uint64_t left)
{
	struct logrec rec;
	uint32_t size;

	if (left <= LOGREC_HEAD_BYTES)
		return 0;
	/* The stored size may be larger than what came: decode the head with a record made whole. */
	cleanup_free char *whole =
		calloc(1, LOGREC_HEAD_BYTES + LOGREC_DATA_MAX + LOGREC_TAIL_BYTES);

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
	if (close_record(log->fd, at, &rec, (uint32_t)left) < 0)
		return -EIO;
	log->offset = at + LOGREC_HEAD_BYTES + left + LOGREC_TAIL_BYTES;
	log->position = rec.position + left;
	return 0;
}

/* Walks the segment's records, sets offset and position behind the last whole one, cuts the rest. */
static int mend_segment(struct logfile *log)
{
	enum { WINDOW = LOGREC_HEAD_BYTES + LOGREC_DATA_MAX + LOGREC_TAIL_BYTES };
	cleanup_free char *window = malloc(WINDOW);
	struct stat st;
	int r = 0;

	if (!window)
		return -ENOMEM;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	for (log->offset = 0; log->offset < (uint64_t)st.st_size;) {
		ssize_t n = pread(log->fd, window, WINDOW, (off_t)log->offset);
		struct logrec rec;
		ptrdiff_t size;

		if (n <= 0)
			return n < 0 ? -errno : 0;
		size = logrec_decode(window, (size_t)n, &rec);
		if (size <= 0) {
			if (size == 0)
				r = mend_tail(log, window, log->offset, (uint64_t)n);
			break;
		}
		log->offset += (uint64_t)size;
		log->position = rec.position + rec.size;
	}
	if (r == 0 && ftruncate(log->fd, (off_t)log->offset) < 0)
		r = -errno;
	return r;
}

static int open_segment(struct logfile *log, uint32_t number)
{
	char name[24];
	int fd;

	segment_name(number, name);
	fd = openat(log->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	closep(&log->fd);
	log->fd = fd;
	log->segment = number;
	log->offset = 0;
	return 0;
}

static int open_json(struct logfile *log)
{
	char name[80];
	struct stat st;

	snprintf(name, sizeof(name), "%s-json.log", log->id);
	log->fd = openat(log->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return -errno;
	log->offset = (uint64_t)st.st_size;
	if (log->offset == 0) /* readers tell places in the log by it; a file system without: by the
			       * file alone */
		(void)fsetxattr(log->fd, POSITION_XATTR, &log->base, sizeof(log->base), 0);
	else if (fgetxattr(log->fd, POSITION_XATTR, &log->base, sizeof(log->base)) !=
		 sizeof(log->base))
		log->base = 0;
	return 0;
}

int logfile_open(struct logfile *log, int state_fd, uint64_t known_position)
{
	uint32_t last;
	int r;

	log->fd = log->dir_fd = -1;
	log->position = known_position;
	if (log->driver == LOG_DRIVER_NONE)
		return 0;
	if (mkdirat(state_fd, "log", 0700) < 0 && errno != EEXIST)
		return -errno;
	log->dir_fd = openat(state_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir_fd < 0)
		return -errno;
	if (log->driver == LOG_DRIVER_JSON)
		return open_json(log);
	last = last_segment(log->dir_fd);
	r = open_segment(log, last ? last : 1);
	if (r == 0 && last)
		r = mend_segment(log);
	if (log->position < known_position)
		log->position = known_position;
	return r;
}

void logfile_close(struct logfile *log)
{
	logfile_flush(log);
	jsonlog_deinit(&log->json);
	closep(&log->fd);
	closep(&log->dir_fd);
	log->fd = log->dir_fd = -1;
}

static void rotate_local(struct logfile *log)
{
	char name[24];

	if (log->offset < log->max_size)
		return;
	if (open_segment(log, log->segment + 1) < 0)
		return;
	if (log->segment > log->max_files) {
		segment_name(log->segment - log->max_files, name);
		unlinkat(log->dir_fd, name, 0);
		(void)strcat(name, LOGREC_PACKED_SUFFIX);
		unlinkat(log->dir_fd, name, 0);
	}
	log->rotated = true;
}

/* ID-json.log becomes ID-json.log.1, that .2 and so on; max_files counts all of them. */
static void rotate_json(struct logfile *log)
{
	char from[96], to[96];

	if (log->offset < log->max_size)
		return;
	for (uint32_t i = log->max_files; i-- > 1;) {
		if (i == 1)
			snprintf(from, sizeof(from), "%s-json.log", log->id);
		else
			snprintf(from, sizeof(from), "%s-json.log.%u", log->id, i - 1);
		snprintf(to, sizeof(to), "%s-json.log.%u", log->id, i);
		renameat(log->dir_fd, from, log->dir_fd, to);
	}
	log->base += log->offset;
	if (log->max_files == 1) {
		snprintf(from, sizeof(from), "%s-json.log", log->id);
		unlinkat(log->dir_fd, from, 0);
	}
	closep(&log->fd);
	if (open_json(log) < 0)
		log->fd = -1;
}

/* Bytes that cannot be stored are taken all the same: the container goes on. */
static ssize_t drop(struct logfile *log, int fd, char *copy)
{
	char scratch[4096];
	ssize_t n = read(fd, copy ? copy : scratch, copy ? LOGREC_DATA_MAX : sizeof(scratch));

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : n < 0 ? -errno : 0;
	log->position += (uint64_t)n;
	if (log->driver != LOG_DRIVER_NONE)
		log->dropped += (uint64_t)n;
	return n;
}

/* Whether the last of the bytes moved is a newline; *copy receives them if wanted. */
static bool fetch(struct logfile *log, uint64_t at, size_t n, char *copy, bool *whole_line)
{
	char last;

	if (copy) {
		if (pread(log->fd, copy, n, (off_t)at) != (ssize_t)n)
			return false;
		last = copy[n - 1];
	} else if (pread(log->fd, &last, 1, (off_t)(at + n - 1)) != 1) {
		return false;
	}
	*whole_line = last == '\n';
	return true;
}

static ssize_t take_spliced(struct logfile *log, int fd, struct logrec *rec, char *copy)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];
	off_t at = (off_t)log->offset + LOGREC_HEAD_BYTES;
	size_t moved = 0;
	bool whole_line = true;

	logrec_encode(rec, head, tail);
	if (pwrite(log->fd, head, sizeof(head), (off_t)log->offset) != sizeof(head))
		return drop(log, fd, copy);
	while (moved < rec->size) {
		ssize_t n = splice(fd, NULL, log->fd, &at, rec->size - moved, 0);

		if (n <= 0)
			break;
		moved += (size_t)n;
	}
	if (moved == 0) {
		if (ftruncate(log->fd, (off_t)log->offset) < 0)
			return -errno;
		return drop(log, fd, copy);
	}
	if (!fetch(log, log->offset + sizeof(head), moved, copy, &whole_line))
		return -EIO;
	if (moved == rec->size && whole_line) {
		if (pwrite(log->fd, tail, sizeof(tail), at) != sizeof(tail))
			return -EIO;
	} else {
		rec->partial = !whole_line;
		if (close_record(log->fd, log->offset, rec, (uint32_t)moved) < 0)
			return -EIO;
	}
	log->offset = (uint64_t)at + sizeof(tail);
	log->position += moved;
	rotate_local(log);
	return (ssize_t)moved;
}

static int write_local(struct logfile *log, struct logrec *rec)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];
	struct iovec iov[] = {
		{ head, sizeof(head) },
		{ (void *)(uintptr_t)rec->data, rec->size },
		{ tail, sizeof(tail) },
	};
	size_t whole = logrec_size(rec);

	rec->partial = rec->data[rec->size - 1] != '\n';
	logrec_encode(rec, head, tail);
	if (pwritev(log->fd, iov, 3, (off_t)log->offset) != (ssize_t)whole) {
		if (ftruncate(log->fd, (off_t)log->offset) < 0)
			return -errno;
		return -ENOSPC;
	}
	log->offset += whole;
	rotate_local(log);
	return 0;
}

static int append_json(struct logfile *log, const struct buf *lines)
{
	if (lines->error || log->fd < 0)
		return lines->error ? lines->error : -EBADF;
	if (lines->len == 0)
		return 0;
	if (fd_write_all(log->fd, lines->data, lines->len) < 0) {
		/* A torn line would spoil the next one. */
		if (ftruncate(log->fd, (off_t)log->offset) < 0)
			return -errno;
		return -EIO;
	}
	log->offset += lines->len;
	rotate_json(log);
	return 0;
}

static int write_json(struct logfile *log, const struct logrec *rec)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;

	jsonlog_take(&log->json, rec->stream, rec->data, rec->size, rec->time_ns, &lines);
	return append_json(log, &lines);
}

void logfile_flush(struct logfile *log)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;

	if (log->driver != LOG_DRIVER_JSON)
		return;
	jsonlog_flush(&log->json, fd_realtime_ns(), &lines);
	(void)!append_json(log, &lines);
}

static ssize_t take_buffered(struct logfile *log, int fd, struct logrec *rec, char *copy)
{
	static char own[LOGREC_DATA_MAX];
	char *data = copy ? copy : own;
	ssize_t n = read(fd, data, LOGREC_DATA_MAX);
	int r;

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : n < 0 ? -errno : 0;
	rec->data = data;
	rec->size = (uint32_t)n;
	r = log->driver == LOG_DRIVER_JSON ? write_json(log, rec) : write_local(log, rec);
	if (r < 0)
		log->dropped += (uint64_t)n;
	log->position += (uint64_t)n;
	return n;
}

ssize_t logfile_take(struct logfile *log, int fd, bool is_pipe, uint8_t stream, int64_t time_ns,
		     char *copy)
{
	struct logrec rec = { .time_ns = time_ns, .position = log->position, .stream = stream };
	int waiting = 0;

	if (log->driver == LOG_DRIVER_NONE || log->fd < 0)
		return drop(log, fd, copy);
	if (log->driver == LOG_DRIVER_JSON || !is_pipe)
		return take_buffered(log, fd, &rec, copy);
	if (ioctl(fd, FIONREAD, &waiting) < 0)
		return -errno;
	if (waiting == 0)
		return 0;
	rec.size = waiting < LOGREC_DATA_MAX ? (uint32_t)waiting : LOGREC_DATA_MAX;
	return take_spliced(log, fd, &rec, copy);
}
