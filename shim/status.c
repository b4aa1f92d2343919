/* SPDX-License-Identifier: Apache-2.0 */
/* Two files in the container's state directory. `status` is one packed message in a slotfile: readers
 * need no shim, a successor knows where to go on, and it can be written on a full disk. `journal` holds
 * the events that no engine has recorded yet, each behind its length; a torn last one is ignored.
 *
 * The status goes to the disk a moment after it was written, not at once: most containers are short, and
 * what became of one that was removed by then is nothing the disk need ever know. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

enum { JOURNAL_MAX = 64 << 20, JOURNAL_LONG = 64 << 10 };
static const int64_t settle_ns = 1000000000;

static int read_boot_id(struct shim *shim)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &b);

	if (r < 0)
		return r;
	snprintf(shim->boot_id, sizeof(shim->boot_id), "%.36s", b.data);
	return 0;
}

static void adopt_numbers(struct shim *shim, const Cleat__Shim__V1__ShimStatus *old)
{
	Cleat__Shim__V1__ShimStatus *s = &shim->status;

	s->started_ns = old->started_ns;
	s->finished_ns = old->finished_ns;
	s->exit_code = old->exit_code;
	s->oom_killed = old->oom_killed;
	s->restart_count = old->restart_count;
	s->stopped_by_user = old->stopped_by_user;
	s->position = old->position;
	s->start_case = old->start_case;
	s->start_position = old->start_position;
	s->last_seq = old->last_seq;
	s->exits = old->exits;
	for (size_t i = 0; i < old->n_done_keys; i++)
		done_add(shim, old->done_keys[i]);
	if (old->health)
		probe_load(shim, old->health, strcmp(old->boot_id, shim->boot_id) == 0);
	if (strcmp(old->boot_id, shim->boot_id) == 0) {
		s->state = old->state;
		s->pid = old->pid;
		s->pid_start_ticks = old->pid_start_ticks;
	} else {
		s->state = old->started_ns ? CLEAT__SHIM__V1__STATE__EXITED
					   : CLEAT__SHIM__V1__STATE__CREATED;
	}
}

/* The number of the last event in the journal may be ahead of the status. */
static void adopt_journal(struct shim *shim)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	uint32_t len;
	size_t at = 0;

	if (fd_read_file(shim->state_fd, "journal", JOURNAL_MAX, &b) < 0)
		return;
	for (; at + sizeof(len) <= b.len; at += sizeof(len) + len) {
		Cleat__Shim__V1__ShimEvent *event;

		memcpy(&len, b.data + at, sizeof(len));
		if (len > b.len - at - sizeof(len))
			break;
		event = cleat__shim__v1__shim_event__unpack(
			NULL, len, (const uint8_t *)b.data + at + sizeof(len));
		if (event && event->seq > shim->status.last_seq) {
			shim->status.last_seq = event->seq;
			shim->status.oom_killed |=
				event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_OOM;
			probe_replay(shim, event);
		}
		cleat__shim__v1__shim_event__free_unpacked(event, NULL);
	}
	/* A torn end would hide all that is appended behind it. */
	if (at < b.len && ftruncate(shim->journal_fd, (off_t)at) < 0)
		log_error("journal cannot be cut id=%.12s", shim->id);
}

