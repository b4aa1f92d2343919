/* SPDX-License-Identifier: Apache-2.0 */
/* A window over one file at a time. At the end of a file that has a successor the file is read once
 * more before it is left: what was written between the last read and the rotation is then seen. A file
 * that is removed by a rotation can be read to its end all the same, as it is open. */
#include "logreader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logformat.h"
#include "logzip.h"

enum { WINDOW_MIN = 128 << 10 };

struct logreader {
	const struct logformat *format;
	const char *id;
	int dir_fd, fd, notify_fd; /* -1 = none */
	uint32_t number;           /* of the file at fd */
	uint64_t base;             /* of it */
	uint64_t offset;           /* in the file, of the window's start */
	uint64_t skip_to;          /* entries before this position are passed over */
	size_t at, len, size;      /* in the window: next entry, end of what was read, whole */
	char *window, *scratch;
	struct logzip *zip; /* of the file at fd, NULL = plain */
};

void logreader_freep(struct logreader **reader)
{
	struct logreader *r = *reader;

	if (!r)
		return;
	closep(&r->dir_fd);
	logzip_freep(&r->zip);
	closep(&r->fd);
	closep(&r->notify_fd);
	free(r->window);
	free(r->scratch);
	free(r);
}

int logreader_open(struct logreader **out, int dir_fd, enum logreader_format format, const char *id,
		   struct err *err)
{
	cleanup(logreader_freep) struct logreader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_sys(err, ENOMEM, "read the log");
	r->format = format == LOGREADER_JSON ? &logformat_json : &logformat_local;
	r->id = id;
	r->fd = r->notify_fd = -1;
	r->size = r->format->entry_max * 2 > WINDOW_MIN ? r->format->entry_max * 2 : WINDOW_MIN;
	r->window = malloc(r->size);
	r->scratch = malloc(r->format->entry_max);
	r->dir_fd = openat(dir_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0 && errno != ENOENT)
		return err_sys(err, errno, "open the log");
	if (!r->window || !r->scratch)
		return err_sys(err, ENOMEM, "read the log");
	*out = steal(&r);
	return 0;
}

bool logreader_counts_output(const struct logreader *r)
{
	return !r->format->base;
}

/* ---- bytes of a file, which may be compressed */

