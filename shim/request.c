/* SPDX-License-Identifier: Apache-2.0 */
/* One function a request, in a table by the oneof's number. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "fault.h"
#include "log.h"
#include "shim.h"

struct context {
	struct shim *shim;
	struct conn *conn;
	const Cleat__Shim__V1__ShimRequest *request;
	Cleat__Shim__V1__ShimReply reply;
	bool later; /* the reply comes from elsewhere */
};

void request_fail(struct conn *conn, uint64_t id, uint32_t code, const char *reason,
		  const char *message)
{
	Cleat__Shim__V1__ShimReply reply = CLEAT__SHIM__V1__SHIM_REPLY__INIT;

	reply.id = id;
	reply.code = code;
	reply.reason = (char *)(uintptr_t)reason;
	reply.message = (char *)(uintptr_t)message;
	control_reply(conn, &reply);
}

static void fail(struct context *ctx, enum err_code code, const char *reason, const char *message)
{
	ctx->later = true;
	request_fail(ctx->conn, ctx->request->id, code, reason, message);
}

static void with_status(struct context *ctx)
{
	ctx->shim->status.position = ctx->shim->log.position;
	ctx->reply.status = &ctx->shim->status;
}

static void on_hello(struct context *ctx)
{
	ctx->reply.version = (char *)CLEAT_VERSION;
	with_status(ctx);
}

static void on_state(struct context *ctx)
{
	with_status(ctx);
}

/* Begins what an engine has written a file for. */
static void open_files(struct shim *shim)
{
	int r;

	names_open(shim);
	r = ports_open(shim);
	if (r < 0)
		log_error("not all ports are listened at id=%.12s error=%s", shim->id,
			  strerror(-r));
}

static void on_subscribe(struct context *ctx)
{
	/* The answer goes before the events, so that a caller may rely on their order. */
	ctx->later = true;
	ctx->reply.id = ctx->request->id;
	control_reply(ctx->conn, &ctx->reply);
	ctx->conn->subscribed = true;
	/* what it does not want it has */
	if (ctx->request->subscribe->from_seq > 0)
		journal_skip(ctx->shim, ctx->request->subscribe->from_seq - 1);
	open_files(ctx->shim);
	if (ctx->request->subscribe->layers)
		keep_layers(ctx->conn);
	keep_replay(ctx->conn);
	journal_replay(ctx->conn, ctx->request->subscribe->from_seq);
	if (ctx->shim->log.driver == LOG_DRIVER_LOCAL && ctx->shim->log.segment > 1)
		control_tell_rotated(ctx->shim, ctx->conn);
}

/* The engine that asked for the start under way has died. */
static bool repeats_start(const struct context *ctx)
{
	return ctx->request->request_key[0] &&
	       strcmp(ctx->request->request_key, ctx->shim->start_key) == 0;
}

/* The namespace of what begins now; one that is not started keeps what it has. */
static void take_netns(struct shim *shim, int fd)
{
	if (shim->state != ST_CREATED && shim->state != ST_EXITED) {
		close(fd);
		return;
	}
	names_close(shim);
	closep(&shim->netns);
	shim->netns = fd;
	fault_point(FAULT_SHIM_NETNS_TAKEN);
}

static bool lacks_netns(const struct shim *shim)
{
	return shim->spec->netns && shim->netns < 0 &&
	       (shim->state == ST_CREATED || shim->state == ST_EXITED);
}

/* Whether it would start now, and can not for want of another container. */
static bool lacks_others(struct shim *shim)
{
	return state_step(shim->state, EV_START).action == ACT_SPAWN && join_open(shim) < 0;
}

static void on_start(struct context *ctx)
{
	int r;

	if (lacks_netns(ctx->shim)) {
		fail(ctx, ERR_PRECONDITION, "NO_NETNS", launch_reason(ctx->shim, -ENONET));
		return;
	}
	if (lacks_others(ctx->shim)) {
		fail(ctx, ERR_PRECONDITION, "NOT_RUNNING", launch_reason(ctx->shim, -EHOSTDOWN));
		return;
	}
	switch (life_event(ctx->shim, EV_START, 0)) {
	case ACT_SPAWN:
		ctx->later = true;
		ctx->shim->status.start_case = CLEAT__SHIM__V1__SHIM_STATUS__START_START_POSITION;
		ctx->shim->status.start_position = ctx->shim->log.position;
		(void)snprintf(ctx->shim->start_key, sizeof(ctx->shim->start_key), "%s",
			       ctx->request->request_key);
		r = launch_container(ctx->shim, ctx->conn, ctx->request->id);
		if (r < 0) {
			fail(ctx, ERR_INTERNAL, "START_FAILED", launch_reason(ctx->shim, r));
			life_failed(ctx->shim, 125, launch_reason(ctx->shim, r));
		}
		break;
	case ACT_ALREADY:
		ctx->later =
			repeats_start(ctx) && launch_join(ctx->shim, ctx->conn, ctx->request->id);
		ctx->reply.already = true;
		with_status(ctx);
		break;
	default:
		fail(ctx, ERR_PRECONDITION, "PAUSED", "the container is paused");
	}
}

