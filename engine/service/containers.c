/* SPDX-License-Identifier: Apache-2.0 */
/* Service Containers. What is not listed in `ops` answers UNIMPLEMENTED. */
#include "service.h"
#include "service_files.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "exec/exec.h"
#include "history.h"
#include "hold.h"
#include "linkremove.h"
#include "logs.h"
#include "make.h"
#include "reconcile.h"
#include "record.h"
#include "remove.h"
#include "session.h"
#include "start.h"
#include "statsserve.h"
#include "status.h"
#include "str.h"
#include "update.h"
#include "usage.h"
#include "view.h"

enum { KILLED_MS = 10000 };

static int settle(struct rpc_call *call, const struct call_key *key, int r, struct err *err)
{
	if (r >= 0 || requests_recall(service_engine(call)->store, key->text, NULL, NULL) <= 0)
		return r;
	*err = ERR_NULL;
	return 0;
}

/* The request is the call's own, so the image's defaults may be filled into it; as in on_update(). */
static int on_create(struct rpc_call *call, const Cleat__V1__CreateContainerRequest *req,
		     Cleat__V1__CreateContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);

	return make_container(service_engine(call),
			      (Cleat__V1__CreateContainerRequest *)(uintptr_t)req, key.text, reply,
			      err);
}

static int on_start(struct rpc_call *call, const Cleat__V1__StartContainerRequest *req,
		    Cleat__V1__StartContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	bool already = false;
	int r = start_container(service_engine(call), req->container, key.text, &already, err);

	reply->already_running = already;
	return settle(call, &key, r, err);
}

static int optional_signal(const char *text, int fallback, int *number, struct err *err)
{
	*number = fallback;
	return str_or_empty(text)[0] ? lifecycle_signal(text, number, err) : 0;
}

static int64_t timeout_ms(bool given, int32_t seconds)
{
	if (!given)
		return -2;
	return seconds < 0 ? -1 : (int64_t)seconds * 1000;
}

static int stop(struct rpc_call *call, const char *container, const char *key, const char *word,
		int64_t ms, bool *was_stopped, struct err *err)
{
	int number = 0;
	int r = optional_signal(word, 0, &number, err);

	return r < 0 ? r
		     : lifecycle_stop(service_engine(call), container, key, number, ms,
				      service_interrupt(call, false), was_stopped, err);
}

static int on_stop(struct rpc_call *call, const Cleat__V1__StopContainerRequest *req,
		   Cleat__V1__StopContainerReply *reply, struct err *err)
{
	bool given =
		req->timeout_case == CLEAT__V1__STOP_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
	const struct call_key key = service_key(call);
	bool was_stopped = false;
	int r = stop(call, req->container, key.text, req->signal,
		     timeout_ms(given, req->timeout_seconds), &was_stopped, err);

	reply->was_stopped = was_stopped;
	return settle(call, &key, r, err);
}

/* SIGKILL is waited for, as scripts go on with `rm`; a process the kernel does not let go of is no error. */
static int await_killed(struct rpc_call *call, const char *reference, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct engine *engine = service_engine(call);
	struct status status = { 0 };
	int r = record_find(engine->store, reference, &record, err);

	if (r == 0)
		r = lifecycle_wait(engine, &record, UNTIL_STOPPED, 0, KILLED_MS,
				   service_interrupt(call, false), &status, err);
	return r == -ENOENT || r == -ETIMEDOUT ? 0 : r; /* gone with its end: --rm */
}

static int on_kill(struct rpc_call *call, const Cleat__V1__KillContainerRequest *req,
		   Cleat__V1__KillContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	int number = 0;
	int r = optional_signal(req->signal, SIGKILL, &number, err);

	(void)reply;
	if (r == 0)
		r = lifecycle_kill(service_engine(call), req->container, key.text, number, err);
	if (r == 0 && number == SIGKILL)
		r = await_killed(call, req->container, err);
	return settle(call, &key, r, err);
}

/* What ended while it was held goes now. `hold` may be -1. */
static void let_go(struct engine *engine, const struct record *record, int hold)
{
	if (hold < 0)
		return;
	hold_close(engine, record->id, hold);
	reconcile_one(engine->reconciler, record->id);
}

