/* SPDX-License-Identifier: Apache-2.0 */
/* As the reader of a log: a window over one file, left for the next one when it has been read to its end
 * once more after the next was seen. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "eventrec.h"
#include "journal_impl.h"
#include "segment.h"

enum { WINDOW_BYTES = EVENTREC_MAX * 2 };

struct journal_reader {
	int dir_fd; /* borrowed from the journal */
	int fd, notify_fd;
	uint64_t first;  /* of the file at fd */
	uint64_t behind; /* events up to this sequence are passed over */
	int64_t since_ns;
	uint64_t offset;
	size_t at, len;
	char window[WINDOW_BYTES];
};

void journal_reader_freep(struct journal_reader **reader)
{
	if (!*reader)
		return;
	closep(&(*reader)->fd);
	closep(&(*reader)->notify_fd);
	free(*reader);
}

static int open_at(struct journal_reader *r, uint64_t first)
{
	char name[SEGMENT_NAME_MAX];
	int fd;

	segment_name(first, name);
	fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	closep(&r->fd);
	r->fd = fd;
	r->first = first;
	r->offset = 0;
	r->at = r->len = 0;
	return 0;
}

/* The first file after the one at hand (with none open: the oldest, or the one that holds `behind` + 1);
 * 0 = there is none. */
static int next_file(struct journal_reader *r, uint64_t *first)
{
	cleanup_free uint64_t *list = NULL;
	size_t n;
	int e = segment_list(r->dir_fd, &list, &n);

	*first = 0;
	for (size_t i = n; e == 0 && i-- > 0;) {
		if (r->fd >= 0 && list[i] <= r->first)
			break;
		*first = list[i];
		if (r->fd < 0 && list[i] <= r->behind + 1)
			break;
	}
	return e;
}

static ssize_t refill(struct journal_reader *r)
{
	ssize_t n;

	memmove(r->window, r->window + r->at, r->len - r->at);
	r->offset += r->at;
	r->len -= r->at;
	r->at = 0;
	n = pread(r->fd, r->window + r->len, sizeof(r->window) - r->len,
		  (off_t)(r->offset + r->len));
	if (n < 0)
		return -errno;
	r->len += (size_t)n;
	return n;
}

/* 1 = look again, 0 = nothing now, -errno. */
static int more(struct journal_reader *r)
{
	ssize_t n = r->fd < 0 ? 0 : refill(r);
	uint64_t next;
	int e;

	if (n)
		return n < 0 ? (int)n : 1;
	e = next_file(r, &next);
	if (e < 0 || !next)
		return e;
	n = r->fd < 0 ? 0 : refill(r);
	if (n)
		return n < 0 ? (int)n : 1;
	e = open_at(r, next);
	return e == -ENOENT ? 1 : e < 0 ? e : 1;
}

int journal_reader_next(struct journal_reader *r, Cleat__V1__Event **event, struct err *err)
{
	int e = 1;

	while (e > 0) {
		Cleat__V1__Event *found = NULL;
		ptrdiff_t n = eventrec_decode(r->window + r->at, r->len - r->at, &found, NULL);

		if (n == 0) {
			e = more(r);
			continue;
		}
		if (n < 0) /* damage: the next file may be whole */
			n = (ptrdiff_t)(r->len - r->at);
		r->at += (size_t)n;
		if (found && found->sequence > r->behind && found->time_ns >= r->since_ns) {
			*event = found;
			return 1;
		}
		if (found)
			cleat__v1__event__free_unpacked(found, NULL);
	}
	return e < 0 ? err_sys(err, e, "read the event journal") : 0;
}

/* Moves behind all there is. */
static int go_to_end(struct journal_reader *r, struct err *err)
{
	Cleat__V1__Event *event = NULL;
	cleanup_free uint64_t *list = NULL;
	size_t n;
	int e = segment_list(r->dir_fd, &list, &n);

	if (e == 0 && n > 0)
		e = open_at(r, list[n - 1]);
	if (e < 0 && e != -ENOENT)
		return err_sys(err, e, "read the event journal");
	while ((e = journal_reader_next(r, &event, err)) > 0)
		cleat__v1__event__free_unpacked(event, NULL);
	return e;
}

static int watch(struct journal_reader *r)
{
	char path[64];

	r->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->notify_fd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	return inotify_add_watch(r->notify_fd, path, IN_MODIFY | IN_CREATE) < 0 ? -errno : 0;
}

int journal_reader_open(struct journal_reader **out, struct journal *journal, uint64_t sequence,
			int64_t since_ns, struct err *err)
{
	cleanup(journal_reader_freep) struct journal_reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return err_sys(err, ENOMEM, "read the event journal");
	r->dir_fd = journal->dir_fd;
	r->fd = r->notify_fd = -1;
	r->behind = sequence;
	r->since_ns = sequence ? 0 : since_ns;
	e = watch(r);
	if (e < 0)
		return err_sys(err, e, "watch the event journal");
	if (!sequence && !since_ns)
		e = go_to_end(r, err);
	if (e < 0)
		return e;
	*out = steal(&r);
	return 0;
}

int journal_reader_fd(const struct journal_reader *r)
{
	return r->notify_fd;
}

void journal_reader_clear(struct journal_reader *r)
{
	char events[4096];

	while (read(r->notify_fd, events, sizeof(events)) > 0)
		;
}
