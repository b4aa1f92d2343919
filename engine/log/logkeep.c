/* SPDX-License-Identifier: Apache-2.0 */
/* The compressed file gets its name, and is on the disk, before the plain one loses it. It goes again when
 * the shim has removed the plain one meanwhile: it was the oldest. While two engines are there, one hands
 * over to the other, a lock on the directory (flock(2)) keeps them apart; shims know nothing of it. */
#include "logkeep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fd.h"
#include "list.h"
#include "log.h"
#include "logformat.h"
#include "logrec.h"
#include "logzip.h"
#include "thread.h"

#define PACKING ".packing"

enum { STACK_BYTES = 128 << 10 };

struct note {
	struct list link;
	int64_t at_ns; /* CLOCK_MONOTONIC */
	char id[65];
};

struct logkeep {
	int containers_fd;
	int64_t after_ns;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct list notes; /* by time */
	bool stopping;
};

static int write_packed(int log_fd, const char *plain, const char *packed)
{
	cleanup_fd int from = openat(log_fd, plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_fd int to =
		from < 0 ? -1
			 : openat(log_fd, PACKING,
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = to < 0 ? -errno : logzip_write(from, to);

	if (r == 0 && fdatasync(to) < 0)
		r = -errno;
	if (r == 0 && renameat(log_fd, PACKING, log_fd, packed) < 0)
		r = -errno;
	if (r < 0 && to >= 0)
		(void)unlinkat(log_fd, PACKING, 0);
	return r == 0 && fsync(log_fd) < 0 ? -errno : r;
}

static int pack_locked(int log_fd, uint32_t number)
{
	char plain[32], packed[32];
	int r;

	(void)snprintf(plain, sizeof(plain), LOGREC_SEGMENT_FORMAT, number);
	(void)snprintf(packed, sizeof(packed), "%s" LOGREC_PACKED_SUFFIX, plain);
	if (faccessat(log_fd, plain, F_OK, 0) < 0)
		return 0;
	r = write_packed(log_fd, plain, packed);
	if (r == 0 && unlinkat(log_fd, plain, 0) < 0 && errno == ENOENT)
		(void)unlinkat(log_fd, packed, 0);
	return r == -ENOENT ? 0 : r;
}

static int pack(int log_fd, uint32_t number)
{
	int r;

	if (flock(log_fd, LOCK_EX) < 0)
		return -errno;
	r = pack_locked(log_fd, number);
	(void)flock(log_fd, LOCK_UN);
	return r;
}

int logkeep_pack(int log_fd)
{
	const uint32_t open = logformat_local.previous_file(log_fd, "", 0);
	int first = 0;

	for (uint32_t n = open; (n = n ? logformat_local.previous_file(log_fd, "", n) : 0);) {
		int r = pack(log_fd, n);

		first = first ? first : r;
	}
	return first;
}

static void pack_container(const struct logkeep *keep, const char *id)
{
	char path[80];
	cleanup_fd int fd = -1;
	int r;

	(void)snprintf(path, sizeof(path), "%.64s/log", id);
	fd = openat(keep->containers_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return; /* removed */
	r = logkeep_pack(fd);
	if (r < 0)
		log_warn("segments of a log stay uncompressed id=%.12s: %s", id, strerror(-r));
}

static void sleep_until(struct logkeep *keep, const struct note *note)
{
	struct timespec at;

	if (!note) {
		pthread_cond_wait(&keep->changed, &keep->mutex);
		return;
	}
	at = (struct timespec){ note->at_ns / 1000000000, note->at_ns % 1000000000 };
	pthread_cond_timedwait(&keep->changed, &keep->mutex, &at);
}

static void *run(void *arg)
{
	struct logkeep *keep = arg;

	pthread_mutex_lock(&keep->mutex);
	while (!keep->stopping) {
		struct note *note = list_empty(&keep->notes)
					    ? NULL
					    : container_of(keep->notes.next, struct note, link);

		if (!note || note->at_ns > fd_monotonic_ns()) {
			sleep_until(keep, note);
			continue;
		}
		list_remove(&note->link);
		pthread_mutex_unlock(&keep->mutex);
		pack_container(keep, note->id);
		free(note);
		pthread_mutex_lock(&keep->mutex);
	}
	pthread_mutex_unlock(&keep->mutex);
	return NULL;
}

int logkeep_open(struct logkeep **out, int containers_fd, unsigned int after_s, struct err *err)
{
	cleanup_free struct logkeep *keep = calloc(1, sizeof(*keep));
	int r;

	if (!keep)
		return err_sys(err, ENOMEM, "log keeper");
	keep->containers_fd = containers_fd;
	keep->after_ns = after_s * INT64_C(1000000000);
	list_init(&keep->notes);
	pthread_mutex_init(&keep->mutex, NULL);
	thread_cond_init(&keep->changed);
	r = thread_start(&keep->thread, STACK_BYTES, run, keep);
	if (r < 0)
		return err_sys(err, r, "start a thread");
	*out = steal(&keep);
	return 0;
}

struct logkeep *logkeep_free(struct logkeep *keep)
{
	struct note *note, *next;

	if (!keep)
		return NULL;
	pthread_mutex_lock(&keep->mutex);
	keep->stopping = true;
	pthread_cond_signal(&keep->changed);
	pthread_mutex_unlock(&keep->mutex);
	pthread_join(keep->thread, NULL);
	list_each_safe (note, next, &keep->notes, link)
		free(note);
	pthread_cond_destroy(&keep->changed);
	pthread_mutex_destroy(&keep->mutex);
	free(keep);
	return NULL;
}

static bool is_noted(struct logkeep *keep, const char *id)
{
	struct note *note;

	list_each (note, &keep->notes, link)
		if (strcmp(note->id, id) == 0)
			return true;
	return false;
}

void logkeep_note(struct logkeep *keep, const char *id)
{
	struct note *note = keep ? calloc(1, sizeof(*note)) : NULL;

	if (!note)
		return;
	(void)snprintf(note->id, sizeof(note->id), "%s", id);
	note->at_ns = fd_monotonic_ns() + keep->after_ns;
	pthread_mutex_lock(&keep->mutex);
	if (is_noted(keep, id)) {
		free(note);
	} else {
		list_append(&keep->notes, &note->link);
		pthread_cond_signal(&keep->changed);
	}
	pthread_mutex_unlock(&keep->mutex);
}
