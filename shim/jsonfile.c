/* SPDX-License-Identifier: Apache-2.0 */
/* The mark is a small file, replaced atomically: up to which byte of output lines were made, how long
 * the json file was then, and what was held of unfinished lines. How records become lines depends on
 * nothing else, so a successor goes back to the mark and writes everything behind it again, over the
 * same bytes as far as they are there. A rotation is framed by two marks: the successor finds the json
 * file either as long as it was before, or new. */
#include "jsonfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "log.h"
#include "note.h"

#define POSITION_NOTE "cleat.position"
#define MARK_NAME     "json.mark"
#define NEW_NAME      "json.new"
#define MARK_MAGIC    UINT64_C(0x316b72616d6e736a)

enum { NAME_BYTES = 96 };

struct mark {
	uint64_t magic;
	uint64_t inode, offset, base; /* of the json file */
	uint64_t position;            /* of output */
	uint64_t held[2];             /* bytes held of stdout and stderr, which follow */
};

/* File 0 is the one written to, 1 the one before it, and so on. */
static void file_name(const struct jsonfile *json, uint32_t number, char out[NAME_BYTES])
{
	if (number == 0)
		snprintf(out, NAME_BYTES, "%s-json.log", json->id);
	else
		snprintf(out, NAME_BYTES, "%s-json.log.%u", json->id, number);
}

