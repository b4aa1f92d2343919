/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers call, in their own threads; frames that concern calls; and what the sweeper looks for
 * in a connection. All state is under the connection's lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "server_impl.h"

#define MS 1000000LL

static struct rpc_call *find_call(struct conn *conn, uint32_t id)
{
	struct rpc_call *call;

	list_each (call, &conn->calls, link)
		if (call->id == id)
			return call;
	return NULL;
}

void conn_frame(struct conn *conn, Cleat__Rpc__V1__Frame *f)
{
	struct rpc_call *call = f->call ? find_call(conn, f->call) : NULL;
	Cleat__Rpc__V1__Frame pong = CLEAT__RPC__V1__FRAME__INIT;

	switch (f->kind) {
	case CLEAT__RPC__V1__KIND__PING:
		pong.kind = CLEAT__RPC__V1__KIND__PONG;
		pong.token = f->token;
		conn_send(conn, &pong, NULL);
		break;
	case CLEAT__RPC__V1__KIND__DATA:
		if (call)
			serve_data(call, f);
		break;
	case CLEAT__RPC__V1__KIND__CREDIT:
		if (!call)
			break;
		call->state.send_window += f->credit;
		if ((call->tx_pending || call->finished) && list_empty(&call->sending))
			list_append(&conn->sending, &call->sending);
		break;
	case CLEAT__RPC__V1__KIND__CANCEL:
		if (call)
			serve_cancel(call);
		break;
	default:
		break;
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void ping(struct conn *conn, int64_t now, int64_t *due)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;
	int64_t next = conn->heard_ns + (conn->unanswered + 1) * RPC_PING_MS * MS;

	if (now >= next) {
		if (++conn->unanswered > 2)
			return conn_close(conn);
		f.kind = CLEAT__RPC__V1__KIND__PING;
		f.token = ++conn->pings;
		conn_send(conn, &f, NULL);
		conn_pump(conn);
		next = now + RPC_PING_MS * MS;
	}
	*due = earlier(*due, next);
}

void conn_sweep(struct conn *conn, int64_t now, int64_t *due)
{
	const struct {
		int64_t since, allowed_ms;
	} limits[] = {
		{ conn->greeted ? 0 : conn->born_ns, RPC_HELLO_MS },
		{ conn->begun_ns, RPC_MESSAGE_MS },
		{ conn->writing ? conn->progress_ns : 0, RPC_WRITE_MS },
	};
	struct rpc_call *call, *tmp;

	if (conn->closed)
		return;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int64_t end = limits[i].since + limits[i].allowed_ms * MS;

		if (!limits[i].since)
			continue;
		if (now >= end)
			return conn_close(conn);
		*due = earlier(*due, end);
	}
	list_each_safe (call, tmp, &conn->calls, link) {
		if (!call->deadline_ns || call->timed_out)
			continue;
		if (now < call->deadline_ns) {
			*due = earlier(*due, call->deadline_ns);
			continue;
		}
		call->timed_out = true;
		serve_cancel(call);
	}
	conn_pump(conn);
	if (conn->greeted && !wire_is_ipc(conn->wire) && conn->format.protocol != SP_REQ0)
		ping(conn, now, due);
}

void *rpc_call_context(const struct rpc_call *call)
{
	return call->conn->server->config.context;
}

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
	return call->method;
}

const struct rpc_peer *rpc_call_peer(const struct rpc_call *call)
{
	return &call->peer;
}

const char *rpc_call_request_key(const struct rpc_call *call)
{
	return call->open->open->request_key;
}

const char *rpc_call_trace(const struct rpc_call *call)
{
	return call->open->open->trace;
}

const void *rpc_call_meta(const struct rpc_call *call, const char *key, size_t *size_bytes)
{
	const Cleat__Rpc__V1__Open *open = call->open->open;

	for (size_t i = 0; i < open->n_meta; i++)
		if (!strcmp(open->meta[i]->key, key)) {
			*size_bytes = open->meta[i]->value.len;
			return open->meta[i]->value.data ? (const void *)open->meta[i]->value.data
							 : "";
		}
	return NULL;
}

int64_t rpc_call_deadline_ns(const struct rpc_call *call)
{
	return call->deadline_ns;
}

static bool read_flag(struct rpc_call *call, const bool *flag)
{
	bool value;

	pthread_mutex_lock(&call->conn->lock);
	value = *flag;
	pthread_mutex_unlock(&call->conn->lock);
	return value;
}

bool rpc_call_cancelled(struct rpc_call *call)
{
	return read_flag(call, &call->cancelled);
}

bool rpc_call_draining(struct rpc_call *call)
{
	return read_flag(call, &call->draining);
}

/* Something for rpc_call_try_recv() to report. */
static bool receivable(const struct rpc_call *call)
{
	return call->cancelled || !list_empty(&call->state.messages) ||
	       call->state.phase == CALL_HALF_REMOTE;
}