/* A container of --rm is held, or its stop would be its end. */
static int on_restart(struct rpc_call *call, const Cleat__V1__RestartContainerRequest *req,
		      Cleat__V1__RestartContainerReply *reply, struct err *err)
{
	bool given =
		req->timeout_case == CLEAT__V1__RESTART_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
	const struct call_key key = service_key(call);
	struct engine *engine = service_engine(call);
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	bool flag = false;
	int r = record_find(engine->store, req->container, &record, err);

	(void)reply;
	if (r < 0)
		return settle(call, &key, r, err);
	status_read(engine, &record, &status);
	if (status_done(&status, key.text))
		return 0;

	int hold = record.auto_remove ? hold_open(engine, record.id) : -1;

	r = stop(call, record.id, "", req->signal, timeout_ms(given, req->timeout_seconds), &flag,
		 err);
	if (r == 0)
		r = start_container(engine, record.id, key.text, &flag, err);
	if (r == 0)
		history_action(engine, &record, "restart", NULL);
	let_go(engine, &record, hold);
	return r;
}

static int on_pause(struct rpc_call *call, const Cleat__V1__PauseContainerRequest *req,
		    Cleat__V1__PauseContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	int r = lifecycle_pause(service_engine(call), req->container, key.text, true, err);

	(void)reply;
	return settle(call, &key, r, err);
}

static int on_unpause(struct rpc_call *call, const Cleat__V1__UnpauseContainerRequest *req,
		      Cleat__V1__UnpauseContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	int r = lifecycle_pause(service_engine(call), req->container, key.text, false, err);

	(void)reply;
	return settle(call, &key, r, err);
}

/* A container of --rm would be gone before its exit code was read: it is held until it has ended. */
static int wait_removed(struct rpc_call *call, const struct record *record, uint64_t exits,
			struct status *status, struct err *err)
{
	struct engine *engine = service_engine(call);
	int hold = record->auto_remove ? hold_open(engine, record->id) : -1;
	int r = 0;

	if (hold >= 0 && (status_active(status) || status->exits == 0 || status->exits > exits)) {
		r = lifecycle_wait(engine, record, UNTIL_NEXT_EXIT, exits, -1,
				   service_interrupt(call, true), status, err);
	}
	let_go(engine, record, hold);
	return r < 0 ? r
		     : lifecycle_wait(engine, record, UNTIL_REMOVED, exits, -1,
				      service_interrupt(call, true), status, err);
}

static int on_wait(struct rpc_call *call, const Cleat__V1__WaitContainerRequest *req,
		   struct cleat_v1_containers_wait_stream *out, struct err *err)
{
	static const enum lifecycle_until untils[] = { UNTIL_STOPPED, UNTIL_NEXT_EXIT,
						       UNTIL_REMOVED };
	Cleat__V1__WaitContainerReply reply = CLEAT__V1__WAIT_CONTAINER_REPLY__INIT;
	cleanup(record_deinit) struct record record = { 0 };
	struct status status = { 0 };
	uint64_t exits;
	int r = record_find(service_engine(call)->store, req->container, &record, err);

	if (r < 0)
		return r;
	if ((size_t)req->condition >= ARRAY_LEN(untils))
		return err_set(err, ERR_INVALID, "unknown wait condition %d", req->condition);
	status_read(service_engine(call), &record, &status);
	exits = req->resume_case == CLEAT__V1__WAIT_CONTAINER_REQUEST__RESUME_EXITS ? req->exits
										    : status.exits;
	reply.armed = true;
	reply.exits = exits;
	reply.id = record.id;
	r = cleat_v1_containers_wait_send(out, &reply, err);
	if (r == 0 && untils[req->condition] == UNTIL_REMOVED)
		r = wait_removed(call, &record, exits, &status, err);
	else if (r == 0)
		r = lifecycle_wait(service_engine(call), &record, untils[req->condition], exits, -1,
				   service_interrupt(call, true), &status, err);
	if (r < 0)
		return r;
	reply.armed = false;
	reply.exit_code = status.exit_code;
	reply.exits = status.exits;
	return cleat_v1_containers_wait_send(out, &reply, err);
}

static int on_remove(struct rpc_call *call, const Cleat__V1__RemoveContainerRequest *req,
		     Cleat__V1__RemoveContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	unsigned int how =
		(req->force ? REMOVE_FORCE : 0u) | (req->remove_volumes ? REMOVE_VOLUMES : 0u);
	int r = req->link ? linkremove(service_engine(call), req->container, key.text, err)
			  : remove_container(service_engine(call), req->container, how, key.text,
					     service_interrupt(call, false), err);

	(void)reply;
	if (r == -ENOENT)
		r = settle(call, &key, r, err);
	return r;
}