static int open_newest(struct jsonfile *json, struct stat *st)
{
	char name[NAME_BYTES];

	file_name(json, 0, name);
	json->fd = openat(json->dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (json->fd < 0 || fstat(json->fd, st) < 0)
		return -errno;
	return 0;
}

/* Readers tell places in the log by it; a file system without: by the file alone. */
static void tell_base(const struct jsonfile *json)
{
	(void)!note_set(json->fd, POSITION_NOTE, &json->base, sizeof(json->base));
}

/* ---- the mark */

void jsonfile_mark(struct jsonfile *json, uint64_t position)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	cleanup_fd int fd = openat(json->dir_fd, MARK_NAME ".new",
				   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct mark mark = { .magic = MARK_MAGIC,
			     .offset = json->offset,
			     .base = json->base,
			     .position = position };
	struct stat st;

	if (fd < 0 || json->fd < 0 || fstat(json->fd, &st) < 0)
		return;
	mark.inode = st.st_ino;
	for (size_t i = 0; i < ARRAY_LEN(mark.held); i++)
		mark.held[i] = json->lines.held[i].len;
	buf_append(&bytes, &mark, sizeof(mark));
	for (size_t i = 0; i < ARRAY_LEN(mark.held); i++)
		buf_append(&bytes, json->lines.held[i].data, json->lines.held[i].len);
	/* An older mark serves as well, as long as the records are there. */
	if (!bytes.error && fd_write_all(fd, bytes.data, bytes.len) == 0)
		(void)!renameat(json->dir_fd, MARK_NAME ".new", json->dir_fd, MARK_NAME);
}

static bool take_mark(struct jsonfile *json, const char *bytes, size_t n, struct mark *mark)
{
	if (n < sizeof(*mark))
		return false;
	memcpy(mark, bytes, sizeof(*mark));
	if (mark->magic != MARK_MAGIC || mark->held[0] > JSONLOG_LINE_MAX ||
	    mark->held[1] > JSONLOG_LINE_MAX || n != sizeof(*mark) + mark->held[0] + mark->held[1])
		return false;
	bytes += sizeof(*mark);
	for (size_t i = 0; i < ARRAY_LEN(mark->held); i++) {
		buf_append(&json->lines.held[i], bytes, mark->held[i]);
		bytes += mark->held[i];
	}
	return !json->lines.held[0].error && !json->lines.held[1].error;
}

static bool load_mark(struct jsonfile *json, struct mark *mark)
{
	static char bytes[sizeof(*mark) + 2 * JSONLOG_LINE_MAX + 1];
	cleanup_fd int fd = openat(json->dir_fd, MARK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	return n > 0 && take_mark(json, bytes, (size_t)n, mark);
}

/* ---- opening */

static uint64_t told_base(const struct jsonfile *json)
{
	uint64_t base;

	return note_get(json->fd, POSITION_NOTE, &base, sizeof(base)) ? base : 0;
}

/* In the newest file, which could not be renamed away. */
static int go_on(struct jsonfile *json)
{
	struct stat st;
	int r = open_newest(json, &st);

	if (r == 0 && fcntl(json->fd, F_SETFL, O_APPEND) < 0)
		r = -errno;
	if (r < 0) {
		closep(&json->fd);
		json->fd = -1;
		return r;
	}
	json->offset = (uint64_t)st.st_size;
	json->base -= json->offset;
	if (json->offset == 0) /* a file system without RENAME_NOREPLACE */
		tell_base(json);
	return 0;
}

/* The newest file where there is none open: after a rotation, and again when it could not be made then (no
 * descriptor or no inode was free). */
static int begin(struct jsonfile *json)
{
	char name[NAME_BYTES];

	/* Readers find it with its position, or not at all. */
	json->fd = openat(json->dir_fd, NEW_NAME,
			  O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (json->fd < 0)
		return -errno;
	json->offset = 0;
	tell_base(json);
	file_name(json, 0, name);
	if (syscall(SYS_renameat2, json->dir_fd, NEW_NAME, json->dir_fd, name, RENAME_NOREPLACE) ==
	    0)
		return 0;
	closep(&json->fd);
	json->fd = -1;
	unlinkat(json->dir_fd, NEW_NAME, 0);
	return go_on(json);
}

int jsonfile_open(struct jsonfile *json, uint64_t position, uint64_t *from)
{
	struct mark mark;
	bool marked = load_mark(json, &mark);
	char name[NAME_BYTES];
	struct stat st;
	int r;

	if (!marked)
		mark = (struct mark){ .position = position };
	file_name(json, 0, name);
	*from = mark.position;
	if (faccessat(json->dir_fd, name, F_OK, 0) < 0 && errno == ENOENT) {
		json->base = mark.base +
			     mark.offset; /* a rotation was cut off, or nothing is there yet */
		return begin(json);
	}
	r = open_newest(json, &st);
	if (r < 0)
		return r;
	json->offset = (uint64_t)st.st_size;
	if (!marked) {
		json->base = told_base(json);
	} else {
		/* Of another file, or cut by somebody: all that the mark counts is before this one. */
		if (mark.inode == st.st_ino && mark.offset <= json->offset)
			json->offset = mark.offset;
		json->base = mark.base + mark.offset - json->offset;
	}
	if (st.st_size == 0)
		tell_base(json);
	return lseek(json->fd, (off_t)json->offset, SEEK_SET) < 0 ? -errno : 0;
}

void jsonfile_forget(struct jsonfile *json)
{
	uint64_t marked = json->offset;
	off_t end = lseek(json->fd, 0, SEEK_END);

	if (end >= 0)
		json->offset = (uint64_t)end;
	if (json->offset > marked)
		log_warn("json log goes on behind a gap id=%.12s", json->id);
	jsonlog_deinit(&json->lines);
}

int jsonfile_ready(struct jsonfile *json, uint64_t position)
{
	/* Behind it can only be lines of an end that was not told. O_APPEND: others may cut the file. */
	if (ftruncate(json->fd, (off_t)json->offset) < 0 || fcntl(json->fd, F_SETFL, O_APPEND) < 0)
		return -errno;
	jsonfile_mark(json, position);
	return 0;
}

void jsonfile_close(struct jsonfile *json)
{
	jsonlog_deinit(&json->lines);
	closep(&json->fd);
	json->fd = -1;
}

/* ---- writing */

/* File i becomes i + 1, up to the first gap: a shim killed in the midst of it has left one. */
static void rename_all(struct jsonfile *json)
{
	char from[NAME_BYTES], to[NAME_BYTES];
	uint32_t last = 0;

	for (file_name(json, 0, from);
	     last < json->max_files && faccessat(json->dir_fd, from, F_OK, 0) == 0;
	     file_name(json, ++last, from))
		;
	if (last == json->max_files) {
		file_name(json, last - 1, from);
		unlinkat(json->dir_fd, from, 0);
		last--;
	}
	for (uint32_t i = last; i-- > 0;) {
		file_name(json, i, from);
		file_name(json, i + 1, to);
		(void)!renameat(json->dir_fd, from, json->dir_fd, to);
	}
}

static void rotate(struct jsonfile *json, uint64_t position)
{
	if (json->offset < json->max_size)
		return;
	jsonfile_mark(json, position);
	rename_all(json);
	json->base += json->offset;
	json->offset = 0;
	closep(&json->fd);
	json->fd = -1;
	if (begin(json) == 0)
		jsonfile_mark(json, position);
}

static int append(struct jsonfile *json, const struct buf *lines, uint64_t position)
{
	int r = lines->error;

	if (r == 0 && lines->len > 0 && json->fd < 0)
		r = begin(json);
	if (r < 0 || lines->len == 0)
		return r;
	if (fd_write_all(json->fd, lines->data, lines->len) < 0) {
		/* A torn line would spoil the next one. */
		if (ftruncate(json->fd, (off_t)json->offset) < 0 ||
		    lseek(json->fd, (off_t)json->offset, SEEK_SET) < 0)
			return -errno;
		return -EIO;
	}
	json->offset += lines->len;
	rotate(json, position);
	return 0;
}

int jsonfile_take(struct jsonfile *json, const struct logrec *rec)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;

	jsonlog_take(&json->lines, rec->stream, rec->data, rec->size, rec->time_ns, &lines);
	return append(json, &lines, rec->position + rec->size);
}

void jsonfile_flush(struct jsonfile *json, uint64_t position)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;

	jsonlog_flush(&json->lines, fd_realtime_ns(), &lines);
	if (append(json, &lines, position) < 0)
		log_error("the end of the log is lost id=%.12s", json->id);
	jsonfile_mark(json, position);
}
