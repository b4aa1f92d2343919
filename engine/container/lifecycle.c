/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here is remembered: a wait looks at the status file, sleeps on a watch that the shim's
 * events trigger, and looks again. It also looks once a second in any case, so that a lost wake-up
 * costs a second and not for ever. */
#include "lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attach.h"
#include "fault.h"
#include "fd.h"
#include "history.h"
#include "log.h"
#include "netjoin.h"
#include "nsjoin.h"
#include "rootlayers.h"
#include "shimkeep.h"
#include "shimlink.h"
#include "signame.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"
#include "watch.h"

enum { LOOK_AGAIN_MS = 1000, STOP_MARGIN_MS = 15000 };

int lifecycle_signal(const char *text, int *signal, struct err *err)
{
	if (signame_number(text, signal) < 0)
		return err_set(err, ERR_INVALID, "invalid signal: %s", text);
	return 0;
}

int lifecycle_lock(const struct engine *engine, const char *id, struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/lock", id);
	fd = fd_lock_existing(engine->containers_fd, path, true);
	/* A removal that held the lock has taken the file away. */
	if (fd == -ENOENT || (fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0))
		return err_reason(err, ERR_NOT_FOUND, "CONTAINER_NOT_FOUND",
				  "No such container: %s", id);
	return fd < 0 ? err_sys(err, fd, "lock container %.12s", id) : steal_fd(&fd);
}

void lifecycle_end_lock(const struct engine *engine, const char *id)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/lock", id);
	(void)unlinkat(engine->containers_fd, path, 0);
}

/* A container that runs has its layers; it must not be without a shim because one of them is damaged now. */
static int spawn(struct engine *engine, const struct record *record, struct err *err)
{
	cleanup(rootmounts_deinit) struct rootmounts mounts = { 0 };
	cleanup_fd int netns = -1;
	struct err cause = ERR_NULL;
	struct shimgift gift;
	struct status status;
	int r = rootmounts_open(&mounts, engine, record->id, &cause);

	status_read(engine, record, &status);
	r = r ? r : netjoin_adopt(engine, record, &status, &netns, &cause);
	if (r < 0) {
		if (!status_active(&status)) {
			if (err)
				*err = cause;
			return r;
		}
		log_error("id=%.12s it can not be started again: %s", record->id, cause.message);
	}
	gift = (struct shimgift){ mounts.fds, mounts.n, netns };
	return shims_spawn(engine->shims, record->id, record->last_seq, &gift, err);
}

int lifecycle_ensure_shim(struct engine *engine, const struct record *record, struct err *err)
{
	int r = shims_connect(engine->shims, record->id, record->last_seq);

	if (r == 0)
		return 0;
	if (shims_alive(engine, record->id))
		return err_reason(err, ERR_UNAVAILABLE, "SHIM_SILENT",
				  "the supervisor of container %.12s cannot be reached",
				  record->id);
	return spawn(engine, record, err);
}

int lifecycle_reach(struct engine *engine, const struct record *record, struct err *err)
{
	cleanup_fd int lock = -1;

	if (shims_connect(engine->shims, record->id, record->last_seq) == 0)
		return 0;
	lock = lifecycle_lock(engine, record->id, err);
	return lock < 0 ? lock : lifecycle_ensure_shim(engine, record, err);
}

static int not_running(const struct record *record, struct err *err)
{
	return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING", "container %s is not running",
			  record->id);
}

/* A request without a lock to the shim of a container that should run. */
static int ask_running(struct engine *engine, const char *reference, const char *key,
		       Cleat__Shim__V1__ShimRequest *request, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	int r = record_find(engine->store, reference, &record, err);

	if (r < 0)
		return r;
	status_read(engine, &record, &status);
	if (!status_active(&status))
		return status_done(&status, key) ? 0 : not_running(&record, err);
	r = lifecycle_reach(engine, &record, err);
	if (r < 0)
		return r;
	request->request_key = (char *)(uintptr_t)key;
	return shims_call(engine->shims, record.id, request, NULL, 0, SHIM_CALL_MS, NULL, err);
}

