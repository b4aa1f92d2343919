/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the server, from its OPEN to its STATUS. A unary or server-streaming call gets its
 * thread when its message is complete, so a slow sender holds no thread. What a handler sends waits in
 * the call (one message) until the connection's ring has taken it chunk by chunk; after the handler
 * has returned, the call lives on without a thread until its STATUS has been encoded.
 *
 * A call belongs to its connection's list until STATUS or the end of the connection, and to its
 * handler until that returns; the later of the two frees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "fd.h"
#include "server_impl.h"

#define MS 1000000LL
typedef Cleat__Rpc__V1__Frame Frame; /* the one alias here: the generated name fills a line */

static void raise_fd(int fd)
{
	uint64_t one = 1;

	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
}

static void call_free(struct rpc_call *call)
{
	atomic_fetch_sub(&call->conn->server->buffered, (long long)call->state.buffered);
	atomic_fetch_sub(&call->conn->server->n_calls, 1);
	list_remove(&call->link);
	list_remove(&call->sending);
	call->conn->n_calls--;
	call->conn->refs--; /* never the last: the caller has one */
	call_deinit(&call->state);
	cleat__rpc__v1__frame__free_unpacked(call->open, NULL);
	free(call->tx);
	pthread_cond_destroy(&call->changed);
	closep(&call->cancel_fd);
	closep(&call->drain_fd);
	closep(&call->recv_fd);
	free(call);
}

static void want_send(struct rpc_call *call)
{
	if (list_empty(&call->sending))
		list_append(&call->conn->sending, &call->sending);
}

static void send_status(struct conn *conn, const struct rpc_call *call, uint32_t id,
			const struct err *err, uint8_t *data, size_t size)
{
	Cleat__Rpc__V1__Status status = CLEAT__RPC__V1__STATUS__INIT;
	Frame f = CLEAT__RPC__V1__FRAME__INIT;

	status.code = (uint32_t)err->code;
	status.message = (char *)(uintptr_t)err->message;
	status.reason = (char *)(uintptr_t)err->reason;
	status.not_started = err->not_started;
	f.call = id;
	f.kind = CLEAT__RPC__V1__KIND__STATUS;
	f.status = &status;
	f.end = true;
	f.has_data = data || (call && call->tx_pending);
	f.data = (ProtobufCBinaryData){ size, data };
	conn_send(conn, &f, call);
}

static bool fits_status(const struct rpc_call *call)
{
	return call->finished && call->tx_len <= RPC_MAX_FRAME - 4096 && call->tx_off == 0 &&
	       (call->method->shape == RPC_UNARY || call->method->shape == RPC_CLIENT_STREAM);
}

static void drop_tx(struct rpc_call *call)
{
	free(call->tx);
	call->tx = NULL;
	call->tx_len = call->tx_off = 0;
	call->tx_pending = false;
	pthread_cond_broadcast(&call->changed);
}

bool serve_chunk(struct rpc_call *call)
{
	if (call->tx_pending && call->cancelled)
		drop_tx(call);
	if (call->tx_pending && !fits_status(call)) {
		size_t left = call->tx_len - call->tx_off;
		Frame f = CLEAT__RPC__V1__FRAME__INIT;
		bool whole;
		size_t n = call_chunk(&call->state, left, &whole);

		if (n == 0 && !whole)
			return false; /* until CREDIT */
		f.call = call->id;
		f.kind = CLEAT__RPC__V1__KIND__DATA;
		f.has_data = true;
		f.more = !whole;
		f.data = (ProtobufCBinaryData){ n, call->tx + call->tx_off };
		conn_send(call->conn, &f, call);
		call->state.send_window -= (int64_t)n;
		call->tx_off += n;
		if (!whole)
			return true;
		drop_tx(call);
	}
	if (!call->finished)
		return false;
	send_status(call->conn, call, call->id, &call->status, call->tx, call->tx_len);
	call_free(call);
	return false;
}

