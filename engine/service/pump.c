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

enum { INPUT_PART = 32 << 10 };

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
/* A shim that closes while input of ours is not read yet resets the connection: that is told once, before the
 * frames it had sent, the last one among them. */
static ssize_t recv_frame(struct pump *p)
{
	size_t n_fds = 0;
	ssize_t n = fd_recv(p->sock, p->bytes, sizeof(p->bytes), NULL, &n_fds, MSG_DONTWAIT);

	return n == -ECONNRESET
		       ? fd_recv(p->sock, p->bytes, sizeof(p->bytes), NULL, &n_fds, MSG_DONTWAIT)
		       : n;
}

static int read_shim(struct pump *p, struct err *err)
{
	ssize_t n = recv_frame(p);
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

/* As much of `pending` as the shim takes now, then the end of input if it was asked for. */
static void flush_input(struct pump *p)
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
	if (p->input_ended && !p->shut) {
		(void)shutdown(p->sock, SHUT_WR);
		p->shut = true;
	}
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

/* Another engine serves now. What the client has sent by then is passed on here: it does not send it again. */
static int move(struct pump *p, struct err *err)
{
	int r = 1;

	while (r > 0 && !p->input_ended)
		r = p->ops->client(p, err);
	flush_input(p);
	if (err)
		*err = ERR_NULL;
	return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
}

static int step(struct pump *p, struct err *err)
{
	bool wants_input = !p->pending.len && !p->input_ended;
	struct pollfd fds[] = {
		{ .fd = p->sock, .events = (short)(POLLIN | (p->pending.len ? POLLOUT : 0)) },
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
		flush_input(p);
	return r;
}

int pump_run(struct pump *p, struct err *err)
{
	int r = 0;

	while (r == 0 && !p->ended)
		r = step(p, err);
	return r;
}