static int ask_start(struct engine *engine, const struct record *record, const char *key, int netns,
		     bool *already, struct err *err)
{
	Cleat__Shim__V1__StartRequest body = CLEAT__SHIM__V1__START_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__ShimReply *reply = NULL;
	int r = lifecycle_ensure_shim(engine, record, err);

	if (r < 0)
		return r;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_START;
	request.start = &body;
	body.netns = netns >= 0;
	request.request_key = (char *)(uintptr_t)key;
	r = shims_call(engine->shims, record->id, &request, &netns, netns >= 0, SHIM_START_MS,
		       &reply, err);
	if (r < 0)
		return r;
	*already = reply->already;
	cleat__shim__v1__shim_reply__free_unpacked(reply, NULL);
	return 0;
}

bool lifecycle_half_started(const struct engine *engine, const char *id)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "oci/%.64s", id);
	return faccessat(engine->run_fd, path, F_OK, 0) == 0;
}

/* Whether a container whose shim died while it started runs all the same. Another shim takes over what there is, or ends
 * what was about to begin. Negative: not yet, it is for reconciliation. */
static int outlived(struct engine *engine, const struct record *record)
{
	struct status status;
	int r = lifecycle_ensure_shim(engine, record, NULL);

	if (r < 0)
		return r;
	status_read(engine, record, &status);
	return status_active(&status);
}

static int start_anew(struct engine *engine, const struct record *record,
		      const struct status *status, const char *key, bool *already, struct err *err)
{
	cleanup_fd int netns = -1;
	struct err own = ERR_NULL;
	int r = nsjoin_check(engine, record, err), runs = 0;

	r = r ? r : netjoin_begin(engine, record, status, &netns, err);
	if (r < 0)
		return r;
	r = ask_start(engine, record, key, netns, already, &own);
	fault_point(FAULT_NET_START_ASKED);
	if (r == -ENOTCONN)
		runs = outlived(engine, record);
	if (runs > 0) {
		*already = false;
		return 0;
	}
	/* a shim that is only slow may start it yet */
	if (r < 0 && r != -ETIMEDOUT && runs == 0)
		netjoin_end(engine, record->id, ATTACH_ALL);
	if (r < 0 && err)
		*err = own;
	return r;
}

/* One that ended a moment ago may still count as running: its shim then says that it lacks a network. */
static int start_locked(struct engine *engine, const struct record *record,
			const struct status *status, const char *key, bool *already,
			struct err *err)
{
	struct err own = ERR_NULL;
	int r;

	if (!status_active(status))
		return start_anew(engine, record, status, key, already, err);
	r = ask_start(engine, record, key, -1, already, &own);
	if (r < 0 && strcmp(own.reason, "NO_NETNS") == 0) {
		struct status now;

		status_read(engine, record, &now);
		return start_anew(engine, record, &now, key, already, err);
	}
	if (r < 0 && err)
		*err = own;
	return r;
}

int lifecycle_start(struct engine *engine, const char *reference, const char *key, bool *already,
		    struct err *err)
{
	cleanup(record_deinit) struct record found = { 0 };
	cleanup(record_deinit) struct record record = { 0 };
	cleanup_fd int lock = -1;
	struct status status;
	int r = record_find(engine->store, reference, &found, err);

	if (r < 0)
		return r;
	lock = lifecycle_lock(engine, found.id, err);
	if (lock < 0)
		return lock;
	/* What was found before the lock may be marked for removal by now. */
	r = record_find(engine->store, found.id, &record, err);
	if (r < 0)
		return r;
	if (record.intent[0])
		return err_reason(err, ERR_PRECONDITION, "REMOVING",
				  "container is marked for removal and cannot be started");
	status_read(engine, &record, &status);
	if (status_done(&status, key))
		return 0;
	if (status.state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED)
		return err_reason(err, ERR_PRECONDITION, "PAUSED",
				  "cannot start a paused container, try unpause instead");
	return start_locked(engine, &record, &status, key, already, err);
}

static bool reached(const struct status *status, enum lifecycle_until until, uint64_t exits)
{
	if (until == UNTIL_NEXT_EXIT)
		return status->exits > exits;
	return until == UNTIL_STOPPED && !status_active(status);
}

