/* SPDX-License-Identifier: Apache-2.0 */
/* Each container passes through tend(): whatever half-done intent it has is rolled forward (removal)
 * or back (creation), a shim is connected so that its events flow, a shim that died is replaced by
 * one that adopts the container, the events of a shim that ended on its own are read from its journal,
 * and a container that is to go at its end goes. Under the container's lock, which a create or start
 * under way also holds: what is being worked on is not half-done. */
#include "reconcile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "container/heldpause.h"
#include "container/history.h"
#include "container/hold.h"
#include "container/internal.h"
#include "container/joinfiles.h"
#include "container/lifecycle.h"
#include "container/netjoin.h"
#include "container/record.h"
#include "container/remove.h"
#include "container/rootlayers.h"
#include "container/status.h"
#include "container/update.h"
#include "fd.h"
#include "image/image.h"
#include "list.h"
#include "log.h"
#include "logkeep.h"
#include "network/attach.h"
#include "network/bridge.h"
#include "str.h"
#include "thread.h"
#include "volume/volume.h"

enum { STACK_BYTES = 256 << 10 };

/* A directory is locked by its maker long before it is so old. */
#define ORPHAN_NS INT64_C(2000000000)
#define ENDING_NS INT64_C(100000000)

struct task {
	struct list link;
	int64_t at_ns; /* CLOCK_MONOTONIC: not before */
	bool orphan;   /* a directory without a row */
	char id[65];
};

struct reconciler {
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list tasks;
	bool all, stopping;
};

/* The restart policy of a container that ran when the host went down. */
static bool starts_at_boot(const struct record *record, const struct status *status)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	const Cleat__V1__RestartPolicy *policy =
		request && request->config ? request->config->restart_policy : NULL;
	const char *name = policy ? str_or_empty(policy->name) : "";
	bool start = !strcmp(name, "always") ||
		     (!strcmp(name, "unless-stopped") && !status->stopped_by_user) ||
		     (!strcmp(name, "on-failure") && status->exit_code != 0);

	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	return start && status->exits > 0;
}

static void remove_now(struct engine *engine, const struct record *record, bool force)
{
	struct err err = ERR_NULL;

	if (remove_container(engine, record->id, force, "", INTERRUPT_NONE, &err) < 0 &&
	    err.code != ERR_NOT_FOUND)
		log_error("cannot remove a container id=%.12s: %s", record->id, err.message);
}

/* A new shim that adopts what the one before has left. */
static int succeed(struct engine *engine, const struct record *record, struct err *err)
{
	cleanup_fd int lock = lifecycle_lock(engine, record->id, err);

	if (lock < 0)
		return lock;
	return lifecycle_ensure_shim(engine, record, err);
}

/* A shim that does not listen and has its lock ends, or begins. */
static void look_again(struct engine *engine, const char *id)
{
	reconcile_at(engine->reconciler, id, fd_monotonic_ns() + ENDING_NS);
}

/* No shim listens. */
static void tend_alone(struct engine *engine, const struct record *record,
		       const struct status *status, bool other_boot)
{
	struct err err = ERR_NULL;
	bool already = false;
	int r = 0;

	if (shims_alive(engine, record->id)) {
		look_again(engine, record->id);
		return;
	}
	history_settle(engine, record->id);
	if (status_active(status))
		r = succeed(engine, record, &err);
	else if (other_boot && !record->auto_remove && starts_at_boot(record, status))
		r = lifecycle_start(engine, record->id, "", &already, &err);
	if (r < 0 && shims_alive(engine, record->id))
		look_again(engine, record->id); /* somebody took the lock in between */
	else if (r < 0)
		log_error("cannot bring back a container id=%.12s: %s", record->id, err.message);
}

/* When a container of --rm that has ended may go: 0 = now, -1 = not by this engine or not yet (a session
 * tells the end and removes it), else at that time (CLOCK_MONOTONIC). */
static int64_t goes_at(const struct engine *engine, const char *id)
{
	int64_t grace_ns = HOLD_GRACE_MS * INT64_C(1000000), since_ns, age_ns;

	if (engine->leaving || hold_is_held(engine, id))
		return -1;
	if (!hold_is_marked(engine, id, &since_ns))
		return 0;
	age_ns = fd_realtime_ns() - since_ns;
	return age_ns >= grace_ns ? 0 : fd_monotonic_ns() + grace_ns - age_ns;
}

/* Whether no shim is about to start the container, which a shim that lives may be, for an engine that died meanwhile.
 * What one that died had the runtime begin may run: the next shim ends it when it begins, before somebody else has the
 * address. */
