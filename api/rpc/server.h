/* SPDX-License-Identifier: Apache-2.0 */
/* An RPC server: listens on ipc:// and, for tests, tcp://, checks and queues what peers send, and
 * runs handlers on threads of its own. Unary handlers share a bounded pool; each streaming call has a
 * thread. Handlers are straight-line code and may block.
 *
 * A slow peer costs its own connection only: every buffer here is bounded by the limits in rpc.h. */
#pragma once

#include "rpc.h"

struct rpc_server;
struct rpc_call;

/* Runs one method of a service: generated, one per method, casts and calls the slot of `ops`.
 * unary: req and reply; server stream: req; client stream: reply; bidi: neither (NULL).
 * An empty slot returns rpc_call_unimplemented(). */
typedef int (*rpc_thunk)(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
			 ProtobufCMessage *reply, struct err *err);

struct rpc_server_config {
	const char *agent;      /* name/version in HELLO; NULL = "cleat/VERSION" */
	void *context;          /* what rpc_call_context() returns */
	uid_t trusted_uid;      /* whose RPC_META_IDENTITY is believed; (uid_t)-1 = nobody's */
	unsigned unary_threads; /* unary handlers at a time; 0 = 32 */
	unsigned max_streams;   /* streaming calls at a time; 0 = 4096; more: RESOURCE_EXHAUSTED */
	unsigned max_connections;     /* 0 = RPC_MAX_CONNECTIONS */
	unsigned max_connections_uid; /* 0 = RPC_MAX_CONNECTIONS_UID */
	unsigned stack_bytes;         /* of a handler's thread; 0 = 256 KiB */
	/* Decides about a call before its handler; 0 = go on, else -errno with *err set (a denial is
	 * ERR_PERMISSION). Runs in the handler's thread. NULL = everything is allowed. */
	int (*authorize)(struct rpc_call *call, const struct rpc_method *method, struct err *err);
	/* Told how a call ended whose handler has run, and how long that took. In the handler's thread; never blocks.
	 * NULL = nobody is told. */
	void (*ended)(const struct rpc_call *call, enum err_code code, int64_t took_ns);
};

/* A server with no service and no listener. `config` is copied (its strings are borrowed for the
 * server's life), NULL = defaults with trusted_uid nobody. 0 or -errno. */
int rpc_server_new(struct rpc_server **out, const struct rpc_server_config *config,
		   struct err *err) must_check;

/* Offers `service`; thunks[i] serves service->methods[i] with `ops`. All are borrowed for the
 * server's life. Before rpc_server_listen(). 0 or -ENOMEM. */
int rpc_server_add(struct rpc_server *server, const struct rpc_service *service, const void *ops,
		   const rpc_thunk *thunks) must_check;

/* Starts accepting at ipc:///path (socket file of mode 0660, any length of path) or
 * tcp://127.0.0.1:N. TLS is cleat-tls's work (api/tls). A stale socket file is replaced, a live one is -EADDRINUSE. May be called several times. */
int rpc_server_listen(struct rpc_server *server, const char *url, struct err *err) must_check;

/* The 16 random bytes that tell this server from every other one. */
const uint8_t *rpc_server_instance(const struct rpc_server *server);

/* TCP port of the last tcp:// listener (for port 0), 0 = none. */
int rpc_server_port(const struct rpc_server *server);

/* Sends GOAWAY on each connection, now and to come: calls begun go on, and rpc_call_draining() turns
 * true for them; new ones fail with UNAVAILABLE and not_started. Never blocks. */
void rpc_server_goaway(struct rpc_server *server);

/* rpc_server_goaway(), then waits until no call is left, but at most timeout_ms (-1 = for ever);
 * listeners close after listen_ms, so that peers still in the queue get their GOAWAY. Blocks.
 * 0, or -ETIMEDOUT with calls left. */
int rpc_server_drain(struct rpc_server *server, int listen_ms, int timeout_ms) must_check;

/* Closes everything, cancels all calls, waits for their handlers, frees. Blocks. Takes NULL, returns
 * NULL. */
struct rpc_server *rpc_server_free(struct rpc_server *server);
void rpc_server_freep(struct rpc_server **server);

/* ---- In a handler. One thread may receive while another sends; else a call is one thread's. ---- */

/* config.context of the server. */
void *rpc_call_context(const struct rpc_call *call);
const struct rpc_method *rpc_call_method(const struct rpc_call *call);
const struct rpc_peer *rpc_call_peer(const struct rpc_call *call);
/* Never NULL; "" = none. */
const char *rpc_call_request_key(const struct rpc_call *call);
const char *rpc_call_trace(const struct rpc_call *call);
/* Value of a metadata key (borrowed, followed by no NUL), NULL = absent. */
const void *rpc_call_meta(const struct rpc_call *call, const char *key, size_t *size_bytes);
/* CLOCK_MONOTONIC nanoseconds; 0 = no deadline. */
int64_t rpc_call_deadline_ns(const struct rpc_call *call);

/* The peer cancelled or is gone, the deadline has passed, or the server closes. Never blocks. */
bool rpc_call_cancelled(struct rpc_call *call);
/* A descriptor that is readable from the moment rpc_call_cancelled() is true; for poll. Borrowed,
 * closed with the call. -errno without descriptors. */
int rpc_call_cancel_fd(struct rpc_call *call);

/* The server is draining: calls that can move should end now with UNAVAILABLE and reason MOVED. */
bool rpc_call_draining(struct rpc_call *call);
/* As rpc_call_cancel_fd() for rpc_call_draining(). */
int rpc_call_drain_fd(struct rpc_call *call);

/* Sends one message to the client (server stream, bidi). Blocks while the client's window or the
 * connection's output is full. 0; -ECANCELED when the call is over (see rpc_call_cancelled());
 * -EMSGSIZE beyond RPC_MAX_MESSAGE. */
int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *msg, struct err *err) must_check;

/* Blocks until the system has what was sent: then the client gets it even if this process is killed. 0, or -ECANCELED
 * when the call is over. */
int rpc_call_flush(struct rpc_call *call, struct err *err) must_check;

/* Receives the client's next message (client stream, bidi). Blocks. Returns 1 with *msg owned
 * (protobuf_c_message_free_unpacked); 0 when the client has half-closed; -ECANCELED when the call is
 * over; -EBADMSG when the bytes are not of the method's
 * input type. */
int rpc_call_recv(struct rpc_call *call, ProtobufCMessage **msg, struct err *err) must_check;
/* As rpc_call_recv(), but never blocks: -EAGAIN when nothing has come. */
int rpc_call_try_recv(struct rpc_call *call, ProtobufCMessage **msg, struct err *err) must_check;
/* Readable while rpc_call_try_recv() would not return -EAGAIN. Borrowed; -errno. */
int rpc_call_recv_fd(struct rpc_call *call);

/* What thunks return for an empty slot: sets ERR_UNIMPLEMENTED naming the method. */
int rpc_call_unimplemented(struct rpc_call *call, struct err *err);