/* 1 = go on looking; -ECANCELED, UNAVAILABLE. */
static int sleep_on(const struct watch *watch, struct interrupt interrupt, int64_t ms,
		    struct err *err)
{
	struct pollfd fds[] = { { .fd = watch->fd, .events = POLLIN },
				{ .fd = interrupt.cancel_fd, .events = POLLIN },
				{ .fd = interrupt.move_fd, .events = POLLIN } };

	(void)poll(fds, ARRAY_LEN(fds), (int)(ms < LOOK_AGAIN_MS ? ms : LOOK_AGAIN_MS));
	if (fds[1].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[2].revents)
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
	return 1;
}

static bool still_there(struct engine *engine, const char *id)
{
	cleanup(record_deinit) struct record record = { 0 };

	return record_find(engine->store, id, &record, NULL) != -ENOENT;
}

int lifecycle_wait(struct engine *engine, const struct record *record, enum lifecycle_until until,
		   uint64_t exits, int64_t timeout_ms, struct interrupt interrupt,
		   struct status *status, struct err *err)
{
	int64_t deadline_ns = fd_monotonic_ns() + timeout_ms * 1000000;
	cleanup(watch_close) struct watch watch = { 0 };
	int r = watch_open(&watch, record->id);

	if (r < 0)
		return err_sys(err, r, "watch container %.12s", record->id);
	(void)!shims_connect(engine->shims, record->id, record->last_seq);
	for (;;) {
		struct status now;
		int64_t left_ms;

		watch_clear(&watch);
		status_read(engine, record, &now);
		if (now.exits >= status->exits && (now.exits || now.started_ns))
			*status = now;
		if (reached(&now, until, exits)) {
			netjoin_settle(engine, record->id, &now);
			return 0;
		}
		if (!still_there(engine, record->id))
			return 0;
		left_ms = timeout_ms < 0 ? LOOK_AGAIN_MS
					 : (deadline_ns - fd_monotonic_ns()) / 1000000;
		if (left_ms <= 0)
			return -ETIMEDOUT;
		r = sleep_on(&watch, interrupt, left_ms, err);
		if (r < 0)
			return r;
	}
}

/* Asks the shim; 1 = it was stopped already. */
static int begin_stop(struct engine *engine, const struct record *record, const char *key,
		      int signal, int64_t timeout_ms, struct err *err)
{
	Cleat__Shim__V1__StopRequest body = CLEAT__SHIM__V1__STOP_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__ShimReply *reply = NULL;
	struct status status;
	int r = lifecycle_reach(engine, record, err);

	if (r < 0)
		return r;
	body.signal = signal;
	body.timeout_ms = (int32_t)timeout_ms;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_STOP;
	request.stop = &body;
	request.request_key = (char *)(uintptr_t)key;
	r = shims_call(engine->shims, record->id, &request, NULL, 0, SHIM_CALL_MS, &reply, err);
	/* a shim that has ended with the container; or that was killed, and the client comes again */
	if (r == -ENOTCONN) {
		status_read(engine, record, &status);
		return status_active(&status) ? r : 1;
	}
	if (r < 0)
		return r;
	r = reply->already;
	cleat__shim__v1__shim_reply__free_unpacked(reply, NULL);
	return r;
}

static int64_t own_timeout_ms(const struct engine *engine, const struct record *record)
{
	Cleat__V1__CreateContainerRequest *config = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	int64_t ms = (int64_t)engine->config.shutdown_timeout_s * 1000;

	if (!config)
		return ms;
	if (config->config &&
	    config->config->stop_timeout_case ==
		    CLEAT__V1__CONTAINER_CONFIG__STOP_TIMEOUT_STOP_TIMEOUT_SECONDS)
		ms = config->config->stop_timeout_seconds < 0
			     ? -1
			     : (int64_t)config->config->stop_timeout_seconds * 1000;
	cleat__v1__create_container_request__free_unpacked(config, NULL);
	return ms;
}