static void on_stop(struct context *ctx)
{
	const Cleat__Shim__V1__StopRequest *body = ctx->request->stop;
	int number = body->signal ? body->signal : ctx->shim->spec->stop_signal;
	enum action action = life_event(ctx->shim, EV_STOP, body->timeout_ms);

	if (action == ACT_LATER)
		life_later(ctx->shim, number ? number : SIGTERM, body->timeout_ms);
	if (action == ACT_TERM || action == ACT_THAW_TERM)
		life_kill(ctx->shim, number ? number : SIGTERM);
	ctx->reply.already = action == ACT_ALREADY || action == ACT_CANCEL;
	with_status(ctx);
}

static void on_kill(struct context *ctx)
{
	int number = ctx->request->kill->signal;
	enum event event = life_ends(ctx->shim, number) ? EV_END : EV_KILL;
	enum action action;

	if (number < 1 || number > SIGRTMAX) {
		fail(ctx, ERR_INVALID, "BAD_SIGNAL", "no such signal");
		return;
	}
	action = life_event(ctx->shim, event, number);
	if (action == ACT_LATER)
		life_later(ctx->shim, number, -1);
	if (action == ACT_REJECT)
		fail(ctx, ERR_PRECONDITION, "NOT_RUNNING", "the container is not running");
}

static void on_pause(struct context *ctx)
{
	if (life_event(ctx->shim, EV_PAUSE, 0) != ACT_FREEZE)
		fail(ctx, ERR_PRECONDITION,
		     ctx->shim->state == ST_PAUSED ? "PAUSED" : "NOT_RUNNING",
		     ctx->shim->state == ST_PAUSED ? "the container is paused already"
						   : "the container is not running");
}

static void on_resume(struct context *ctx)
{
	if (life_event(ctx->shim, EV_RESUME, 0) != ACT_THAW)
		fail(ctx, ERR_PRECONDITION, "NOT_PAUSED", "the container is not paused");
}

static void on_resize(struct context *ctx)
{
	const Cleat__Shim__V1__ResizeRequest *body = ctx->request->resize;
	struct exec *exec = body->exec_id[0] ? exec_find(ctx->shim, body->exec_id) : NULL;
	struct io *io = exec ? &exec->io : &ctx->shim->io;

	if (body->exec_id[0] && !exec)
		fail(ctx, ERR_NOT_FOUND, "EXEC_ID_NOT_FOUND", "no such exec");
	else if (!exec && !ctx->shim->spec->tty)
		fail(ctx, ERR_PRECONDITION, "NO_TTY", "the container has no terminal");
	else if (io_resize(io, body->rows, body->columns) < 0)
		/* Not started yet: the size is used then. */
		ctx->shim->spec->rows = body->rows, ctx->shim->spec->columns = body->columns;
}

static void on_exec_kill(struct context *ctx)
{
	const Cleat__Shim__V1__ExecKillRequest *body = ctx->request->exec_kill;
	struct exec *exec = exec_find(ctx->shim, body->exec_id);
	int r;

	if (!exec || exec->pid <= 0)
		fail(ctx, ERR_NOT_FOUND, "EXEC_ID_NOT_FOUND", "no such running exec");
	else if ((r = exec_signal(exec, body->signal ? body->signal : SIGKILL)) < 0)
		fail(ctx, ERR_INVALID, "BAD_SIGNAL", strerror(-r));
}

static void on_update_policy(struct context *ctx)
{
	const Cleat__Shim__V1__RestartPolicy *body = ctx->request->update_policy->restart;

	if (!body)
		return;
	ctx->shim->policy.kind = (enum policy_kind)body->kind;
	ctx->shim->policy.max_retries = body->max_retries;
	ctx->shim->policy.on_unhealthy = body->on_unhealthy;
	ctx->shim->policy.delay_ms = body->delay_ms ? body->delay_ms : 100;
	ctx->shim->policy.max_delay_ms = body->max_delay_ms ? body->max_delay_ms : 60000;
}

