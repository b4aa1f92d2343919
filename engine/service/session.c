/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one poll over the shim's socket, the client's messages and the call's end. Neither
 * direction may block the other: input waits in `pending` while the shim's side is full, and no
 * further input is taken meanwhile. Output is sent with the call's own flow control; a lossless
 * attach thereby pushes back through the shim's socket to the container, any other is dropped by the
 * shim when its socket stays full. */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "lifecycle.h"
#include "log.h"
#include "shimlink.h"
#include "start.h"
#include "str.h"

enum { FRAME_MAX = 40 << 10, INPUT_PART = 32 << 10 };

struct session {
	struct engine *engine;
	struct rpc_call *call;
	struct cleat_v1_containers_attach_stream *io;
	const char *id;
	int sock;
	struct buf pending; /* stdin not yet taken by the shim */
	bool input_ended, shut, ended;
	uint8_t frame[FRAME_MAX];
};

static int send_exited(struct session *s, const Cleat__Shim__V1__StreamFrame *frame,
		       struct err *err)
{
	Cleat__V1__AttachReply__Exited exited = CLEAT__V1__ATTACH_REPLY__EXITED__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	exited.exit_code = frame->exit_code;
	exited.oom_killed = frame->oom_killed;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_EXITED;
	reply.exited = &exited;
	s->ended = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int send_output(struct session *s, const Cleat__Shim__V1__StreamFrame *frame,
		       struct err *err)
{
	Cleat__V1__AttachReply__Output output = CLEAT__V1__ATTACH_REPLY__OUTPUT__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	output.stream = (Cleat__V1__OutputStream)frame->stream;
	output.position = frame->position;
	output.data = frame->data;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_OUTPUT;
	reply.output = &output;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int take_frame(struct session *s, size_t len, struct err *err)
{
	Cleat__Shim__V1__StreamFrame *frame =
		cleat__shim__v1__stream_frame__unpack(NULL, len, s->frame);
	int r = 0;

	if (!frame)
		return err_set(err, ERR_INTERNAL, "undecodable frame from the shim");
	if (frame->ended)
		r = send_exited(s, frame, err);
	else if (frame->stream == 1 || frame->stream == 2)
		r = send_output(s, frame, err);
	cleat__shim__v1__stream_frame__free_unpacked(frame, NULL);
	return r;
}

/* Takes what the shim has for us. The end without `ended` means that the shim is gone. */
static int read_shim(struct session *s, struct err *err)
{
	size_t n_fds = 0;
	ssize_t n = fd_recv(s->sock, s->frame, sizeof(s->frame), NULL, &n_fds, MSG_DONTWAIT);

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return err_reason(err, ERR_UNAVAILABLE, "SHIM_GONE",
				  "the supervisor of container %.12s ended the stream", s->id);
	return take_frame(s, (size_t)n, err);
}

static int send_frame(int sock, const Cleat__Shim__V1__StreamFrame *frame)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = cleat__shim__v1__stream_frame__pack(frame, bytes);

