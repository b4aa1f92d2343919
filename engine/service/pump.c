/* SPDX-License-Identifier: Apache-2.0 */
/* Input waits in `pending` while the shim's side is full, and no further input is taken meanwhile.
 * Output is sent with the call's own flow control; a lossless stream thereby pushes back through the
 * shim's socket to the process, any other is dropped by the shim when its socket stays full. */
#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fd.h"

enum { INPUT_PART = 32 << 10, MOVE_MS = 5000, MOVE_BYTES = 1 << 20 };

struct pump *pump_new(const struct pump_ops *ops, void *ctx, struct rpc_call *call)
{
	struct pump *pump = calloc(1, sizeof(*pump));

	if (!pump)
		return NULL;
	pump->ops = ops;
	pump->ctx = ctx;
	pump->call = call;
	pump->sock = -1;
	return pump;
}

void pump_freep(struct pump **pump)
{
	if (!*pump)
		return;
	closep(&(*pump)->sock);
	buf_deinit(&(*pump)->pending);
	free(*pump);
}

/* Takes what the shim has for us. The end without `ended` means that the shim is gone. */
static int read_shim(struct pump *p, struct err *err)
{
	ssize_t n = fd_recv(p->sock, p->bytes, sizeof(p->bytes), NULL, NULL, MSG_DONTWAIT);
	Cleat__Shim__V1__StreamFrame *frame;
	int r;

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return err_reason(err, ERR_UNAVAILABLE, "SHIM_GONE",
				  "the supervisor of %s ended the stream", p->what);
	frame = cleat__shim__v1__stream_frame__unpack(NULL, (size_t)n, p->bytes);
	if (!frame)
		return err_set(err, ERR_INTERNAL, "undecodable frame from the shim");
	p->ended = frame->ended;
	r = p->ops->frame(p, frame, err);
	cleat__shim__v1__stream_frame__free_unpacked(frame, NULL);
	return r;
}

static int send_frame(struct pump *p, const Cleat__Shim__V1__StreamFrame *frame)
{
	uint8_t bytes[PUMP_FRAME_MAX];
	size_t len = cleat__shim__v1__stream_frame__pack(frame, bytes);

	return fd_send(p->sock, bytes, len, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* As much of `pending` as the shim takes now. */
static void flush_pending(struct pump *p)
{
	while (p->pending.len) {
		Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
		int r;

		frame.data.data = (uint8_t *)p->pending.data;
		frame.data.len = p->pending.len < INPUT_PART ? p->pending.len : INPUT_PART;
		r = send_frame(p, &frame);
		if (r == -EAGAIN)
			return;
		buf_consume(&p->pending, r < 0 ? p->pending.len : frame.data.len);
	}
}

/* The end of input, which holds even if the socket is closed at once: a frame, and for shims of an earlier version,
 * which do not know that, the half-close. */
static int pass_end(struct pump *p, struct err *err)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	int r;

	frame.ended = true;
	r = send_frame(p, &frame);
	if (r == -EAGAIN)
		return 0;
	(void)shutdown(p->sock, SHUT_WR);
	p->shut = true;
	/* what a shim that has let go of the stream did not get, the client's next call brings */
	return r == 0 && p->tells_end ? p->ops->input_ended(p, err) : 0;
}

/* What waits and the shim takes, then the end of input if it was asked for. */
static int flush_input(struct pump *p, struct err *err)
{
	flush_pending(p);
	return !p->pending.len && p->input_ended && !p->shut ? pass_end(p, err) : 0;
}

int pump_stdin(struct pump *p, const ProtobufCBinaryData *data, struct err *err)
{
	buf_append(&p->pending, data->data, data->len);
	return p->pending.error ? err_sys(err, p->pending.error, "input") : 0;
}

void pump_resize(struct pump *p, uint32_t rows, uint32_t columns)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;

	frame.stream = 3;
	frame.rows = rows;
	frame.columns = columns;
	(void)!send_frame(p, &frame);
}

static int read_client(struct pump *p, struct err *err)
{
	int r = p->ops->client(p, err);

	if (r == 0)
		p->input_ended = true;
	return r == -EAGAIN || r > 0 ? 0 : r;
}

/* Waits until the client has half-closed (*at_end) and the shim has all it sent, or somebody takes too long. */
static void drain_input(struct pump *p, bool *at_end)
{
	int64_t end_ns = fd_monotonic_ns() + MOVE_MS * INT64_C(1000000), left_ns;

	while ((!*at_end || p->pending.len) && (left_ns = end_ns - fd_monotonic_ns()) > 0) {
		struct pollfd fds[] = {
			{ .fd = p->pending.len ? p->sock : -1, .events = POLLOUT },
			{ .fd = p->pending.len ? -1 : rpc_call_recv_fd(p->call), .events = POLLIN },
			{ .fd = rpc_call_cancel_fd(p->call), .events = POLLIN },
		};
		struct err err = ERR_NULL;
		int r = 1;

		(void)poll(fds, ARRAY_LEN(fds), (int)(left_ns / 1000000) + 1);
		if (fds[2].revents)
			return;
		if (fds[1].revents)
			r = p->ops->client(p, &err);
		if (r < 0 && r != -EAGAIN)
			return;
		*at_end |= r == 0;
		flush_pending(p);
	}
}

/* Another engine serves now. What the client sends before it has heard of it is passed on here: it does not send it
 * again. Its half-close then is not the end of the process's input. */
static int move(struct pump *p, struct err *err)
{
	bool waits = !p->input_ended && p->moves && p->ops->moving(p, err) == 0, at_end = !waits;
	int r = p->input_ended || waits ? 0 : 1;

	/* of a client that tells no end: what has come, within reason */
	while (r > 0 && p->pending.len < MOVE_BYTES)
		r = p->ops->client(p, err);
	drain_input(p, &at_end);
	if (err)
		*err = ERR_NULL;
	return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
}

static int step(struct pump *p, struct err *err)
{
	bool wants_input = !p->pending.len && !p->input_ended;
	bool wants_room = p->pending.len || (p->input_ended && !p->shut);
	struct pollfd fds[] = {
		{ .fd = p->sock, .events = (short)(POLLIN | (wants_room ? POLLOUT : 0)) },
		{ .fd = wants_input ? rpc_call_recv_fd(p->call) : -1, .events = POLLIN },
		{ .fd = rpc_call_cancel_fd(p->call), .events = POLLIN },
		{ .fd = rpc_call_drain_fd(p->call), .events = POLLIN },
	};
	int r = 0;

	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return 0;
	if (fds[2].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		r = read_shim(p, err);
	if (r == 0 && !p->ended && fds[3].revents)
		return move(p, err);
	if (r == 0 && !p->ended && fds[1].revents)
		r = read_client(p, err);
	if (r == 0)
		r = flush_input(p, err);
	return r;
}

int pump_run(struct pump *p, struct err *err)
{
	int r = 0;

	while (r == 0 && !p->ended)
		r = step(p, err);
	return r;
}
