/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the server. Completions of nng drive it under its lock: bytes are collected in
 * `in`, whole frames are taken from it and given to calls; encoded output waits in `out` while
 * `flight` is being written. Calls with something to send stand in a ring and put one chunk at a time
 * into `out`, as long as less than RPC_MAX_OUTPUT waits there; while it is full nothing more is read,
 * so a peer that sends and never reads stops itself.
 *
 * References: one for the server's list, one a pending operation, one a call. The last one puts the
 * connection on the sweeper's list, which may block for nng's callbacks where they may not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server_impl.h"

#define MS 1000000LL
enum { IN_LEAST = 2048, IN_MOST = 256 << 10 };

static void start_read(struct conn *conn)
{
	size_t room = conn->in.cap - conn->in.len;

	if (conn->closed || conn->reading)
		return;
	conn->paused = conn->out.len + conn->flight.len - conn->flight_off >= RPC_MAX_OUTPUT;
	if (conn->paused)
		return;
	if (room < IN_LEAST / 2) { /* doubles with what was received */
		if (buf_reserve(&conn->in, conn->in.len ? conn->in.len : IN_LEAST) < 0)
			return conn_close(conn);
		room = conn->in.cap - conn->in.len;
	}
	conn->reading = true;
	conn->refs++;
	wire_read(conn->wire, conn->in.data + conn->in.len, room - 1);
}

static void start_write(struct conn *conn)
{
	if (conn->closed || conn->writing)
		return;
	if (conn->flight_off == conn->flight.len) {
		struct buf empty = conn->flight;

		if (conn->out.len == 0)
			return;
		empty.len = 0;
		if (empty.cap > RPC_CHUNK / 4)
			buf_deinit(&empty);
		conn->flight = conn->out;
		conn->out = empty;
		conn->flight_off = 0;
	}
	conn->writing = true;
	conn->refs++;
	conn->progress_ns = server_now();
	server_watch(conn->server, conn->progress_ns + RPC_WRITE_MS * MS);
	wire_write(conn->wire, conn->flight.data + conn->flight_off,
		   conn->flight.len - conn->flight_off);
}

void conn_send(struct conn *conn, Cleat__Rpc__V1__Frame *frame, const struct rpc_call *call)
{
	if (conn->closed)
		return;
	frame_append(&conn->format, &conn->out, frame, call ? call->header : NULL,
		     call ? call->header_len : 0);
	if (conn->out.error) /* the pending read fails and ends the connection */
		wire_close(conn->wire);
}

void conn_pump(struct conn *conn)
{
	struct rpc_call *call;

	while (!conn->closed && conn->out.len < RPC_MAX_OUTPUT &&
	       (call = list_first(&conn->sending, struct rpc_call, sending))) {
		list_remove(&call->sending);
		if (serve_chunk(call))
			list_append(&conn->sending, &call->sending);
	}
	start_write(conn);
}

void conn_close(struct conn *conn)
{
	struct rpc_call *call, *tmp;

	if (conn->closed)
		return;
	conn->closed = true;
	wire_close(conn->wire);
	list_each_safe (call, tmp, &conn->calls, link)
		serve_cancel(call);
	server_watch(conn->server, 0);
}

void conn_goaway(struct conn *conn)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;
	struct rpc_call *call, *tmp;

	if (conn->goaway_sent || !conn->born_ns)
		return;
	list_each_safe (call, tmp, &conn->calls, link)
		serve_drain(call);
	if (conn->format.protocol == 0 || conn->format.protocol == SP_REQ0)
		return;
	conn->goaway_sent = true;
	f.kind = CLEAT__RPC__V1__KIND__GOAWAY;
	f.token = conn->last_id;
	conn_send(conn, &f, NULL);
	conn_pump(conn);
}

/* Tells the peer and closes once that is written; the sweeper ends a peer that does not read. */
static void refuse(struct conn *conn)
{
	conn->goaway_sent = false;
	conn_goaway(conn);
	conn_close(conn);
}