static int on_rename(struct rpc_call *call, const Cleat__V1__RenameContainerRequest *req,
		     Cleat__V1__RenameContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	int r = lifecycle_rename(service_engine(call), req->container, key.text, req->name, err);

	(void)reply;
	return settle(call, &key, r, err);
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListContainersRequest *req,
		   Cleat__V1__ListContainersReply *reply, struct err *err)
{
	return view_list(service_engine(call), req, reply, err);
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectContainerRequest *req,
		      Cleat__V1__InspectContainerReply *reply, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct engine *engine = service_engine(call);
	int r = view_inspect(engine, req->container, reply, err);

	if (r < 0 || !req->size)
		return r;
	r = record_find(engine->store, req->container, &record, err);
	return r ? r
		 : usage_container(engine, &record, &reply->container->size_rw_bytes,
				   &reply->container->size_root_fs_bytes, err);
}

static int on_top(struct rpc_call *call, const Cleat__V1__TopContainerRequest *req,
		  Cleat__V1__TopContainerReply *reply, struct err *err)
{
	int r = view_top(service_engine(call), req, reply, err);

	if (r == 0)
		history_action_of(service_engine(call), req->container, "top");
	return r;
}

static int on_logs(struct rpc_call *call, const Cleat__V1__LogsRequest *req,
		   struct cleat_v1_containers_logs_stream *out, struct err *err)
{
	return logs_serve(service_engine(call), call, req, out, err);
}

static int on_stats(struct rpc_call *call, const Cleat__V1__StatsRequest *req,
		    struct cleat_v1_containers_stats_stream *out, struct err *err)
{
	return stats_serve(service_engine(call), call, req, out, err);
}

static int on_attach(struct rpc_call *call, struct cleat_v1_containers_attach_stream *io,
		     struct err *err)
{
	return session_attach(service_engine(call), call, io, err);
}

static int on_update(struct rpc_call *call, const Cleat__V1__UpdateContainerRequest *req,
		     Cleat__V1__UpdateContainerReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);

	return update_container(service_engine(call),
				(Cleat__V1__UpdateContainerRequest *)(uintptr_t)req, key.text,
				reply, err);
}

static int on_resize(struct rpc_call *call, const Cleat__V1__ResizeContainerRequest *req,
		     Cleat__V1__ResizeContainerReply *reply, struct err *err)
{
	(void)reply;
	if (!req->size)
		return err_set(err, ERR_INVALID, "size is missing");
	int r = lifecycle_resize(service_engine(call), req->container, req->size->rows,
				 req->size->columns, err);

	if (r == 0)
		history_resized(service_engine(call), req->container, req->size->rows,
				req->size->columns);
	return r;
}

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneContainersRequest *req,
		    Cleat__V1__PruneContainersReply *reply, struct err *err)
{
	int r = usage_prune(service_engine(call), req, reply, err);

	if (r == 0)
		history_pruned(service_engine(call), "container", reply->reclaimed_bytes);
	return r;
}

static int on_tell_detached(struct rpc_call *call, const Cleat__V1__TellDetachedRequest *req,
			    Cleat__V1__TellDetachedReply *reply, struct err *err)
{
	(void)reply;
	if (req->exec_id[0])
		return exec_tell_detached(service_engine(call), req->exec_id, err);
	history_action_of(service_engine(call), req->container, "detach");
	return 0;
}

static const struct cleat_v1_containers_ops ops = {
	.create = on_create,
	.start = on_start,
	.stop = on_stop,
	.kill = on_kill,
	.restart = on_restart,
	.pause = on_pause,
	.unpause = on_unpause,
	.wait = on_wait,
	.remove = on_remove,
	.rename = on_rename,
	.list = on_list,
	.inspect = on_inspect,
	.top = on_top,
	.logs = on_logs,
	.attach = on_attach,
	.tell_detached = on_tell_detached,
	.resize = on_resize,
	.update = on_update,
	.stats = on_stats,
	.diff = service_diff,
	.prune = on_prune,
	.commit = service_commit,
	.export = service_export,
	.stat_path = service_stat_path,
	.get_archive = service_get_archive,
	.put_archive = service_put_archive,
};

int service_register_containers(struct rpc_server *server)
{
	return cleat_v1_containers_register(server, &ops);
}