int lifecycle_stop(struct engine *engine, const char *reference, const char *key, int signal,
		   int64_t timeout_ms, struct interrupt interrupt, bool *was_stopped,
		   struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status = { 0 };
	int r = record_find(engine->store, reference, &record, err);

	if (r < 0)
		return r;
	*was_stopped = true;
	status_read(engine, &record, &status);
	if (!status_active(&status))
		return 0;
	if (timeout_ms == -2)
		timeout_ms = own_timeout_ms(engine, &record);
	r = begin_stop(engine, &record, key, signal, timeout_ms, err);
	if (r)
		return r < 0 ? r : 0;
	*was_stopped = false;
	r = lifecycle_wait(engine, &record, UNTIL_STOPPED, 0,
			   timeout_ms < 0 ? -1 : timeout_ms + STOP_MARGIN_MS, interrupt, &status,
			   err);
	if (r == -ETIMEDOUT)
		return err_set(err, ERR_DEADLINE, "container %s did not end", record.id);
	if (r < 0)
		return r;
	history_action(engine, &record, "stop", NULL);
	return 0;
}

int lifecycle_kill(struct engine *engine, const char *reference, const char *key, int signal,
		   struct err *err)
{
	Cleat__Shim__V1__KillRequest body = CLEAT__SHIM__V1__KILL_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	body.signal = signal;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_KILL;
	request.kill = &body;
	return ask_running(engine, reference, key, &request, err);
}

int lifecycle_pause(struct engine *engine, const char *reference, const char *key, bool pause,
		    struct err *err)
{
	Cleat__Shim__V1__PauseRequest paused = CLEAT__SHIM__V1__PAUSE_REQUEST__INIT;
	Cleat__Shim__V1__ResumeRequest resumed = CLEAT__SHIM__V1__RESUME_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	if (pause) {
		request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_PAUSE;
		request.pause = &paused;
	} else {
		request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESUME;
		request.resume = &resumed;
	}
	return ask_running(engine, reference, key, &request, err);
}

int lifecycle_resize(struct engine *engine, const char *reference, uint32_t rows, uint32_t columns,
		     struct err *err)
{
	Cleat__Shim__V1__ResizeRequest body = CLEAT__SHIM__V1__RESIZE_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	body.rows = rows;
	body.columns = columns;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESIZE;
	request.resize = &body;
	return ask_running(engine, reference, "", &request, err);
}

/* The new name and the memory of the call are one change. */
static int rename_once(struct store *store, const char *id, const char *key, const char *name,
		       struct err *err)
{
	int r = store_begin(store, err), ended;

	if (r < 0)
		return r;
	r = record_rename(store, id, name, err);
	if (r == 0)
		r = requests_remember(store, key, NULL, 0, err);
	ended = store_end(store, r == 0, err);
	return r < 0 ? r : ended;
}

/* The event has the new name, and the old one as Docker writes names. */
static void tell_renamed(struct engine *engine, const struct record *before)
{
	cleanup(record_deinit) struct record now = { 0 };
	cleanup_free char *old = str_printf("/%s", before->name);
	const struct history_detail details[] = { { "oldName", old }, { NULL, NULL } };

	if (record_find(engine->store, before->id, &now, NULL) == 0)
		history_action(engine, &now, "rename", details);
}

int lifecycle_rename(struct engine *engine, const char *reference, const char *key,
		     const char *name, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup_fd int lock = -1;
	const char *plain = name[0] == '/' ? name + 1 : name;
	int r = record_find(engine->store, reference, &record, err);

	if (r < 0)
		return r;
	if (!str_is_name(plain))
		return err_set(err, ERR_INVALID,
			       "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			       "allowed",
			       name);
	if (str_equal(plain, record.name))
		return err_set(err, ERR_INVALID,
			       "Renaming a container with the same name as its current name");
	lock = lifecycle_lock(engine, record.id, err);
	if (lock < 0)
		return lock;
	r = rename_once(engine->store, record.id, key, plain, err);
	if (r == 0) {
		fault_point(FAULT_NAMES_RENAMED);
		netjoin_renamed(engine, record.id);
		tell_renamed(engine, &record);
	}
	return r;
}