static void send_hello(struct conn *conn)
{
	Cleat__Rpc__V1__Hello hello = CLEAT__RPC__V1__HELLO__INIT;
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;
	struct rpc_server *s = conn->server;

	hello.version_min = hello.version_max = 1;
	hello.agent =
		(char *)(uintptr_t)(s->config.agent ? s->config.agent : "cleat/" CLEAT_VERSION);
	hello.instance = (ProtobufCBinaryData){ sizeof(s->instance), s->instance };
	hello.nonce = (ProtobufCBinaryData){ sizeof(conn->nonce), conn->nonce };
	hello.max_frame = RPC_MAX_FRAME;
	hello.window = RPC_WINDOW;
	hello.max_calls = RPC_MAX_CALLS;
	hello.ping_ms = wire_is_ipc(conn->wire) ? 0 : RPC_PING_MS;
	f.kind = CLEAT__RPC__V1__KIND__HELLO;
	f.hello = &hello;
	conn_send(conn, &f, NULL);
}

static int take_hello(struct conn *conn)
{
	uint8_t answer[FRAME_HELLO_BYTES];
	int protocol = frame_parse_hello((const uint8_t *)conn->in.data);

	if (protocol != SP_PAIR0 && protocol != SP_PAIR1 && protocol != SP_REQ0)
		return -EPROTO;
	buf_consume(&conn->in, FRAME_HELLO_BYTES);
	conn->format.protocol = (unsigned)protocol;
	frame_hello(answer, protocol == SP_REQ0 ? SP_REP0 : (unsigned)protocol);
	buf_append(&conn->out, answer, sizeof(answer));
	if (protocol == SP_REQ0)
		conn->greeted = true;
	else
		send_hello(conn);
	if (atomic_load(&conn->server->draining))
		conn_goaway(conn);
	return 0;
}

static void take_message(struct conn *conn, const uint8_t *body, size_t len, const uint8_t *header,
			 size_t header_len)
{
	Cleat__Rpc__V1__Frame *f = cleat__rpc__v1__frame__unpack(NULL, len, body);

	if (!f)
		return refuse(conn);
	if (!conn->greeted) {
		bool ok = f->kind == CLEAT__RPC__V1__KIND__HELLO && f->hello &&
			  f->hello->nonce.len == sizeof(conn->nonce) &&
			  memcmp(f->hello->nonce.data, conn->nonce, sizeof(conn->nonce)) == 0;

		conn->greeted = ok;
		if (ok && f->hello->window)
			conn->peer_window = f->hello->window;
		cleat__rpc__v1__frame__free_unpacked(f, NULL);
		return ok ? (void)0 : refuse(conn);
	}
	if (conn->format.protocol == SP_REQ0 && f->kind != CLEAT__RPC__V1__KIND__OPEN)
		cleat__rpc__v1__frame__free_unpacked(f, NULL);
	else if (f->kind == CLEAT__RPC__V1__KIND__OPEN && f->open)
		serve_open(conn, f, header, header_len);
	else {
		conn_frame(conn, f);
		cleat__rpc__v1__frame__free_unpacked(f, NULL);
	}
}

static void consume(struct conn *conn)
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t off = 0, len, header_len;
	const uint8_t *body;
	int64_t n;

	if (!conn->format.protocol) {
		if (conn->in.len < FRAME_HELLO_BYTES)
			return;
		if (take_hello(conn) < 0)
			return conn_close(conn);
	}
	while (!conn->closed &&
	       (n = frame_parse(&conn->format, (uint8_t *)conn->in.data + off, conn->in.len - off,
				RPC_MAX_FRAME, &body, &len, header, &header_len)) != 0) {
		if (n < 0)
			return refuse(conn);
		take_message(conn, body, len, header, header_len);
		off += (size_t)n;
	}
	if (off)
		buf_consume(&conn->in, off);
	if (conn->in.len == 0 && conn->in.cap > RPC_CHUNK && conn->n_calls == 0)
		buf_deinit(&conn->in);
	if (conn->in.len == 0)
		conn->begun_ns = 0;
	else if (off || !conn->begun_ns)
		conn->begun_ns = server_now();
	if (conn->begun_ns)
		server_watch(conn->server, conn->begun_ns + RPC_MESSAGE_MS * MS);
}

