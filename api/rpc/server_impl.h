/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the server's files only: server.c (life cycle, sweeper), conn.c (one connection),
 * serve.c (calls and their handlers), pool.c (threads).
 *
 * Locks, in the order they are taken: server->lock, conn->lock, then one of the leaves server->watch
 * (sweeper's clock, list of dead connections) and pool->lock. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "call.h"
#include "frame.h"
#include "pool.h"
#include "server.h"
#include "wire.h"

struct served {
	const struct rpc_service *service;
	const void *ops;
	const rpc_thunk *thunks;
};

struct rpc_server {
	struct rpc_server_config config;
	struct served *served;
	size_t n_served;
	uint8_t instance[16];
	struct pool *pool;
	pthread_mutex_t lock;
	struct list conns;
	unsigned n_conns;
	struct wire_listener **listeners;
	size_t n_listeners;
	int port;
	atomic_bool draining, closing;
	atomic_int n_calls, live; /* calls not finished; connections not freed */
	atomic_llong buffered;    /* bytes received and not consumed, all connections */
	pthread_mutex_t watch;
	pthread_cond_t watch_cond;
	int64_t due_ns;   /* when the sweeper looks next */
	struct list dead; /* connections without references */
	bool stop;
	pthread_t sweeper;
	bool sweeping;
};

struct conn {
	struct list link; /* in server->conns, or server->dead */
	struct rpc_server *server;
	struct wire *wire;
	pthread_mutex_t lock;
	unsigned refs; /* the list, each call, each pending operation */
	bool closed, greeted, writing, reading, paused, goaway_sent;
	struct frame_format format;
	struct rpc_peer peer;
	uint8_t nonce[8];
	uint32_t last_id;
	struct buf in;
	struct buf out, flight; /* encoded; being written */
	size_t flight_off;
	uint64_t written;  /* bytes so far */
	unsigned flushing; /* calls in rpc_call_flush() */
	struct list calls;
	unsigned n_calls;
	struct list sending; /* calls with something to send, served in turn */
	int64_t born_ns, begun_ns, progress_ns, heard_ns; /* 0 = not waiting for that */
	int unanswered;
	uint32_t peer_window;
	uint64_t pings;
};

struct rpc_call {
	struct call state;
	struct list link;    /* in conn->calls; detached when the id is dead */
	struct list sending; /* in conn->sending */
	struct conn *conn;
	uint32_t id;
	const struct served *served;
	const struct rpc_method *method;
	size_t index;
	Cleat__Rpc__V1__Frame *open; /* owns method name, key, metadata */
	struct rpc_peer peer;
	uint8_t header[FRAME_HEADER_MAX]; /* of a REQ0 request */
	size_t header_len;
	int64_t deadline_ns;
	bool cancelled, draining, timed_out, finished; /* finished: the handler has returned */
	bool started;                                  /* the peer's frame led to a handler */
	uint8_t *tx;                                   /* owned message being sent, in chunks */
	size_t tx_len, tx_off;
	bool tx_pending;
	struct err status;
	pthread_cond_t changed;
	int cancel_fd, drain_fd, recv_fd;
	struct job job;
};

int64_t server_now(void);
/* The sweeper looks at `ns` at the latest. Takes server->watch. */
void server_watch(struct rpc_server *server, int64_t ns);

/* Accepts `wire` (owned). */
void conn_accept(void *server, struct wire *wire);
/* With conn->lock held: */
void conn_pump(struct conn *conn);
void conn_close(struct conn *conn);
void conn_goaway(struct conn *conn);
void conn_sweep(struct conn *conn, int64_t now, int64_t *due);
void conn_frame(struct conn *conn, Cleat__Rpc__V1__Frame *frame);
void conn_send(struct conn *conn, Cleat__Rpc__V1__Frame *frame, const struct rpc_call *call);
void conn_unref(struct conn *conn); /* conn->lock is released by it */
void conn_free(struct conn *conn);  /* no lock held; blocks for callbacks */

/* With conn->lock held: a new call; consumes frame. */
void serve_open(struct conn *conn, Cleat__Rpc__V1__Frame *frame, const uint8_t *header,
		size_t header_len);
void serve_data(struct rpc_call *call, Cleat__Rpc__V1__Frame *frame);
void serve_cancel(struct rpc_call *call);
void serve_drain(struct rpc_call *call);
/* Sends what the call has, one chunk. true = more is left that can go now. */
bool serve_chunk(struct rpc_call *call);