static void on_update_limits(struct context *ctx)
{
	enum state state = ctx->shim->state;
	int r;

	if (state == ST_STARTING) {
		ctx->later = later_add(ctx->shim, ctx->conn, ctx->request) == 0;
		if (!ctx->later)
			fail(ctx, ERR_UNAVAILABLE, "STARTING", "the container is being started");
		return;
	}
	if (state != ST_RUNNING && state != ST_PAUSED) {
		fail(ctx, ERR_PRECONDITION, "NOT_RUNNING", "the container is not running");
		return;
	}
	r = launch_update(ctx->shim, ctx->conn, ctx->request);
	ctx->later = r == 0;
	if (r < 0)
		fail(ctx, ERR_INTERNAL, "UPDATE_FAILED", strerror(-r));
}

static void on_release(struct context *ctx)
{
	const Cleat__Shim__V1__ReleaseRequest *body = ctx->request->release;
	enum state state = ctx->shim->state;

	journal_release(ctx->shim, body->seq);
	if (body->quit && (state == ST_EXITED || state == ST_CREATED || state == ST_RESTARTING))
		ctx->shim->quit = true;
}

static void on_names(struct context *ctx)
{
	open_files(ctx->shim);
}

static void (*const handlers[])(struct context *) = {
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_HELLO] = on_hello,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_STATE] = on_state,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_SUBSCRIBE] = on_subscribe,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_START] = on_start,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_STOP] = on_stop,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_KILL] = on_kill,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_PAUSE] = on_pause,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESUME] = on_resume,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESIZE] = on_resize,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_EXEC_KILL] = on_exec_kill,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_UPDATE_POLICY] = on_update_policy,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RELEASE] = on_release,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_NAMES] = on_names,
	[CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_UPDATE_LIMITS] = on_update_limits,
};

static int attach(struct io *io, const Cleat__Shim__V1__AttachRequest *body, int fd,
		  Cleat__Shim__V1__ShimReply *reply)
{
	const bool want[3] = { body->stdin, body->stdout, body->stderr };
	struct session *session = NULL;
	int r = session_add(io, fd, want, body->lossless, &session);

	if (r < 0)
		return r;
	session_count(session, body->input);
	session_tell_count(session, reply);
	return 0;
}

static void on_attach(struct conn *conn, const Cleat__Shim__V1__ShimRequest *request, int fd)
{
	const Cleat__Shim__V1__AttachRequest *body = request->attach;
	Cleat__Shim__V1__ShimReply reply = CLEAT__SHIM__V1__SHIM_REPLY__INIT;
	struct shim *shim = conn->shim;
	int r = body->exec_id[0] ? exec_join(shim, body, fd, &reply)
				 : attach(&shim->io, body, fd, &reply);

	if (r == -ENOENT) {
		request_fail(conn, request->id, ERR_NOT_FOUND, "EXEC_GONE", "no such exec");
		return;
	}
	if (r < 0) {
		request_fail(conn, request->id, ERR_EXHAUSTED, "TOO_MANY_ATTACHED", strerror(-r));
		return;
	}
	reply.id = request->id;
	reply.position = shim->log.position;
	reply.status = &shim->status;
	control_reply(conn, &reply);
}

void request_handle(struct conn *conn, Cleat__Shim__V1__ShimRequest *request, int *fds,
		    size_t n_fds)
{
	struct shim *shim = conn->shim;
	struct context ctx = { .shim = shim, .conn = conn, .request = request };
	unsigned kind = (unsigned)request->request_case;

	cleat__shim__v1__shim_reply__init(&ctx.reply);
	if (kind == CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_EXEC) {
		exec_request(conn, request, fds, n_fds);
		return;
	}
	if (kind == CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH && n_fds == 1) {
		on_attach(conn, request, fds[0]);
		return;
	}
	if (kind == CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_START && request->start->netns &&
	    n_fds == 1) {
		take_netns(shim, fds[0]);
		n_fds = 0;
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	if (kind >= ARRAY_LEN(handlers) || !handlers[kind]) {
		fail(&ctx, ERR_UNIMPLEMENTED, "UNKNOWN_REQUEST",
		     "this shim does not know the request");
		return;
	}
	if (done_has(shim, request->request_key))
		with_status(&ctx);
	else
		handlers[kind](&ctx);
	ctx.reply.id = request->id;
	if (!ctx.later) {
		if (request->request_key[0]) {
			done_add(shim, request->request_key);
			status_publish(shim);
		}
		control_reply(conn, &ctx.reply);
	}
	if (shim->quit)
		life_quit(shim);
}