static ssize_t read_at(struct logzip *zip, int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got;

	if (zip)
		return logzip_read(zip, buf, n, offset);
	do
		got = pread(fd, buf, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int size_of(const struct logreader *r, uint64_t *size)
{
	struct stat st;

	if (!r->zip && fstat(r->fd, &st) < 0)
		return -errno;
	*size = r->zip ? logzip_size(r->zip) : (uint64_t)st.st_size;
	return 0;
}

static void close_file(struct logreader *r)
{
	logzip_freep(&r->zip);
	r->zip = NULL;
	closep(&r->fd);
	r->fd = -1;
	r->at = r->len = 0;
	r->offset = 0;
}

/* Opens file `number` at `offset`; -ENOENT when a rotation removed it meanwhile. */
static int open_at(struct logreader *r, uint32_t number, uint64_t offset)
{
	cleanup_fd int fd = r->format->open_file(r->dir_fd, r->id, number);
	struct logzip *zip = NULL;
	int e = fd < 0 ? fd : logzip_open(&zip, fd);

	if (e < 0)
		return e;
	close_file(r);
	r->zip = zip;
	r->fd = steal_fd(&fd);
	r->number = number;
	r->offset = offset;
	r->base = r->format->base ? r->format->base(r->fd) : 0;
	return 0;
}

/* 1 with a file open, 0 when there is none, -errno. */
static int open_oldest(struct logreader *r)
{
	for (;;) {
		uint32_t number = r->dir_fd < 0 ? 0 : r->format->next_file(r->dir_fd, r->id, 0);
		int e = number ? open_at(r, number, 0) : 0;

		/* a rotation in between has given the number to another file */
		if (e == 0 && number && r->format->renames &&
		    r->format->next_file(r->dir_fd, r->id, 0) != number)
			continue;
		if (e != -ENOENT)
			return e < 0 ? e : number != 0;
	}
}

static bool same_file(int fd, const struct stat *st)
{
	struct stat other;

	return fstat(fd, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

/* The number the open file has now, 0 = it was removed. */
static uint32_t number_now(struct logreader *r)
{
	struct stat st;

	if (!r->format->renames)
		return r->number;
	if (fstat(r->fd, &st) < 0 || st.st_nlink == 0)
		return 0;
	for (uint32_t n = 1;; n = r->format->previous_file(r->dir_fd, r->id, n)) {
		cleanup_fd int fd = n ? r->format->open_file(r->dir_fd, r->id, n) : -1;

		if (fd < 0)
			return 0;
		if (same_file(fd, &st))
			return n;
	}
}

/* The file that follows the open one, 0 = none. */
static uint32_t successor(struct logreader *r)
{
	uint32_t now = number_now(r);

	return r->format->next_file(r->dir_fd, r->id, now);
}

/* Whether file `number` is the one of *st. */
static bool is_number(const struct logreader *r, uint32_t number, const struct stat *st)
{
	cleanup_fd int fd = r->format->open_file(r->dir_fd, r->id, number);

	return fd >= 0 && same_file(fd, st);
}

/* Goes on to the file that follows. A rotation renames the older file first: while the one that is left
 * keeps its number, so did the one that was opened; else whoever asked looks again. 1, or -errno. */
static int open_successor(struct logreader *r, uint32_t next)
{
	cleanup_fd int left = r->format->renames ? fcntl(r->fd, F_DUPFD_CLOEXEC, 3) : -1;
	struct stat st = { .st_nlink = 0 };
	int e;

	if (r->format->renames && (left < 0 || fstat(left, &st) < 0))
		return -errno;
	if (st.st_nlink && !is_number(r, next + 1, &st))
		return 1;
	e = open_at(r, next, 0);
	if (e < 0)
		return e == -ENOENT ? 1 : e;
	if (st.st_nlink && !is_number(r, next + 1, &st)) {
		/* another one: back to the end of the one before */
		close_file(r);
		r->fd = steal_fd(&left);
		r->offset = (uint64_t)st.st_size;
		r->base = r->format->base(r->fd);
	}
	return 1;
}

/* Reads on behind the window's rest. Bytes read, 0 at the end of the file, -errno. */
static ssize_t refill(struct logreader *r)
{
	ssize_t n;

	memmove(r->window, r->window + r->at, r->len - r->at);
	r->offset += r->at;
	r->len -= r->at;
	r->at = 0;
	n = read_at(r->zip, r->fd, r->window + r->len, r->size - r->len, r->offset + r->len);
	if (n < 0)
		return n;
	r->len += (size_t)n;
	return n;
}

/* The window has no whole entry. 1 = look again, 0 = no more now, -errno. */
static int more(struct logreader *r)
{
	ssize_t n = refill(r);
	uint32_t next;

	if (n)
		return n < 0 ? (int)n : 1;
	next = successor(r);
	if (!next)
		return 0;
	n = refill(r);
	if (n)
		return n < 0 ? (int)n : 1;
	/* A rest here was cut by the death of a shim. */
	return open_successor(r, next);
}

/* Moves behind bytes that are no entry: to the next line, or else to the next file. */
static void skip_damage(struct logreader *r)
{
	const char *newline =
		r->format->renames ? memchr(r->window + r->at, '\n', r->len - r->at) : NULL;

	if (newline)
		r->at = (size_t)(newline + 1 - r->window);
	else
		r->at = r->len;
}

/* Whether the entry, cut at skip_to, is to be given out. */
static bool trim(const struct logreader *r, struct log_entry *e)
{
	uint64_t cut;

	if (e->position >= r->skip_to)
		return true;
	if (r->format->base)
		return false;
	cut = r->skip_to - e->position;
	if (cut >= e->size)
		return false;
	e->data += cut;
	e->size -= cut;
	e->position += cut;
	return true;
}

int logreader_next(struct logreader *r, struct log_entry *entry, struct err *err)
{
	struct log_found found;
	int e = r->fd < 0 ? open_oldest(r) : 1;

	while (e > 0) {
		e = r->format->decode(r->window + r->at, r->len - r->at, r->scratch, &found);
		if (e == 0) {
			e = more(r);
			continue;
		}
		if (e < 0) {
			skip_damage(r);
			return err_set(err, ERR_DATA_LOSS, "the log is damaged");
		}
		if (r->format->base)
			found.entry.position = r->base + r->offset + r->at;
		r->at += found.on_disk;
		if (trim(r, &found.entry)) {
			*entry = found.entry;
			return 1;
		}
	}
	return e < 0 ? err_sys(err, e, "read the log") : 0;
}

/* ---- places */

/* Position of the first entry of file `number`; false when it has none yet or is gone. */
static bool first_position(struct logreader *r, uint32_t number, uint64_t *position)
{
	cleanup_fd int fd = r->format->open_file(r->dir_fd, r->id, number);
	cleanup(logzip_freep) struct logzip *zip = NULL;
	struct log_found found;
	ssize_t n;

	if (fd < 0 || logzip_open(&zip, fd) < 0)
		return false;
	if (r->format->base) {
		*position = r->format->base(fd);
		return true;
	}
	n = read_at(zip, fd, r->window, r->size, 0);
	if (n <= 0 || r->format->decode(r->window, (size_t)n, r->scratch, &found) <= 0)
		return false;
	*position = found.entry.position;
	return true;
}

int logreader_seek(struct logreader *r, uint64_t position, struct err *err)
{
	uint32_t number = r->dir_fd < 0 ? 0 : r->format->previous_file(r->dir_fd, r->id, 0);
	uint64_t first = 0;
	int e;

	close_file(r);
	r->skip_to = position;
	while (number && !(first_position(r, number, &first) && first <= position)) {
		uint32_t older = r->format->previous_file(r->dir_fd, r->id, number);

		if (!older)
			break;
		number = older;
	}
	e = number ? open_at(r, number, 0) : 0;
	/* a rotation in between has given the number to a newer file */
	if (e == 0 && number && r->format->renames && r->base > first)
		return logreader_seek(r, position, err);
	return e < 0 && e != -ENOENT ? err_sys(err, e, "read the log") : 0;
}

struct tail {
	uint64_t left; /* newlines to find */
	const bool *streams;
	bool any;      /* an entry of the streams was seen */
	uint64_t skip; /* bytes of the entry found that come before the tail */
};

/* Looks for the last newlines of one entry; true when it holds the last one wanted. */
static bool tail_entry(struct tail *tail, const struct log_entry *e)
{
	if (!tail->streams[e->stream])
		return false;
	for (size_t i = e->size; i-- > 0;) {
		bool final = !tail->any && i + 1 == e->size;

		if (e->data[i] != '\n' || final)
			continue;
		if (--tail->left == 0) {
			tail->skip = i + 1;
			return true;
		}
	}
	tail->any |= e->size > 0;
	return false;
}

/* Walks the file at fd backwards; 1 = found, with the window's place at the entry. */
static int tail_file(struct logreader *r, struct tail *tail, uint64_t end)
{
	while (end > 0) {
		uint64_t start = end > r->size ? end - r->size : 0;
		size_t n = (size_t)(end - start), whole = n;
		struct log_found found;

		if (read_at(r->zip, r->fd, r->window, n, start) != (ssize_t)n)
			return -EIO;
		while (n > 0 && (start == 0 || n >= r->format->entry_max)) {
			if (r->format->decode_last(r->window, n, r->scratch, &found) <= 0)
				return -EBADMSG;
			n -= found.on_disk;
			if (tail_entry(tail, &found.entry)) {
				r->offset = start + n;
				r->skip_to = r->format->base ? r->base + r->offset + found.on_disk
							     : found.entry.position + tail->skip;
				return 1;
			}
		}
		if (n == whole)
			return -EBADMSG;
		end = start + n;
	}
	return 0;
}

/* End of the last whole entry, behind which may be one that is being written, and the position there: 1; 0 when the
 * file has no entry. */
static int whole_end(struct logreader *r, uint64_t *end, uint64_t *position)
{
	struct log_found found;
	uint64_t from;
	ssize_t n = size_of(r, end);

	if (n < 0)
		return (int)n;
	from = *end > r->size ? *end - r->size : 0;
	n = read_at(r->zip, r->fd, r->window, (size_t)(*end - from), from);
	if (n < 0)
		return (int)n;
	for (size_t len = (size_t)n; len > 0; len--)
		if (r->format->decode_last(r->window, len, r->scratch, &found) > 0) {
			*end = from + len;
			*position = r->format->base ? r->base + *end
						    : found.entry.position + found.entry.size;
			return 1;
		}
	*end = from;
	return 0;
}

int logreader_tail(struct logreader *r, uint64_t lines, const bool streams[3], struct err *err)
{
	struct tail tail = { .left = lines, .streams = streams };
	uint32_t number = r->dir_fd < 0 ? 0 : r->format->previous_file(r->dir_fd, r->id, 0);
	int e = 0;

	close_file(r);
	r->skip_to = 0;
	while (number && e == 0) {
		uint64_t end = 0, position = 0;

		e = open_at(r, number, 0);
		if (e == 0)
			e = whole_end(r, &end, &position);
		if (e > 0 && lines == 0) {
			r->offset = end;
			r->skip_to = position;
			return 0;
		}
		if (e >= 0 && lines > 0)
			e = tail_file(r, &tail, end);
		if (e == 0)
			number = r->format->previous_file(r->dir_fd, r->id, number_now(r));
	}
	if (e > 0)
		return 0;
	close_file(r); /* fewer lines than asked for, or a rotation just now: all there is */
	return e < 0 && e != -ENOENT && e != -EBADMSG ? err_sys(err, e, "read the log") : 0;
}

uint64_t logreader_position(const struct logreader *r)
{
	return r->skip_to;
}

/* ---- changes */

int logreader_watch(struct logreader *r)
{
	char path[64];

	if (r->notify_fd >= 0)
		return r->notify_fd;
	r->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->notify_fd < 0 || r->dir_fd < 0)
		return r->notify_fd < 0 ? -errno : r->notify_fd;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (inotify_add_watch(r->notify_fd, path,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return -errno;
	return r->notify_fd;
}

void logreader_clear(struct logreader *r)
{
	char events[4096];

	while (r->notify_fd >= 0 && read(r->notify_fd, events, sizeof(events)) > 0)
		;
}