static bool nothing_begins(struct engine *engine, const struct record *record, bool *alone)
{
	struct err err = ERR_NULL;

	if (!*alone || shims_alive(engine, record->id))
		return false;
	if (!lifecycle_half_started(engine, record->id))
		return true;
	*alone = false;
	if (lifecycle_ensure_shim(engine, record, &err) == 0)
		return true;
	log_error("cannot end a half start id=%.12s: %s", record->id, err.message);
	return false;
}

/* Under the lock. Returns whether the container is to be removed. */
static bool tend_locked(struct engine *engine, const struct record *record, bool *alone)
{
	struct status status;

	if (!strcmp(record->intent, "creating")) {
		struct err err = ERR_NULL;

		if (remove_traces(engine, record->id, &err) < 0)
			log_error("cannot undo a create id=%.12s: %s", record->id, err.message);
		return false;
	}
	update_recover(engine, record);
	*alone = shims_connect(engine->shims, record->id, record->last_seq) == -ENOTCONN;
	status_read(engine, record, &status);
	netjoin_mend(engine, record, &status);
	if (!status_active(&status))
		netjoin_end(engine, record->id,
			    nothing_begins(engine, record, alone) ? ATTACH_ALL : status.exits);
	if (!record->auto_remove || status_active(&status) || status.exits == 0)
		return false;

	int64_t at = goes_at(engine, record->id);

	if (at > 0)
		reconcile_at(engine->reconciler, record->id, at);
	return at == 0;
}

/* Half of a container: a row whose directory is lost, or what is left without a row. The latter only where
 * it was looked for: after a removal somebody else is at it. */
static void tend_half(struct engine *engine, const char *id, bool row, bool orphan)
{
	struct err err = ERR_NULL;

	if ((row || orphan) && remove_traces(engine, id, &err) < 0)
		log_error("%s", err.message);
}

/* A container the engine made for itself whose maker has let go, or died. */
static bool abandoned(struct engine *engine, const struct record *record)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	bool internal = request && internal_is(request->config);
	int64_t age_ns = fd_realtime_ns() - record->created_ns;

	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	if (!internal || hold_is_held(engine, record->id))
		return false;
	if (age_ns >= ORPHAN_NS)
		return true;
	/* its maker is about to hold it */
	reconcile_at(engine->reconciler, record->id, fd_monotonic_ns() + ORPHAN_NS - age_ns);
	return false;
}

static void tend(struct engine *engine, const char *id, bool orphan)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	bool alone = false, removable;
	int lock = lifecycle_lock(engine, id, NULL);
	int r = record_find(engine->store, id, &record, NULL);

	if (lock == -ENOENT || r == -ENOENT)
		tend_half(engine, id, r == 0, orphan);
	if (lock < 0 || r < 0) {
		closep(&lock);
		return;
	}
	if (abandoned(engine, &record)) {
		close(lock);
		remove_now(engine, &record, true);
		return;
	}
	removable = tend_locked(engine, &record, &alone);
	close(lock);
	if (!strcmp(record.intent, "creating"))
		return;
	status_read(engine, &record, &status);
	if (alone)
		tend_alone(engine, &record, &status, status.exit_code == 255);
	heldpause_sweep(engine, &record);
	if (removable)
		remove_now(engine, &record, false);
}

static void add_task(struct reconciler *reconciler, const char *id, int64_t at_ns, bool orphan)
{
	struct task *task = reconciler ? malloc(sizeof(*task)) : NULL, *other, *next;

	if (!task)
		return;
	(void)snprintf(task->id, sizeof(task->id), "%s", id);
	task->at_ns = at_ns;
	task->orphan = orphan;
	list_init(&task->link);
	pthread_mutex_lock(&reconciler->mutex);
	/* a look at the container finds out itself when the next one is due */
	list_each_safe (other, next, &reconciler->tasks, link) {
		if (strcmp(other->id, id) != 0)
			continue;
		if (other->at_ns < at_ns)
			task->at_ns = other->at_ns;
		task->orphan |= other->orphan;
		list_remove(&other->link);
		free(other);
	}
	list_append(&reconciler->tasks, &task->link);
	pthread_cond_signal(&reconciler->more);
	pthread_mutex_unlock(&reconciler->mutex);
}

/* Directories without a row: a create that was interrupted before, or a row lost with a crash of the
 * machine. Or one under way: that is looked at when its maker has locked it for sure. */
static void find_orphans(struct engine *engine)
{
	int fd = openat(engine->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		cleanup(record_deinit) struct record record = { 0 };

		if (str_is_id(entry->d_name) &&
		    record_find(engine->store, entry->d_name, &record, NULL) == -ENOENT)
			add_task(engine->reconciler, entry->d_name, fd_monotonic_ns() + ORPHAN_NS,
				 true);
	}
	closedir(dir);
}