/* Starts writing to the disk, and waits for nothing. */
static void settle(struct timer *timer)
{
	struct shim *shim = container_of(timer, struct shim, settle_timer);

	(void)sync_file_range(shim->status_file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int status_load(struct shim *shim)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	Cleat__Shim__V1__ShimStatus *old;
	int r = read_boot_id(shim);

	cleat__shim__v1__shim_status__init(&shim->status);
	if (r < 0)
		return r;
	shim->journal_fd =
		openat(shim->state_fd, "journal", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (shim->journal_fd < 0)
		return -errno;
	shim->settle_timer.fire = settle;
	r = slotfile_open(&shim->status_file, shim->state_fd, "status");
	r = r ? r : slotfile_read(shim->state_fd, "status", &b);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	old = cleat__shim__v1__shim_status__unpack(NULL, b.len, (const uint8_t *)b.data);
	if (!old)
		return -EBADMSG;
	adopt_numbers(shim, old);
	snprintf(shim->error, sizeof(shim->error), "%s", old->error);
	cleat__shim__v1__shim_status__free_unpacked(old, NULL);
	adopt_journal(shim);
	return 0;
}

static Cleat__Shim__V1__State public_state(enum state state)
{
	static const Cleat__Shim__V1__State names[N_STATES] = {
		[ST_CREATED] = CLEAT__SHIM__V1__STATE__CREATED,
		[ST_STARTING] = CLEAT__SHIM__V1__STATE__CREATED,
		[ST_RUNNING] = CLEAT__SHIM__V1__STATE__RUNNING,
		[ST_PAUSED] = CLEAT__SHIM__V1__STATE__PAUSED,
		[ST_RESTARTING] = CLEAT__SHIM__V1__STATE__RESTARTING,
		[ST_EXITED] = CLEAT__SHIM__V1__STATE__EXITED,
	};

	return names[state];
}

void status_publish(struct shim *shim)
{
	Cleat__Shim__V1__ShimStatus *s = &shim->status;
	uint8_t bytes[SLOTFILE_RECORD_MAX];
	size_t len;
	int r;

	s->version = 1;
	s->boot_id = shim->boot_id;
	s->error = shim->error;
	s->shim_pid = getpid();
	s->position = shim->log.position;
	s->health = probe_record(shim);
	done_publish(shim);
	if (shim->state != ST_STARTING)
		s->state = public_state(shim->state);
	len = cleat__shim__v1__shim_status__get_packed_size(s);
	if (len > sizeof(bytes))
		return;
	cleat__shim__v1__shim_status__pack(s, bytes);
	r = slotfile_write(&shim->status_file, bytes, len);
	if (!loop_timer_armed(&shim->settle_timer))
		loop_timer(&shim->loop, &shim->settle_timer, fd_monotonic_ns() + settle_ns);
	if (r < 0)
		log_error("status cannot be written id=%.12s error=%s", shim->id, strerror(-r));
}

uint64_t journal_size(const struct shim *shim)
{
	struct stat st;

	return fstat(shim->journal_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void journal_write(struct shim *shim, Cleat__Shim__V1__ShimEvent *event)
{
	const uint64_t end = journal_size(shim);
	uint8_t bytes[2048];
	uint32_t len;

	event->seq = ++shim->status.last_seq;
	event->time_ns = event->time_ns ? event->time_ns : fd_realtime_ns();
	event->exits = shim->status.exits;
	len = (uint32_t)cleat__shim__v1__shim_event__get_packed_size(event);
	if (len <= sizeof(bytes) - sizeof(len)) {
		memcpy(bytes, &len, sizeof(len));
		cleat__shim__v1__shim_event__pack(event, bytes + sizeof(len));
		if (fd_write_all(shim->journal_fd, bytes, sizeof(len) + len) < 0) {
			log_error("event cannot be written id=%.12s", shim->id);
			/* what a full disk took of it would hide those that come later */
			(void)!ftruncate(shim->journal_fd, (off_t)end);
		}
	}
}

void journal_tell(struct shim *shim, Cleat__Shim__V1__ShimEvent *event)
{
	Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;

	message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT;
	message.event = event;
	control_broadcast(shim, &message);
}

void journal_append(struct shim *shim, Cleat__Shim__V1__ShimEvent *event)
{
	journal_write(shim, event);
	journal_tell(shim, event);
}

void journal_replay(struct conn *conn, uint64_t from_seq)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	uint32_t len;

	if (fd_read_file(conn->shim->state_fd, "journal", JOURNAL_MAX, &b) < 0)
		return;
	for (size_t at = 0; at + sizeof(len) <= b.len; at += sizeof(len) + len) {
		Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;
		bool alive = true;

		memcpy(&len, b.data + at, sizeof(len));
		if (len > b.len - at - sizeof(len))
			return;
		message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT;
		message.event = cleat__shim__v1__shim_event__unpack(
			NULL, len, (const uint8_t *)b.data + at + sizeof(len));
		if (message.event && message.event->seq >= from_seq)
			alive = control_send(conn, &message);
		if (message.event)
			cleat__shim__v1__shim_event__free_unpacked(message.event, NULL);
		if (!alive)
			return;
	}
}

/* Where the events up to this number end, of a journal that is sound. */
static size_t end_of(const struct buf *journal, uint64_t seq)
{
	size_t at = 0;
	uint32_t len;

	while (at + sizeof(len) <= journal->len) {
		Cleat__Shim__V1__ShimEvent *event;
		bool behind;

		memcpy(&len, journal->data + at, sizeof(len));
		if (len > journal->len - at - sizeof(len))
			break;
		event = cleat__shim__v1__shim_event__unpack(
			NULL, len, (const uint8_t *)journal->data + at + sizeof(len));
		behind = event && event->seq > seq;
		if (event)
			cleat__shim__v1__shim_event__free_unpacked(event, NULL);
		if (behind)
			break;
		at += sizeof(len) + len;
	}
	return at;
}

/* A journal of these bytes in the place of the one there is, which stays if that fails. */
static int replace_journal(struct shim *shim, const char *bytes, size_t n)
{
	static const char temp[] = "journal.tmp";
	cleanup_fd int fd = openat(shim->state_fd, temp,
				   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, bytes, n);

	if (r == 0 && renameat(shim->state_fd, temp, shim->state_fd, "journal") < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(shim->state_fd, temp, 0);
		return r;
	}
	close(shim->journal_fd);
	shim->journal_fd = steal_fd(&fd);
	return 0;
}

static int drop_head(struct shim *shim, uint64_t seq)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	int r = fd_read_file(shim->state_fd, "journal", JOURNAL_MAX, &b);
	size_t at = r < 0 ? 0 : end_of(&b, seq);

	return r < 0 || at == 0 ? r : replace_journal(shim, b.data + at, b.len - at);
}

void journal_release(struct shim *shim, uint64_t seq)
{
	int r = 0;

	if (seq >= shim->status.last_seq)
		r = ftruncate(shim->journal_fd, 0) < 0 ? -errno : 0;
	else if (journal_size(shim) >= JOURNAL_LONG) /* there is always one more event */
		r = drop_head(shim, seq);
	if (r < 0)
		log_error("journal cannot be cut id=%.12s: %s", shim->id, strerror(-r));
}

void journal_skip(struct shim *shim, uint64_t seq)
{
	if (shim->status.last_seq < seq)
		shim->status.last_seq = seq;
	journal_release(shim, seq);
}
