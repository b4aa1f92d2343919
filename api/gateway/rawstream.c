/* SPDX-License-Identifier: Apache-2.0 */
/* attach and exec on a connection that has become a raw one: what the client types goes to the call, what the call brings
 * goes to the client. Input is taken only while the call's window has room. When the engine goes away the call is opened
 * again behind the last byte written, and what the container's supervisor has not taken of the input is sent again. */
#include "rawstream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "attached.h"
#include "cleat/v1/containers.pb-c.h"
#include "detach.h"
#include "fd.h"
#include "resend.h"
#include "str.h"
#include "thread.h"

enum { INPUT_BYTES = 16 << 10, WRITE_MS = 60000, LEAVE_NS = 1000000000 };
static const int64_t ABSENT_NS = GW_ABSENT_MS * INT64_C(1000000);

struct raw {
	struct gw *gw;
	int sock;
	bool tty, input_open, input_ended, done;
	bool end_heard; /* by the container's supervisor; or there is no input */
	bool unheard;   /* a client without input may still say that it goes */
	bool moving;    /* another engine takes over: input waits for the next call */
	bool left;      /* by the detach keys */
	bool cut; /* nothing more is read: the client left, or its connection broke, which is no end of input */
	int64_t leave_ns; /* 0, or the client left or takes no output: its input is waited for until then */
	const char *detach_keys; /* which are these; "" = the usual ones */
	struct detach detach;
	struct resend input;
	char input_key[65];
	Cleat__V1__CountedInput counted; /* of the call that is open, in its start */
	struct rpc_client_call *call;
	struct attached attached;
	Cleat__V1__AttachStart *attach; /* one of the two */
	Cleat__V1__ExecStart *exec;
	int64_t since_ns;
};

static int open_call(struct raw *raw, struct err *err)
{
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;

	cleat__v1__counted_input__init(&raw->counted);
	raw->counted.key = raw->input_key;
	raw->counted.from = raw->input.from;
	if (raw->attach) {
		raw->attach->moves = true;
		raw->attach->input = raw->attach->stdin ? &raw->counted : NULL;
	} else {
		raw->exec->moves = true;
		raw->exec->input = &raw->counted;
	}
	a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_START;
	a.start = raw->attach;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_START;
	e.start = raw->exec;
	return gw_open(raw->gw, raw->attach ? &a.base : &e.base, &raw->call, err);
}

/* Output is dropped from now on. Nobody waits: as long as for an engine, which may stand still or be another soon. */
static void lose_client(struct raw *raw)
{
	raw->leave_ns = raw->leave_ns ? raw->leave_ns : fd_monotonic_ns() + ABSENT_NS;
}

/* All of it, waiting for a slow client; -EPIPE when it is gone. */
static int write_all(struct raw *raw, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t done = http_raw_write(raw->gw->http, p, n);
		struct pollfd out = { .fd = raw->sock, .events = POLLOUT };

		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (done != -EAGAIN) {
			return -EPIPE;
		} else if (poll(&out, 1, WRITE_MS) == 0) {
			return -EPIPE;
		}
	}
	return 0;
}

static void write_output(struct raw *raw, uint8_t stream, const ProtobufCBinaryData *data)
{
	uint8_t head[STREAM_HEAD_BYTES];
	int r = 0;

	if (raw->leave_ns)
		return;
	if (!raw->tty) {
		stream_frame_head(stream, data->len, head);
		r = write_all(raw, head, sizeof(head));
	}
	r = r < 0 ? r : write_all(raw, data->data, data->len);
	if (r < 0)
		lose_client(raw);
}

/* One that takes what its client had sent before it went gets the rest too, however slow it is. */
static void input_taken(struct raw *raw, uint64_t taken)
{
	size_t kept = raw->input.kept.len;

	resend_taken(&raw->input, taken);
	if (raw->leave_ns && !raw->left && raw->input.kept.len < kept)
		raw->leave_ns = fd_monotonic_ns() + ABSENT_NS;
}

/* All that was sent counts; the half-close tells that there is no more. */
static int take_moving(struct raw *raw)
{
	raw->moving = true;
	return rpc_client_call_end(raw->call, NULL);
}

