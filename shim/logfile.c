/* SPDX-License-Identifier: Apache-2.0 */
/* A record is written as: head with the size that is in the pipe now, splice(2) of so many bytes, tail.
 * The shim is the pipe's only reader, so the size cannot shrink in between. Killed after the head, the
 * record is empty and is cut off by the successor; killed within the splice, the bytes that reached the
 * file are the ones that left the pipe, and the successor closes the record over them. Only a terminal
 * goes through a buffer, where a kill between read and write can lose what was read.
 *
 * A segment ends with a whole line where there is one: a reader begins with the oldest segment, and should
 * not begin within a line.
 *
 * The json-file driver writes the same records, keeps the last few megabytes of them, and makes its lines
 * of them (jsonfile.c). */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fd.h"
#include "segment.h"

/* What the json-file driver keeps of records. */
enum { RAW_FILES = 2, RAW_MIN = 256 << 10, RAW_MAX = 8 << 20 };

static int open_segment(struct logfile *log, uint32_t number)
{
	int fd = segment_open(log->dir_fd, number);

	if (fd < 0)
		return fd;
	closep(&log->fd);
	log->fd = fd;
	log->segment = number;
	log->offset = 0;
	log->full = false;
	return 0;
}

struct replay {
	struct jsonfile *json;
	uint64_t from;
	bool any;
};

static int replay_record(void *ctx, const struct logrec *rec)
{
	struct replay *replay = ctx;

	if (rec->position + rec->size <= replay->from)
		return 0;
	if (!replay->any && rec->position > replay->from)
		return -ESTALE;
	replay->any = true;
	return jsonfile_take(replay->json, rec);
}

/* Lines of the json file that a killed shim has not written, or not whole. */
static int replay_json(struct logfile *log)
{
	struct replay replay = { .json = &log->json };
	int r = jsonfile_open(&log->json, log->position, &replay.from);

	for (uint32_t n = log->segment > 1 ? log->segment - 1 : 1; r == 0 && n <= log->segment;
	     n++) {
		cleanup_fd int fd = segment_open(log->dir_fd, n);
		uint64_t end;

		r = fd < 0 ? fd : segment_walk(fd, replay_record, &replay, &end);
	}
	if (r == -ESTALE) {
		jsonfile_forget(&log->json);
		r = 0;
	}
	if (log->position < replay.from)
		log->position = replay.from;
	return r < 0 ? r : jsonfile_ready(&log->json, log->position);
}

static int open_json(struct logfile *log)
{
	log->json = (struct jsonfile){
		.id = log->id,
		.dir_fd = log->dir_fd,
		.max_size = log->max_size,
		.max_files = log->max_files,
		.fd = -1,
	};
	log->max_files = RAW_FILES;
	log->max_size = log->max_size < RAW_MIN   ? RAW_MIN
			: log->max_size > RAW_MAX ? RAW_MAX
						  : log->max_size;
	return replay_json(log);
}

/* Opens the last segment there is, and mends its end. The first is made for the first byte: many a container says
 * nothing. */
static int go_on(struct logfile *log)
{
	uint32_t keep = log->driver == LOG_DRIVER_JSON ? RAW_FILES : log->max_files;
	uint32_t last = segment_last(log->dir_fd);
	int r;

	/* what a rotation removes when it was cut off before that: else it would stay, with a gap behind it */
	if (last > keep)
		segment_unlink(log->dir_fd, last - keep);
	if (!last && log->driver == LOG_DRIVER_LOCAL)
		return 0;
	r = open_segment(log, last ? last : 1);
	if (r == 0 && last)
		r = segment_mend(log->fd, &log->offset, &log->position);
	if (r == 0 && last > 1 && log->offset == 0)
		r = segment_end(log->dir_fd, last - 1, &log->position);
	return r;
}

int logfile_open(struct logfile *log, int state_fd, uint64_t known_position)
{
	int r;

	log->fd = log->dir_fd = log->json.fd = -1;
	log->position = known_position;
	if (log->driver == LOG_DRIVER_NONE)
		return 0;
	if (mkdirat(state_fd, "log", 0700) < 0 && errno != EEXIST)
		return -errno;
	log->dir_fd = openat(state_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir_fd < 0)
		return -errno;
	r = go_on(log);
	if (log->position < known_position)
		log->position = known_position;
	return r == 0 && log->driver == LOG_DRIVER_JSON ? open_json(log) : r;
}