static int run_method(struct rpc_call *call, struct err *err)
{
	enum rpc_shape shape = call->method->shape;
	ProtobufCMessage *req = NULL, *reply = NULL;
	int r;

	r = call->conn->server->config.authorize
		    ? call->conn->server->config.authorize(call, call->method, err)
		    : 0;
	if (r < 0)
		return r;
	if (shape == RPC_UNARY || shape == RPC_SERVER_STREAM) {
		r = rpc_call_recv(call, &req, err);
		if (r <= 0)
			return r < 0 ? r : err_set(err, ERR_INVALID, "the request is missing");
	}
	if (shape == RPC_UNARY || shape == RPC_CLIENT_STREAM) {
		reply = calloc(1, call->method->output->sizeof_message);
		if (reply)
			protobuf_c_message_init(call->method->output, reply);
	}
	r = call->served->thunks[call->index](call, call->served->ops, req, reply, err);
	if (r == 0 && reply) {
		size_t n = protobuf_c_message_get_packed_size(reply);
		uint8_t *data = n <= RPC_MAX_MESSAGE ? malloc(n ? n : 1) : NULL;

		if (!data) {
			r = err_set(err, ERR_EXHAUSTED, "the reply is too large");
		} else {
			protobuf_c_message_pack(reply, data);
			pthread_mutex_lock(&call->conn->lock);
			call->tx = data;
			call->tx_len = n;
			call->tx_off = 0;
			call->tx_pending = true;
			pthread_mutex_unlock(&call->conn->lock);
		}
	}
	if (req)
		protobuf_c_message_free_unpacked(req, NULL);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

/* With the lock held: the call has its status; STATUS goes out when the ring gets to it. */
static void finish(struct rpc_call *call)
{
	call->finished = true;
	if (call->conn->closed)
		call_free(call);
	else
		want_send(call);
}

static void handler(struct job *job)
{
	struct rpc_call *call = container_of(job, struct rpc_call, job);
	struct conn *conn = call->conn;
	struct err err = ERR_NULL;
	int64_t begun_ns = server_now();
	int r = run_method(call, &err);

	pthread_mutex_lock(&conn->lock);
	conn->refs++;
	if (r < 0 && err.code == ERR_OK)
		(void)err_sys(&err, r, "%s", call->method->path);
	if (r >= 0)
		err = ERR_NULL;
	if (r < 0 && call->timed_out)
		(void)err_set(&err, ERR_DEADLINE, "%s: deadline exceeded", call->method->path);
	else if (r < 0 && call->cancelled && err.sys == ECANCELED)
		(void)err_set(&err, ERR_CANCELLED, "%s: cancelled", call->method->path);
	if (call->cancelled && r >= 0)
		drop_tx(call);
	if (!call->status.code)
		call->status = err;
	if (conn->server->config.ended)
		conn->server->config.ended(call, call->status.code, server_now() - begun_ns);
	finish(call);
	conn_pump(conn);
	conn_unref(conn);
}

static void end_unstarted(struct rpc_call *call)
{
	if (!call->status.code)
		(void)err_set(&call->status, call->timed_out ? ERR_DEADLINE : ERR_CANCELLED,
			      "%s: ended before its request was complete", call->method->path);
	call->status.not_started = true;
	call->started = true;
	finish(call);
}

static void maybe_start(struct rpc_call *call)
{
	enum rpc_shape shape = call->method->shape;

	if (call->started || call->cancelled)
		return;
	if ((shape == RPC_UNARY || shape == RPC_SERVER_STREAM) &&
	    list_empty(&call->state.messages) && call->state.phase == CALL_OPEN)
		return;
	call->job = (struct job){ .run = handler, .bounded = shape == RPC_UNARY };
	call->started = true;
	if (pool_run(call->conn->server->pool, &call->job) < 0) {
		call->started = false;
		(void)err_set(&call->status, ERR_EXHAUSTED, "the server has too many calls");
		end_unstarted(call);
	}
}

static void give_credit(struct rpc_call *call)
{
	long long held = atomic_load(&call->conn->server->buffered);
	Frame f = CLEAT__RPC__V1__FRAME__INIT;

	if (held > RPC_POOL / 4 * 3 && call->state.buffered > RPC_WINDOW_LEAST)
		return;
	f.credit = call_credit(&call->state);
	if (!f.credit)
		return;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__CREDIT;
	conn_send(call->conn, &f, NULL);
}

void serve_cancel(struct rpc_call *call)
{
	call->cancelled = true;
	if (call->finished) {
		if (call->conn->closed)
			call_free(call);
		else
			want_send(call);
		return;
	}
	raise_fd(call->cancel_fd);
	raise_fd(call->recv_fd);
	pthread_cond_broadcast(&call->changed);
	if (!call->started)
		end_unstarted(call);
}

void serve_drain(struct rpc_call *call)
{
	call->draining = true;
	raise_fd(call->drain_fd);
}

void serve_data(struct rpc_call *call, Frame *f)
{
	struct rpc_server *s = call->conn->server;
	size_t size = f->data.len;
	int r = 0;

	if (call->finished || call->cancelled)
		return;
	if (f->has_data || size) {
		r = call_receive(&call->state, &f->data.data, size, f->more, true);
		if (r == 0) {
			if (!f->data.data)
				f->data.len = 0;
			atomic_fetch_add(&s->buffered, (long long)size);
		}
	}
	if (r == 0 && f->end)
		r = call_step(&call->state, CALL_RECV_END);
	if (r == -EMSGSIZE || r == -ENOMEM ||
	    (atomic_load(&s->buffered) > RPC_POOL && call->state.buffered > RPC_WINDOW_LEAST)) {
		(void)err_set(&call->status, ERR_EXHAUSTED, "the message is too large");
		return serve_cancel(call);
	}
	if (r < 0) { /* beyond the window, or after the end */
		conn_goaway(call->conn);
		return conn_close(call->conn);
	}
	if (call->state.partial_open)
		give_credit(call);
	raise_fd(call->recv_fd);
	pthread_cond_broadcast(&call->changed);
	maybe_start(call);
}

static const struct served *find(const struct rpc_server *s, const char *path, size_t *index)
{
	for (size_t i = 0; i < s->n_served; i++)
		for (size_t m = 0; m < s->served[i].service->n_methods; m++)
			if (!strcmp(s->served[i].service->methods[m].path, path)) {
				*index = m;
				return &s->served[i];
			}
	return NULL;
}

static int check(struct conn *conn, const Frame *f, struct err *err)
{
	size_t bytes = 0;

	for (size_t i = 0; i < f->open->n_meta; i++)
		bytes += strlen(f->open->meta[i]->key) + f->open->meta[i]->value.len;
	if (atomic_load(&conn->server->draining))
		return err_set(err, ERR_UNAVAILABLE, "the server is going away");
	if (conn->n_calls >= RPC_MAX_CALLS)
		return err_set(err, ERR_EXHAUSTED, "too many calls on this connection");
	if (fd_scarce())
		return err_set(err, ERR_EXHAUSTED, "the server has too many open files");
	if (bytes > RPC_MAX_METADATA)
		return err_set(err, ERR_EXHAUSTED, "too much metadata");
	if (strlen(f->open->request_key) > RPC_MAX_KEY)
		return err_set(err, ERR_INVALID, "request_key: longer than %d bytes", RPC_MAX_KEY);
	return 0;
}

/* The caller's identity as forwarded by the trusted gateway. */
static void identify(struct rpc_call *call)
{
	uid_t trusted = call->conn->server->config.trusted_uid;
	const void *value;
	size_t n;

	call->peer = call->conn->peer;
	if (trusted == (uid_t)-1 || !call->peer.has_credentials || call->peer.uid != trusted)
		return;
	value = rpc_call_meta(call, RPC_META_IDENTITY, &n);
	if (value)
		(void)snprintf(call->peer.identity, sizeof(call->peer.identity), "%.*s", (int)n,
			       (const char *)value);
}

static struct rpc_call *new_call(struct conn *conn, Frame *f)
{
	struct rpc_call *call = calloc(1, sizeof(*call));
	pthread_condattr_t monotonic;

	if (!call)
		return NULL;
	call_init(&call->state, f->open->window ? f->open->window : conn->peer_window, RPC_WINDOW);
	call->conn = conn;
	call->id = f->call;
	call->open = f;
	call->cancel_fd = call->drain_fd = call->recv_fd = -1;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&call->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	list_init(&call->link);
	list_init(&call->sending);
	list_append(&conn->calls, &call->link);
	conn->n_calls++;
	conn->refs++;
	atomic_fetch_add(&conn->server->n_calls, 1);
	return call;
}

static void reject(struct conn *conn, Frame *f, struct err *err, const uint8_t *header, size_t n)
{
	struct rpc_call echo = { .header_len = n };

	memcpy(echo.header, header, n);
	err->not_started = true;
	send_status(conn, &echo, f->call, err, NULL, 0);
	cleat__rpc__v1__frame__free_unpacked(f, NULL);
}

void serve_open(struct conn *conn, Frame *f, const uint8_t *header, size_t header_len)
{
	struct err err = ERR_NULL;
	const struct served *served;
	struct rpc_call *call;
	size_t index = 0;

	if (conn->format.protocol != SP_REQ0) {
		if (f->call <= conn->last_id) {
			cleat__rpc__v1__frame__free_unpacked(f, NULL);
			conn_goaway(conn);
			return conn_close(conn);
		}
		conn->last_id = f->call;
	}
	served = find(conn->server, f->open->method, &index);
	if (check(conn, f, &err) < 0)
		return reject(conn, f, &err, header, header_len);
	if (!served || (header_len && conn->format.protocol == SP_REQ0 &&
			served->service->methods[index].shape != RPC_UNARY)) {
		(void)err_set(&err, ERR_UNIMPLEMENTED, "no method %.100s here", f->open->method);
		return reject(conn, f, &err, header, header_len);
	}
	call = new_call(conn, f);
	if (!call) {
		(void)err_set(&err, ERR_EXHAUSTED, "out of memory");
		return reject(conn, f, &err, header, header_len);
	}
	call->served = served;
	call->index = index;
	call->method = &served->service->methods[index];
	if (header_len)
		memcpy(call->header, header, header_len);
	call->header_len = header_len;
	identify(call);
	if (f->open->timeout_ms) {
		call->deadline_ns = server_now() + f->open->timeout_ms * MS;
		server_watch(conn->server, call->deadline_ns);
	}
	if (conn->format.protocol == SP_REQ0)
		f->end = f->has_data = true;
	serve_data(call, f);
}