	return fd_send(sock, bytes, len, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* As much of `pending` as the shim takes now, then the end of input if it was asked for. */
static void flush_input(struct session *s)
{
	while (s->pending.len) {
		Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
		int r;

		frame.data.data = (uint8_t *)s->pending.data;
		frame.data.len = s->pending.len < INPUT_PART ? s->pending.len : INPUT_PART;
		r = send_frame(s->sock, &frame);
		if (r == -EAGAIN)
			return;
		buf_consume(&s->pending, r < 0 ? s->pending.len : frame.data.len);
	}
	if (s->input_ended && !s->shut) {
		(void)shutdown(s->sock, SHUT_WR);
		s->shut = true;
	}
}

static int take_signal(struct session *s, const char *word, struct err *err)
{
	int number = 0;
	int r = lifecycle_signal(word, &number, err);

	if (r == 0)
		r = lifecycle_kill(s->engine, s->id, number, err);
	if (r < 0)
		log_debug("signal of an attach id=%.12s: %s", s->id, err->message);
	return 0;
}

static int take_input(struct session *s, const Cleat__V1__AttachRequest *request, struct err *err)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;

	switch (request->message_case) {
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_STDIN:
		buf_append(&s->pending, request->stdin.data, request->stdin.len);
		return s->pending.error ? err_sys(err, s->pending.error, "attach") : 0;
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_RESIZE:
		frame.stream = 3;
		frame.rows = request->resize->rows;
		frame.columns = request->resize->columns;
		(void)!send_frame(s->sock, &frame);
		return 0;
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_SIGNAL:
		return take_signal(s, request->signal, err);
	default:
		return err_set(err, ERR_INVALID, "a second start on one attach");
	}
}

static int read_client(struct session *s, struct err *err)
{
	Cleat__V1__AttachRequest *request = NULL;
	int r = cleat_v1_containers_attach_try_recv(s->io, &request, err);

	if (r == -EAGAIN)
		return 0;
	if (r == 0)
		s->input_ended = true;
	if (r <= 0)
		return r;
	r = take_input(s, request, err);
	cleat__v1__attach_request__free_unpacked(request, NULL);
	return r;
}

static int step(struct session *s, struct err *err)
{
	bool wants_input = !s->pending.len && !s->input_ended;
	struct pollfd fds[] = {
		{ .fd = s->sock, .events = (short)(POLLIN | (s->pending.len ? POLLOUT : 0)) },
		{ .fd = wants_input ? rpc_call_recv_fd(s->call) : -1, .events = POLLIN },
		{ .fd = rpc_call_cancel_fd(s->call), .events = POLLIN },
		{ .fd = rpc_call_drain_fd(s->call), .events = POLLIN },
	};
	int r = 0;

	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return 0;
	if (fds[2].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		r = read_shim(s, err);
	if (r == 0 && !s->ended && fds[3].revents)
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
	if (r == 0 && !s->ended && fds[1].revents)
		r = read_client(s, err);
	if (r == 0)
		flush_input(s);
	return r;
}

/* The shim's reply with the position where live output begins; sock_out is our end. */
static int open_stream(struct engine *engine, const struct record *record,
		       const Cleat__V1__AttachStart *start, int *sock_out, uint64_t *position,
		       struct err *err)
{
	Cleat__Shim__V1__AttachRequest body = CLEAT__SHIM__V1__ATTACH_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__ShimReply *reply = NULL;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "attach");
	body.stdin = start->stdin;
	body.stdout = start->stdout;
	body.stderr = start->stderr;
	body.lossless = start->lossless;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH;
	request.attach = &body;
	r = shims_call(engine->shims, record->id, &request, &pair[1], 1, SHIM_CALL_MS, &reply, err);
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	*position = reply->position;
	*sock_out = pair[0];
	cleat__shim__v1__shim_reply__free_unpacked(reply, NULL);
	return 0;
}

static bool has_tty(const struct record *record)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	bool tty = request && request->config && request->config->tty;

	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	return tty;
}

static int send_attached(struct session *s, const struct record *record, uint64_t position,
			 struct err *err)
{
	Cleat__V1__AttachReply__Attached attached = CLEAT__V1__ATTACH_REPLY__ATTACHED__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;
	struct status status;

	status_read(s->engine, record, &status);
	attached.id = (char *)record->id;
	attached.tty = has_tty(record);
	attached.position = position;
	attached.exits = status.exits;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_ATTACHED;
	reply.attached = &attached;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int start_attached(struct session *s, struct err *err)
{
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;
	bool already = false;
	int r = start_container(s->engine, s->id, &already, err);

	if (r < 0)
		return r;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_STARTED;
	reply.started = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int ensure(struct engine *engine, const struct record *record, struct err *err)
{
	cleanup_fd int lock = -1;

	if (shims_connect(engine->shims, record->id, record->last_seq) == 0)
		return 0;
	lock = lifecycle_lock(engine, record->id, err);
	return lock < 0 ? lock : lifecycle_ensure_shim(engine, record, err);
}

static int serve(struct session *s, const struct record *record,
		 const Cleat__V1__AttachStart *start, struct err *err)
{
	uint64_t position = 0;
	int r = ensure(s->engine, record, err);

	if (r == 0)
		r = open_stream(s->engine, record, start, &s->sock, &position, err);
	if (r == 0)
		r = send_attached(s, record, position, err);
	if (r == 0 && start->start)
		r = start_attached(s, err);
	while (r == 0 && !s->ended)
		r = step(s, err);
	return r;
}

static void session_free(struct session **s)
{
	if (!*s)
		return;
	closep(&(*s)->sock);
	buf_deinit(&(*s)->pending);
	free(*s);
}

static int attach(struct engine *engine, struct rpc_call *call,
		  struct cleat_v1_containers_attach_stream *io, const Cleat__V1__AttachStart *start,
		  struct err *err)
{
	cleanup(session_free) struct session *s = calloc(1, sizeof(*s));
	cleanup(record_deinit) struct record record = { 0 };
	int r = s ? record_find(engine->store, start->container, &record, err)
		  : err_sys(err, ENOMEM, "attach");

	if (r < 0) {
		if (s)
			s->sock = -1;
		return r;
	}
	s->engine = engine;
	s->call = call;
	s->io = io;
	s->id = record.id;
	s->sock = -1;
	if (start->logs)
		return err_set(err, ERR_UNIMPLEMENTED, "attach with replay of the log");
	return serve(s, &record, start, err);
}

int session_attach(struct engine *engine, struct rpc_call *call,
		   struct cleat_v1_containers_attach_stream *io, struct err *err)
{
	Cleat__V1__AttachRequest *request = NULL;
	int r = cleat_v1_containers_attach_recv(io, &request, err);

	if (r < 0)
		return r;
	if (r == 0 || request->message_case != CLEAT__V1__ATTACH_REQUEST__MESSAGE_START)
		r = err_set(err, ERR_INVALID, "the first message of an attach is its start");
	else
		r = attach(engine, call, io, request->start, err);
	if (request)
		cleat__v1__attach_request__free_unpacked(request, NULL);
	return r;
}