static void tend_all(struct engine *engine)
{
	struct record *records = NULL;
	struct err err = ERR_NULL;
	size_t n = 0;

	network_recover(engine);
	joinfiles_recover(engine);
	if (record_list(engine->store, &records, &n, &err) < 0) {
		log_error("%s", err.message);
		return;
	}
	/* the oldest first: after a start of the host nobody comes before those whose namespaces he is in */
	for (size_t i = n; i > 0; i--)
		tend(engine, records[i - 1].id, false);
	record_list_free(records, n);
	find_orphans(engine);
	image_sweep(engine);
	volume_sweep(engine);
}

/* The first task that is due, taken off the list; else NULL, and *wait_ns is when the next one is (0 =
 * there is none). */
static struct task *next_task(struct reconciler *reconciler, int64_t *wait_ns)
{
	int64_t now = fd_monotonic_ns();
	struct task *task;

	*wait_ns = 0;
	list_each (task, &reconciler->tasks, link) {
		if (task->at_ns <= now) {
			list_remove(&task->link);
			return task;
		}
		if (!*wait_ns || task->at_ns < *wait_ns)
			*wait_ns = task->at_ns;
	}
	return NULL;
}

static void sleep_until(struct reconciler *reconciler, int64_t at_ns)
{
	const struct timespec at = { .tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000 };

	if (at_ns)
		pthread_cond_timedwait(&reconciler->more, &reconciler->mutex, &at);
	else
		pthread_cond_wait(&reconciler->more, &reconciler->mutex);
}

static void *run(void *arg)
{
	struct reconciler *reconciler = arg;

	pthread_mutex_lock(&reconciler->mutex);
	while (!reconciler->stopping) {
		int64_t wait_ns;
		struct task *task = next_task(reconciler, &wait_ns);
		bool all = reconciler->all;

		if (!task && !all) {
			sleep_until(reconciler, wait_ns);
			continue;
		}
		reconciler->all = false;
		pthread_mutex_unlock(&reconciler->mutex);
		if (all)
			tend_all(reconciler->engine);
		if (task)
			tend(reconciler->engine, task->id, task->orphan);
		free(task);
		pthread_mutex_lock(&reconciler->mutex);
	}
	pthread_mutex_unlock(&reconciler->mutex);
	return NULL;
}

int reconcile_open(struct reconciler **out, struct engine *engine, struct err *err)
{
	cleanup_free struct reconciler *reconciler = calloc(1, sizeof(*reconciler));
	int r;

	if (!reconciler)
		return err_sys(err, ENOMEM, "reconciler");
	reconciler->engine = engine;
	pthread_mutex_init(&reconciler->mutex, NULL);
	thread_cond_init(&reconciler->more);
	list_init(&reconciler->tasks);
	r = thread_start(&reconciler->thread, STACK_BYTES, run, reconciler);
	if (r < 0)
		return err_sys(err, r, "start a thread");
	*out = steal(&reconciler);
	return 0;
}

struct reconciler *reconcile_free(struct reconciler *reconciler)
{
	struct task *task, *next;

	if (!reconciler)
		return NULL;
	pthread_mutex_lock(&reconciler->mutex);
	reconciler->stopping = true;
	pthread_cond_signal(&reconciler->more);
	pthread_mutex_unlock(&reconciler->mutex);
	pthread_join(reconciler->thread, NULL);
	list_each_safe (task, next, &reconciler->tasks, link)
		free(task);
	free(reconciler);
	return NULL;
}

void reconcile_one(struct reconciler *reconciler, const char *id)
{
	reconcile_at(reconciler, id, 0);
}

void reconcile_at(struct reconciler *reconciler, const char *id, int64_t at_ns)
{
	add_task(reconciler, id, at_ns, false);
}

void reconcile_all(struct reconciler *reconciler)
{
	pthread_mutex_lock(&reconciler->mutex);
	reconciler->all = true;
	pthread_cond_signal(&reconciler->more);
	pthread_mutex_unlock(&reconciler->mutex);
}

static bool on_event(struct engine *engine, const char *id, const Cleat__Shim__V1__ShimEvent *event)
{
	bool ended =
		event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_START_FAILED ||
		(event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED && !event->will_restart);

	int r = history_shim_event(engine, id, event);

	if (r > 0 && ended)
		netjoin_end(engine, id, event->exits);
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED && !event->will_restart)
		reconcile_one(engine->reconciler, id);
	return r >= 0;
}

static void on_lost(struct engine *engine, const char *id)
{
	reconcile_one(engine->reconciler, id);
}

static void on_rotated(struct engine *engine, const char *id)
{
	logkeep_note(engine->logkeep, id);
}

const struct shims_handlers reconcile_handlers = {
	.event = on_event,
	.rotated = on_rotated,
	.layers = rootmounts_adopt,
	.lost = on_lost,
};