void logfile_close(struct logfile *log)
{
	logfile_flush(log);
	jsonfile_close(&log->json);
	closep(&log->fd);
	closep(&log->dir_fd);
	log->fd = log->dir_fd = -1;
}

static void rotate(struct logfile *log)
{
	if ((log->offset < log->max_size && !log->full) || open_segment(log, log->segment + 1) < 0)
		return;
	if (log->driver == LOG_DRIVER_JSON)
		jsonfile_mark(&log->json, log->position);
	if (log->segment > log->max_files)
		segment_unlink(log->dir_fd, log->segment - log->max_files);
	log->rotated = log->driver == LOG_DRIVER_LOCAL;
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
		if (segment_close_record(log->fd, log->offset, rec, (uint32_t)moved) < 0)
			return -EIO;
	}
	log->offset = (uint64_t)at + sizeof(tail);
	return (ssize_t)moved;
}

static int write_record(struct logfile *log, struct logrec *rec)
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
	return 0;
}

void logfile_flush(struct logfile *log)
{
	if (log->driver == LOG_DRIVER_JSON && log->json.fd >= 0)
		jsonfile_flush(&log->json, log->position);
}

/* The bytes of a terminal; -ENOSPC and others when they could not be stored. */
static ssize_t take_buffered(struct logfile *log, int fd, struct logrec *rec, char *copy)
{
	static char own[LOGREC_DATA_MAX];
	char *data = copy ? copy : own;
	ssize_t n = read(fd, data, LOGREC_DATA_MAX);

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : n < 0 ? -errno : 0;
	rec->data = data;
	rec->size = (uint32_t)n;
	if (write_record(log, rec) < 0)
		log->dropped += (uint64_t)n;
	return n;
}

/* How many of the next `size` bytes of the pipe are whole lines; `size` when there is no line's end in them
 * or they cannot be looked at. Takes nothing: tee(2). */
static uint32_t whole_lines(int fd, uint32_t size)
{
	static char bytes[LOGREC_DATA_MAX];
	int look[2];
	const char *end = NULL;
	ssize_t n;

	if (pipe2(look, O_CLOEXEC | O_NONBLOCK) < 0)
		return size;
	n = tee(fd, look[1], size, SPLICE_F_NONBLOCK);
	if (n > 0)
		n = read(look[0], bytes, (size_t)n);
	if (n > 0)
		end = memrchr(bytes, '\n', (size_t)n);
	close(look[0]);
	close(look[1]);
	return end ? (uint32_t)(end - bytes) + 1 : size;
}

static ssize_t take_waiting(struct logfile *log, int fd, struct logrec *rec, char *copy)
{
	int waiting = 0;

	if (ioctl(fd, FIONREAD, &waiting) < 0)
		return -errno;
	if (waiting == 0)
		return 0;
	rec->size = waiting < LOGREC_DATA_MAX ? (uint32_t)waiting : LOGREC_DATA_MAX;
	if (log->driver == LOG_DRIVER_LOCAL && log->offset + logrec_size(rec) >= log->max_size) {
		uint32_t lines = whole_lines(fd, rec->size);

		log->full = lines < rec->size;
		rec->size = lines;
	}
	return take_spliced(log, fd, rec, copy);
}

static bool has_segment(struct logfile *log)
{
	return log->fd >= 0 || (log->dir_fd >= 0 && open_segment(log, 1) == 0);
}

ssize_t logfile_take(struct logfile *log, int fd, bool is_pipe, uint8_t stream, int64_t time_ns,
		     char *copy)
{
	static char own[LOGREC_DATA_MAX];
	struct logrec rec = { .time_ns = time_ns, .position = log->position, .stream = stream };
	ssize_t n;

	if (log->driver == LOG_DRIVER_NONE || !has_segment(log))
		return drop(log, fd, copy);
	if (log->driver == LOG_DRIVER_JSON && !copy)
		copy = own;
	n = is_pipe ? take_waiting(log, fd, &rec, copy) : take_buffered(log, fd, &rec, copy);
	if (n <= 0)
		return n;
	log->position = rec.position + (uint64_t)n;
	if (log->driver == LOG_DRIVER_JSON) {
		rec.data = copy;
		rec.size = (uint32_t)n;
		if (jsonfile_take(&log->json, &rec) < 0)
			log->dropped += (uint64_t)n;
	}
	rotate(log);
	return n;
}