static void read_done(void *arg, ssize_t result)
{
	struct conn *conn = arg;

	pthread_mutex_lock(&conn->lock);
	conn->reading = false;
	if (result <= 0) {
		conn_close(conn);
	} else if (!conn->closed) {
		conn->in.len += (size_t)result;
		conn->heard_ns = server_now();
		conn->unanswered = 0;
		consume(conn);
		conn_pump(conn);
		start_read(conn);
	}
	conn_unref(conn);
}

static void tell_flushing(struct conn *conn)
{
	struct rpc_call *call;

	list_each (call, &conn->calls, link)
		pthread_cond_broadcast(&call->changed);
}

static void write_done(void *arg, ssize_t result)
{
	struct conn *conn = arg;

	pthread_mutex_lock(&conn->lock);
	conn->writing = false;
	conn->progress_ns = 0;
	if (result <= 0) {
		conn_close(conn);
	} else {
		conn->flight_off += (size_t)result;
		conn->written += (uint64_t)result;
		if (conn->flushing)
			tell_flushing(conn);
		conn_pump(conn);
		if (conn->paused)
			start_read(conn);
	}
	conn_unref(conn);
}

static unsigned same_uid(const struct rpc_server *s, uid_t uid)
{
	const struct conn *c;
	unsigned n = 0;

	list_each (c, &s->conns, link)
		n += c->peer.has_credentials && c->peer.uid == uid;
	return n;
}

static bool admit(struct rpc_server *s, const struct rpc_peer *peer)
{
	if (atomic_load(&s->closing) || s->n_conns >= s->config.max_connections)
		return false;
	if (!peer->has_credentials || peer->uid == 0 || peer->uid == geteuid())
		return true;
	return same_uid(s, peer->uid) < s->config.max_connections_uid;
}

void conn_accept(void *arg, struct wire *wire)
{
	static const struct wire_events events = { read_done, write_done };
	struct rpc_server *s = arg;
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		wire_free(wire);
		return;
	}
	atomic_fetch_add(&s->live, 1);
	*conn = (struct conn){ .server = s, .wire = wire, .refs = 1, .peer_window = RPC_WINDOW };
	conn->format.ipc = wire_is_ipc(wire);
	conn->born_ns = conn->heard_ns = server_now();
	conn->in.max = RPC_MAX_FRAME * 2 + IN_MOST;
	pthread_mutex_init(&conn->lock, NULL);
	list_init(&conn->link);
	list_init(&conn->calls);
	list_init(&conn->sending);
	wire_peer(wire, &conn->peer);
	wire_bind(wire, &events, conn);
	if (getrandom(conn->nonce, sizeof(conn->nonce), 0) != sizeof(conn->nonce))
		return conn_free(conn);
	pthread_mutex_lock(&s->lock);
	if (!admit(s, &conn->peer)) {
		pthread_mutex_unlock(&s->lock);
		return conn_free(conn);
	}
	list_append(&s->conns, &conn->link);
	s->n_conns++;
	pthread_mutex_lock(&conn->lock);
	pthread_mutex_unlock(&s->lock);
	server_watch(s, conn->born_ns + RPC_HELLO_MS * MS);
	start_read(conn);
	pthread_mutex_unlock(&conn->lock);
}

void conn_unref(struct conn *conn)
{
	struct rpc_server *s = conn->server;
	bool last = --conn->refs == 0;

	pthread_mutex_unlock(&conn->lock);
	if (!last)
		return;
	pthread_mutex_lock(&s->watch);
	list_append(&s->dead, &conn->link);
	pthread_cond_broadcast(&s->watch_cond);
	pthread_mutex_unlock(&s->watch);
}

void conn_free(struct conn *conn)
{
	struct rpc_server *s = conn->server;

	wire_free(conn->wire);
	buf_deinit(&conn->in);
	buf_deinit(&conn->out);
	buf_deinit(&conn->flight);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
	atomic_fetch_sub(&s->live, 1);
}
