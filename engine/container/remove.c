/* SPDX-License-Identifier: Apache-2.0 */
/* The shim goes first, then the row, then what is left (remains.c). Whatever interrupts this, the next
 * engine finds a container as it was before, or only what is to be cleared away. */
#include "remove.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "fault.h"
#include "fd.h"
#include "history.h"
#include "netjoin.h"
#include "remains.h"
#include "shimlink.h"
#include "status.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"
#include "volume.h"

enum { KILL_WAIT_MS = 10000, QUIT_MS = 2000 };

/* Until the shim has ended; one that does not is killed: its container does not run. The pid is that of
 * the shim while its lock is held. */
static void await_end(struct engine *engine, const char *id, pid_t pid)
{
	struct pollfd end = { .fd = -1, .events = POLLIN };

	if (pid <= 0 || !shims_alive(engine, id))
		return;
	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd < 0)
		return;
	if (poll(&end, 1, QUIT_MS) == 0 && shims_alive(engine, id)) {
		(void)syscall(SYS_pidfd_send_signal, end.fd, SIGKILL, NULL, 0);
		(void)poll(&end, 1, QUIT_MS);
	}
	close(end.fd);
}

static void quit_shim(struct engine *engine, const char *id, uint64_t seq)
{
	Cleat__Shim__V1__ReleaseRequest body = CLEAT__SHIM__V1__RELEASE_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	if (shims_connect(engine->shims, id, (int64_t)seq) < 0)
		return;
	body.seq = seq;
	body.quit = true;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RELEASE;
	request.release = &body;
	if (shims_call(engine->shims, id, &request, NULL, 0, QUIT_MS, NULL, NULL) < 0)
		shims_forget(engine->shims, id);
}

static int end_it(struct engine *engine, const struct record *record, bool force,
		  struct interrupt interrupt, struct err *err)
{
	struct status status = { 0 };
	int r;

	status_read(engine, record, &status);
	if (!status_active(&status))
		return 0;
	if (!force)
		return err_reason(err, ERR_PRECONDITION, "RUNNING",
				  "cannot remove container \"/%s\": container is %s: stop the "
				  "container before removing or force remove",
				  record->name, status_word(status.state));
	r = lifecycle_kill(engine, record->id, "", SIGKILL, err);
	if (r < 0 && r != -EBUSY)
		return r;
	r = lifecycle_wait(engine, record, UNTIL_STOPPED, 0, KILL_WAIT_MS, interrupt, &status, err);
	return r == -ETIMEDOUT
		       ? err_set(err, ERR_DEADLINE, "container %s could not be killed", record->id)
		       : r;
}

/* With the row goes all that others see. */
static int delete_row(struct engine *engine, const char *id, const struct status *status,
		      struct volume_names *gone, struct err *err)
{
	size_t n = status ? STATUS_DONE : 0;
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = requests_remember(engine->store, status->done[i], NULL, 0, err);
	if (r == 0 && gone)
		r = volume_release(engine, id, gone, err);
	r = r ? r : record_delete(engine->store, id, err);
	ended = store_end(engine->store, r == 0, err);
	return r < 0 ? r : ended;
}

/* What the shim of *status carried out is remembered beyond the container, which may go before the caller has its
 * answer. `volumes`: with those made for it alone. */
static int forget(struct engine *engine, const char *id, const struct status *status, bool volumes,
		  struct err *err)
{
	cleanup(volume_names_deinit) struct volume_names gone = { 0 };
	int r = delete_row(engine, id, status, volumes ? &gone : NULL, err);

	for (size_t i = 0; r == 0 && i < gone.n; i++) {
		volume_discard(engine, gone.v[i]);
		history_volume(engine, gone.v[i], "destroy");
	}
	return r;
}

static bool unfinished(struct engine *engine, const char *id)
{
	cleanup(record_deinit) struct record record = { 0 };

	return record_find(engine->store, id, &record, NULL) == 0 &&
	       !strcmp(record.intent, "creating");
}

int remove_traces(struct engine *engine, const char *id, struct err *err)
{
	int r = remains_clear(engine, id, err);

	netjoin_end(engine, id, ATTACH_ALL);
	return r ? r : forget(engine, id, NULL, unfinished(engine, id), err);
}

int remove_half_made(struct engine *engine, const char *id, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup_fd int lock = lifecycle_lock(engine, id, NULL);
	int r = record_find(engine->store, id, &record, NULL);

	(void)lock; /* nothing to lock where its directory is not there any more */
	if (r < 0 || strcmp(record.intent, "creating") != 0)
		return r == -ENOENT;
	r = remove_traces(engine, id, err);
	return r < 0 ? r : 1;
}

static int remove_locked(struct engine *engine, const char *id, bool volumes, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	int r = record_find(engine->store, id, &record, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	history_settle(engine, id);
	status_read(engine, &record, &status);
	quit_shim(engine, id, (uint64_t)record.last_seq);
	await_end(engine, id, status.shim_pid);
	fault_point(FAULT_NET_SHIM_GONE);
	netjoin_end(engine, id, ATTACH_ALL);
	r = forget(engine, id, record.auto_remove ? &status : NULL, volumes || record.auto_remove,
		   err);
	if (r < 0)
		return r;
	fault_point(FAULT_NET_CONTAINER_FORGOTTEN);
	lifecycle_end_lock(engine, id);
	history_action(engine, &record, "destroy", NULL);
	remains_queue(engine, id);
	return 0;
}

/* 1 = it was started once more before the lock was had. */
static int try_remove(struct engine *engine, const struct record *record, unsigned int how,
		      const char *key, struct interrupt interrupt, struct err *err)
{
	cleanup_fd int lock = -1;
	struct status status;
	int r = end_it(engine, record, how & REMOVE_FORCE, interrupt, err);

	if (r < 0)
		return r;
	lock = lifecycle_lock(engine, record->id, err);
	if (lock < 0 && lock != -ENOENT)
		return lock;
	status_read(engine, record, &status);
	if (lock >= 0 && status_active(&status))
		return 1;
	r = requests_remember(engine->store, key, NULL, 0, err);
	if (r == 0 && lock == -ENOENT)
		return remove_traces(engine, record->id, err);
	return r < 0 ? r : remove_locked(engine, record->id, how & REMOVE_VOLUMES, err);
}

int remove_container(struct engine *engine, const char *reference, unsigned int how,
		     const char *key, struct interrupt interrupt, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = record_find(engine->store, reference, &record, err);

	if (r < 0)
		return r;
	do {
		r = try_remove(engine, &record, how, key, interrupt, err);
	} while (r == 1);
	return r;
}