static int take_attach(struct raw *raw, Cleat__V1__AttachReply *m)
{
	Cleat__V1__AttachStart *a = raw->attach;

	switch (m->message_case) {
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_ATTACHED:
		resend_opened(&raw->input,
			      m->attached->input_case ==
				      CLEAT__V1__ATTACH_REPLY__ATTACHED__INPUT_INPUT_TAKEN,
			      m->attached->input_taken);
		if (!raw->attached.id[0])
			attached_begin(&raw->attached, m->attached->id, m->attached->exits);
		a->seen_case = CLEAT__V1__ATTACH_START__SEEN_EXITS;
		a->exits = m->attached->exits;
		if (a->resume_case == 0 && !a->logs) {
			a->resume_case = CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
			a->resume_position = m->attached->position;
		}
		return 0;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_OUTPUT:
		a->resume_case = CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
		a->resume_position = m->output->position + m->output->data.len;
		write_output(raw, m->output->stream == 2 ? 2 : 1, &m->output->data);
		return 0;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_EXITED:
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_DETACHED:
		raw->done = true;
		raw->left = false;
		return 0;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_MOVING:
		return take_moving(raw);
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_INPUT_ENDED:
		raw->end_heard = true;
		return 0;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_INPUT_TAKEN:
		input_taken(raw, m->input_taken);
		return 0;
	default:
		return 0;
	}
}

static int take_exec(struct raw *raw, Cleat__V1__ExecOutput *m)
{
	switch (m->message_case) {
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_STARTED:
		resend_opened(&raw->input,
			      m->started->input_case ==
				      CLEAT__V1__EXEC_OUTPUT__STARTED__INPUT_INPUT_TAKEN,
			      m->started->input_taken);
		raw->exec->resume_case = CLEAT__V1__EXEC_START__RESUME_RESUME_POSITION;
		return 0;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_OUTPUT:
		raw->exec->resume_position = m->output->position + m->output->data.len;
		write_output(raw, m->output->stream == 2 ? 2 : 1, &m->output->data);
		return 0;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_EXITED:
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_DETACHED:
		raw->done = true;
		raw->left = false;
		return 0;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_MOVING:
		return take_moving(raw);
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_INPUT_ENDED:
		raw->end_heard = true;
		return 0;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_INPUT_TAKEN:
		input_taken(raw, m->input_taken);
		return 0;
	default:
		return 0;
	}
}