/* The descriptor in *slot, made on first use, readable if `now` holds already. */
static int event_fd(struct rpc_call *call, int *slot, bool (*now)(const struct rpc_call *))
{
	int fd;

	pthread_mutex_lock(&call->conn->lock);
	if (*slot < 0) {
		*slot = eventfd(now(call) ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
		fd = *slot < 0 ? -errno : *slot;
	} else {
		fd = *slot;
	}
	pthread_mutex_unlock(&call->conn->lock);
	return fd;
}

static bool is_cancelled(const struct rpc_call *call)
{
	return call->cancelled;
}

static bool is_draining(const struct rpc_call *call)
{
	return call->draining;
}

int rpc_call_cancel_fd(struct rpc_call *call)
{
	return event_fd(call, &call->cancel_fd, is_cancelled);
}

int rpc_call_drain_fd(struct rpc_call *call)
{
	return event_fd(call, &call->drain_fd, is_draining);
}

int rpc_call_recv_fd(struct rpc_call *call)
{
	return event_fd(call, &call->recv_fd, receivable);
}

static int over(struct rpc_call *call, struct err *err)
{
	(void)err_set(err, call->timed_out ? ERR_DEADLINE : ERR_CANCELLED, "%s: the call is over",
		      call->method->path);
	if (err)
		err->sys = ECANCELED;
	return -ECANCELED;
}

int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *msg, struct err *err)
{
	size_t n = protobuf_c_message_get_packed_size(msg);
	struct conn *conn = call->conn;
	cleanup_free uint8_t *data = NULL;
	int r = 0;

	if (n > RPC_MAX_MESSAGE)
		return err_set(err, ERR_EXHAUSTED, "a message is too large"), -EMSGSIZE;
	data = malloc(n ? n : 1);
	if (!data)
		return err_sys(err, ENOMEM, "send a message");
	protobuf_c_message_pack(msg, data);
	pthread_mutex_lock(&conn->lock);
	while (call->tx_pending && !call->cancelled)
		pthread_cond_wait(&call->changed, &conn->lock);
	if (call->cancelled) {
		r = over(call, err);
	} else {
		call->tx = steal(&data);
		call->tx_len = n;
		call->tx_off = 0;
		call->tx_pending = true;
		if (list_empty(&call->sending))
			list_append(&conn->sending, &call->sending);
		conn_pump(conn);
	}
	pthread_mutex_unlock(&conn->lock);
	return r;
}

int rpc_call_flush(struct rpc_call *call, struct err *err)
{
	struct conn *conn = call->conn;
	uint64_t end;
	int r;

	pthread_mutex_lock(&conn->lock);
	while (call->tx_pending && !call->cancelled)
		pthread_cond_wait(&call->changed, &conn->lock);
	end = conn->written + conn->flight.len - conn->flight_off + conn->out.len;
	conn->flushing++;
	while (conn->written < end && !call->cancelled)
		pthread_cond_wait(&call->changed, &conn->lock);
	conn->flushing--;
	r = call->cancelled ? over(call, err) : 0;
	pthread_mutex_unlock(&conn->lock);
	return r;
}

/* With the lock held: credit for what was taken. */
static void grant(struct rpc_call *call)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;

	if (atomic_load(&call->conn->server->buffered) > RPC_POOL / 4 * 3 &&
	    call->state.buffered > RPC_WINDOW_LEAST)
		return;
	f.credit = call->state.phase == CALL_OPEN ? call_credit(&call->state) : 0;
	if (!f.credit)
		return;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__CREDIT;
	conn_send(call->conn, &f, NULL);
	conn_pump(call->conn);
}

static int receive(struct rpc_call *call, bool wait, ProtobufCMessage **msg, struct err *err)
{
	struct conn *conn = call->conn;
	struct call_message *m = NULL;
	uint64_t count;
	int r;

	pthread_mutex_lock(&conn->lock);
	while (wait && !receivable(call))
		pthread_cond_wait(&call->changed, &conn->lock);
	if (call->cancelled) {
		r = over(call, err);
	} else if (list_empty(&call->state.messages)) {
		r = call->state.phase == CALL_HALF_REMOTE ? 0 : -EAGAIN;
	} else {
		m = call_take(&call->state);
		atomic_fetch_sub(&conn->server->buffered, (long long)m->size);
		grant(call);
		r = 1;
	}
	if (call->recv_fd >= 0 && !receivable(call))
		(void)!read(call->recv_fd, &count, sizeof(count));
	pthread_mutex_unlock(&conn->lock);
	if (!m)
		return r;
	*msg = protobuf_c_message_unpack(call->method->input, NULL, m->size, m->data);
	call_message_free(m);
	if (!*msg)
		return err_set(err, ERR_INVALID, "%s: not a %s", call->method->path,
			       call->method->input->name),
		       -EBADMSG;
	return 1;
}

int rpc_call_recv(struct rpc_call *call, ProtobufCMessage **msg, struct err *err)
{
	return receive(call, true, msg, err);
}

int rpc_call_try_recv(struct rpc_call *call, ProtobufCMessage **msg, struct err *err)
{
	return receive(call, false, msg, err);
}

int rpc_call_unimplemented(struct rpc_call *call, struct err *err)
{
	return err_set(err, ERR_UNIMPLEMENTED, "%s is not implemented", call->method->path);
}
