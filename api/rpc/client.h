/* SPDX-License-Identifier: Apache-2.0 */
/* An RPC client: one connection, many calls, one thread. ipc:// is a plain socket driven by the
 * caller's poll: no thread is started and nothing initialised; tls+tcp:// is a child process that this library starts and reaps.
 * Blocking functions serve all open calls of the client while they wait. A caller with other
 * descriptors polls rpc_client_fd() itself and uses the try_ functions.
 *
 * A connection that was closed is opened again by the next call, one that was told to go away when no
 * call is open on it. A unary call that certainly never began (err.not_started) is repeated by the
 * client itself for up to retry_ms; streams report it, for their messages are the caller's.
 *
 * Errors of all functions: the STATUS of the server, or UNAVAILABLE, DEADLINE_EXCEEDED,
 * PERMISSION_DENIED, INTERNAL as the transport failed; err.not_started tells what is safe to
 * repeat. Not thread-safe. */
#pragma once

#include "rpc.h"

struct rpc_client;
struct rpc_client_call;

struct rpc_client_config {
	const char *agent;   /* name/version; NULL = "cleat/VERSION" */
	unsigned connect_ms; /* for connect and hello together; 0 = 5000 */
	unsigned retry_ms;   /* how long to repeat what never began; 0 = 5000 */
	const char *tls_ca_file, *tls_cert_file, *tls_key_file; /* PEM; for tls+tcp:// */
	const char *tls_server_name;                            /* NULL = host of the URL */
};

struct rpc_options {
	uint32_t timeout_ms;     /* 0 = none; both ends enforce it */
	const char *request_key; /* NULL = none */
	const struct rpc_meta *meta;
	size_t n_meta;
	const char *trace; /* NULL = none */
	uint32_t window;   /* bytes the server may send unasked; 0 = RPC_WINDOW */
	/* Called from rpc_client_process() and from blocking functions of other calls when this call
	 * can be received from, sent to again, or has ended. May use try_ functions and
	 * rpc_client_call_close() of any call. NULL = none. */
	void (*ready)(struct rpc_client_call *call, void *arg);
	void *arg;
};

/* Connects to ipc:///path, tcp://host:port or tls+tcp://host:port and waits for the server's HELLO.
 * Strings of `config` (NULL = defaults) are copied. Blocks up to connect_ms. */
int rpc_client_open(struct rpc_client **out, const char *url,
		    const struct rpc_client_config *config, struct err *err) must_check;
/* Closes the connection and frees; calls still open fail and must be closed before. Takes NULL,
 * returns NULL. */
struct rpc_client *rpc_client_close(struct rpc_client *client);
void rpc_client_closep(struct rpc_client **client);

/* The server's 16 bytes: differ after a restart or an upgrade. */
const uint8_t *rpc_client_instance(const struct rpc_client *client);

/* One unary call. *reply is owned (protobuf_c_message_free_unpacked). Blocks. 0 or -errno. */
int rpc_client_unary(struct rpc_client *client, const struct rpc_options *options,
		     const struct rpc_method *method, const ProtobufCMessage *req,
		     ProtobufCMessage **reply, struct err *err) must_check;

/* Starts a call of any shape. With `first` (required for unary and server streams, optional for the
 * others) the first message travels with the call's opening; unary and server streams are half-closed
 * by it. Does not wait for the server, unless the connection must be opened again. */
int rpc_client_call_open(struct rpc_client *client, const struct rpc_options *options,
			 const struct rpc_method *method, const ProtobufCMessage *first,
			 struct rpc_client_call **out, struct err *err) must_check;

/* Sends one message. Blocks while the server's window is full. 0; -EPIPE after rpc_client_call_end();
 * when the call has ended already, the error of its STATUS (-EPIPE if that was OK). */
int rpc_client_call_send(struct rpc_client_call *call, const ProtobufCMessage *msg,
			 struct err *err) must_check;
/* Whether rpc_client_call_send() would not block now. Who receives on the same call in the same thread asks
 * first: a server that waits for its replies to be taken takes no further messages. */
bool rpc_client_call_may_send(const struct rpc_client_call *call);
/* As rpc_client_call_send(), but never blocks: -EAGAIN while an earlier message waits for window; else the
 * message is taken whole and sent as the window allows. */
int rpc_client_call_try_send(struct rpc_client_call *call, const ProtobufCMessage *msg,
			     struct err *err) must_check;
/* Half-closes after what was sent. Never blocks. 0 or -errno. */
int rpc_client_call_end(struct rpc_client_call *call, struct err *err);

/* Next message of the server: 1 with *msg owned (the reply of unary and client-streaming calls comes
 * this way too); 0 when the call has ended with OK; <0 when it failed. Blocks. */
int rpc_client_call_recv(struct rpc_client_call *call, ProtobufCMessage **msg,
			 struct err *err) must_check;
/* As rpc_client_call_recv(), but never blocks: -EAGAIN when nothing has come. */
int rpc_client_call_try_recv(struct rpc_client_call *call, ProtobufCMessage **msg,
			     struct err *err) must_check;

/* Asks the server to stop; the call still ends with a STATUS (CANCELLED, usually). Never blocks. */
void rpc_client_call_cancel(struct rpc_client_call *call);
/* Cancels the call if it is still open and frees it. Never blocks. Takes NULL, returns NULL. */
struct rpc_client_call *rpc_client_call_close(struct rpc_client_call *call);
void rpc_client_call_closep(struct rpc_client_call **call);

struct rpc_client *rpc_client_call_client(const struct rpc_client_call *call);
const struct rpc_method *rpc_client_call_method(const struct rpc_client_call *call);

/* For a caller that polls: the descriptor changes when the connection is opened again; events are
 * POLLIN and POLLOUT as needed now; timeout is ms until the next deadline, -1 = none. After poll (or
 * when in doubt) call rpc_client_process(), which never blocks: 0, or -errno when the connection is
 * lost (its calls have failed; the client can still be used, see above). */
int rpc_client_fd(const struct rpc_client *client);
short rpc_client_events(const struct rpc_client *client);
int rpc_client_timeout_ms(const struct rpc_client *client);
int rpc_client_process(struct rpc_client *client, struct err *err);