/* Everything the call has; 0 when there is no more now. */
static int receive(struct raw *raw, struct err *err)
{
	while (!raw->done) {
		ProtobufCMessage *m = NULL;
		int r = rpc_client_call_try_recv(raw->call, &m, err);

		if (r == -EAGAIN)
			return 0;
		if (r == 0)
			raw->done = true;
		if (r <= 0)
			return r;
		raw->since_ns = 0;
		r = raw->attach ? take_attach(raw, (Cleat__V1__AttachReply *)(void *)m)
				: take_exec(raw, (Cleat__V1__ExecOutput *)(void *)m);
		protobuf_c_message_free_unpacked(m, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A part of what waits, if the call takes it. 1 = all has been sent. */
static int send_part(struct raw *raw, struct err *err)
{
	const char *data = NULL;
	size_t n = resend_next(&raw->input, &data);
	ProtobufCBinaryData bytes = { n < INPUT_BYTES ? n : INPUT_BYTES,
				      (uint8_t *)(uintptr_t)data };
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;
	int r;

	if (n == 0)
		return 1;
	a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_STDIN;
	a.stdin = bytes;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_STDIN;
	e.stdin = bytes;
	r = rpc_client_call_try_send(raw->call, raw->attach ? &a.base : &e.base, err);
	if (r == 0)
		resend_sent(&raw->input, bytes.len);
	return r;
}

/* What waits, as far as the call takes it, then the end. */
static int send_input(struct raw *raw, struct err *err)
{
	int r = 0;

	if (!raw->input.open || raw->moving)
		return 0;
	while (r == 0)
		r = send_part(raw, err);
	if (r == 1 && !raw->input_open && !raw->input_ended) {
		raw->input_ended = true;
		r = rpc_client_call_end(raw->call, err);
	}
	/* how the call ended is told by receive() */
	return r == 1 || r == -EAGAIN || r == -EPIPE ? 0 : r;
}

static int read_client(struct raw *raw)
{
	uint8_t in[INPUT_BYTES], out[INPUT_BYTES + DETACH_MAX];
	ssize_t n = http_raw_read(raw->gw->http, in, sizeof(in));
	size_t n_out = n > 0 ? (size_t)n : 0;

	if (n == -EAGAIN)
		return 0;
	if (n == 0)
		raw->input_open = false;
	if (n < 0) {
		raw->cut = true;
		lose_client(raw);
	}
	if (!raw->tty)
		return resend_add(&raw->input, in, n_out);
	if (detach_filter(&raw->detach, in, n_out, out, &n_out)) {
		raw->left = raw->cut = true;
		raw->leave_ns = fd_monotonic_ns() + LEAVE_NS;
	}
	return resend_add(&raw->input, out, n_out);
}

/* Not while earlier input waits, for its call or in case that it has to be sent again. */
static bool wants_input(const struct raw *raw)
{
	return raw->input_open && !raw->cut && raw->input.sent == raw->input.kept.len &&
	       !resend_full(&raw->input);
}

/* The container has all that was typed, or takes nothing. */
static bool may_leave(const struct raw *raw)
{
	return raw->leave_ns && ((raw->input.kept.len == 0 && (raw->cut || raw->end_heard)) ||
				 fd_monotonic_ns() >= raw->leave_ns);
}

/* A connection over TCP that breaks is seen by reading alone. */
static void drop_input(struct raw *raw)
{
	uint8_t dropped[4096];
	ssize_t n = http_raw_read(raw->gw->http, dropped, sizeof(dropped));

	raw->unheard = n > 0 || n == -EAGAIN;
	if (n < 0 && !raw->unheard)
		lose_client(raw);
}

static int step(struct raw *raw, struct err *err)
{
	struct rpc_client *client = raw->gw->client;
	struct pollfd fds[] = { { .fd = rpc_client_fd(client) }, { .fd = raw->sock } };
	int r = receive(raw, err), ms;
	bool wants, has;

	if (r == 0 && !raw->done)
		r = send_input(raw, err);
	raw->done = raw->done || may_leave(raw);
	if (r < 0 || raw->done)
		return r;
	wants = raw->unheard || wants_input(raw);
	if (!wants && raw->leave_ns)
		fds[1].fd = -1;
	has = wants && http_raw_pending(raw->gw->http);
	ms = has ? 0 : rpc_client_timeout_ms(client);
	if (raw->leave_ns)
		ms = fd_timeout_ms(ms, raw->leave_ns);
	fds[0].events = rpc_client_events(client);
	fds[1].events = wants ? POLLIN : 0;
	if (poll(fds, ARRAY_LEN(fds), ms) < 0 && errno != EINTR)
		return err_sys(err, errno, "poll");
	has = has || fds[1].revents & POLLIN;
	if (fds[1].revents & (POLLHUP | POLLERR)) {
		lose_client(raw);
		raw->cut = raw->cut || (wants && !has);
	}
	if (has && raw->unheard)
		drop_input(raw);
	else if (has)
		r = read_client(raw);
	if (r == 0 && !raw->done)
		(void)rpc_client_process(client, err);
	return r;
}

/* Until the process or the client ends. The call is open. */
static void pump(struct raw *raw)
{
	struct err err = ERR_NULL;
	int r = 0;

	while (!raw->done) {
		r = step(raw, &err);
		if (r >= 0)
			continue;
		raw->call = rpc_client_call_close(raw->call);
		resend_broken(&raw->input);
		do {
			if (may_leave(raw) || !gw_again(raw->gw, &err, &raw->since_ns))
				return;
			err = ERR_NULL;
			raw->gw->deadline_ns = raw->leave_ns;
			r = open_call(raw, &err);
		} while (r < 0);
		raw->input_ended = raw->moving = false;
	}
}

/* Waits for the first message: an error before it is an HTTP error. */
static int first_message(struct raw *raw, struct err *err)
{
	ProtobufCMessage *m = NULL;
	int r = gw_recv(raw->gw, raw->call, &m, err);

	if (r <= 0)
		return r < 0 ? r : err_set(err, ERR_INTERNAL, "the stream ended at once");
	if (raw->attach)
		(void)!take_attach(raw, (Cleat__V1__AttachReply *)(void *)m);
	else
		(void)!take_exec(raw, (Cleat__V1__ExecOutput *)(void *)m);
	protobuf_c_message_free_unpacked(m, NULL);
	return 0;
}

static int upgrade(struct raw *raw)
{
	struct http_request *http = raw->gw->http;

	raw->sock = http_wants_upgrade(http) ? http_upgrade(http, stream_type(raw->gw, raw->tty))
					     : http_take(http, STREAM_RAW_TYPE);
	if (raw->sock < 0)
		return -EPIPE;
	http_raw_await_reader(raw->sock);
	raw->gw->streaming = true;
	return 0;
}

/* As dockerd does: a program that cannot be executed is told in the exec's stream; clients then ask for
 * its exit code, 126 or 127. */
static int tell_not_executed(struct raw *raw, struct err *err)
{
	cleanup_free char *sentence =
		str_printf("OCI runtime exec failed: %s: unknown\r\n", err->message);
	ProtobufCBinaryData data = { strlen(str_or_empty(sentence)), (uint8_t *)sentence };

	if (upgrade(raw) < 0)
		return -EPIPE;
	write_output(raw, 1, &data);
	return 0;
}

static int run(struct raw *raw, struct err *err)
{
	struct gw *gw = raw->gw;
	int r = detach_parse(&raw->detach, raw->detach_keys[0] ? raw->detach_keys : NULL, err);

	r = r ? r : open_call(raw, err);
	r = r ? r : first_message(raw, err);
	if (raw->exec && (r == -ENOENT || r == -EACCES))
		return tell_not_executed(raw, err);
	r = r ? r : upgrade(raw);
	if (r < 0)
		return r;
	r = resend_add(&raw->input, gw->http->body.data, gw->http->body.len);
	thread_trim_stack(); /* most are idle for long, and there may be thousands */
	if (r == 0)
		pump(raw);
	return r < 0 ? err_sys(err, r, "input") : 0;
}

static void tell_left(struct raw *raw)
{
	Cleat__V1__TellDetachedRequest request = CLEAT__V1__TELL_DETACHED_REQUEST__INIT;
	Cleat__V1__TellDetachedReply *reply = NULL;
	struct err err = ERR_NULL;

	if (raw->attach)
		request.container = raw->attach->container;
	else
		request.exec_id = raw->exec->exec_id;
	if (gw_call_other(raw->gw, "cleat.v1.Containers/TellDetached", &request, &reply, &err) == 0)
		cleat__v1__tell_detached_reply__free_unpacked(reply, NULL);
}

static void serve(struct raw *raw)
{
	struct err err = ERR_NULL;
	int r;

	str_random_id(raw->input_key);
	r = run(raw, &err);

	attached_end(&raw->attached);
	raw->call = rpc_client_call_close(raw->call);
	raw->gw->deadline_ns = 0;
	if (raw->left)
		tell_left(raw);
	resend_deinit(&raw->input);
	if (r < 0 && r != -EPIPE && !raw->gw->streaming)
		gw_fail(raw->gw, &err);
}

void gw_stream_attach(struct gw *gw)
{
	Cleat__V1__AttachStart start = CLEAT__V1__ATTACH_START__INIT;
	struct raw raw = { .gw = gw,
			   .attach = &start,
			   .detach_keys = http_query(gw->http, "detachKeys") };
	struct stream_target target;
	struct err err = ERR_NULL;

	if (stream_inspect(gw, gw->match.param, &target, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	start.container = gw->match.param;
	start.stdin = raw.input_open = gw_query_bool(gw, "stdin");
	start.stdout = gw_query_bool(gw, "stdout");
	start.stderr = gw_query_bool(gw, "stderr");
	start.logs = gw_query_bool(gw, "logs");
	start.stream = gw_query_bool(gw, "stream");
	start.lossless = !target.active; /* the client of a `run`, before its start */
	raw.tty = target.tty;
	raw.unheard = raw.end_heard = !raw.input_open;
	serve(&raw);
}

void stream_exec(struct gw *gw, const char *id, bool tty, const char *detach_keys)
{
	Cleat__V1__ExecStart start = CLEAT__V1__EXEC_START__INIT;
	struct raw raw = {
		.gw = gw, .exec = &start, .tty = tty, .input_open = true, .detach_keys = detach_keys
	};

	start.exec_id = (char *)(uintptr_t)id;
	serve(&raw);
}
