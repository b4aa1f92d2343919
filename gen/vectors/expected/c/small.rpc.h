/* generated, do not edit: from small.proto */
#pragma once

#include "small.pb-c.h"
#include "client.h"
#include "rpc.h"
#include "server.h"

extern const struct rpc_service cleat_test_v1_another;


/* Handlers return 0 or -errno with *err set; NULL is UNIMPLEMENTED. */
struct cleat_test_v1_another_ops {
	int (*nothing)(struct rpc_call *call, const Cleat__Test__V1__None *req, Cleat__Test__V1__None *reply, struct err *err);
};

/* Serves the service with `ops`, which must outlive the server. */
int cleat_test_v1_another_register(struct rpc_server *server, const struct cleat_test_v1_another_ops *ops);

/* Nothing */
/* Client: 0 and an owned reply, or -errno with the server's status in *err. Blocks. */
int cleat_test_v1_another_nothing(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__None *req,
	Cleat__Test__V1__None **reply, struct err *err);

/* Echoes. */
extern const struct rpc_service cleat_test_v1_echo;

struct cleat_test_v1_echo_count_up_stream;
struct cleat_test_v1_echo_count_up_client;
struct cleat_test_v1_echo_sum_stream;
struct cleat_test_v1_echo_sum_client;
struct cleat_test_v1_echo_import_stream;
struct cleat_test_v1_echo_import_client;

/* Handlers return 0 or -errno with *err set; NULL is UNIMPLEMENTED. */
struct cleat_test_v1_echo_ops {
	/* Returns what it got. */
	int (*once)(struct rpc_call *call, const Cleat__Test__V1__Text *req, Cleat__Test__V1__Text *reply, struct err *err);
	/* Fails with the code `value`. */
	int (*fail)(struct rpc_call *call, const Cleat__Test__V1__Number *req, Cleat__Test__V1__None *reply, struct err *err);
	/* Counts up to `value`. */
	int (*count_up)(struct rpc_call *call, const Cleat__Test__V1__Number *req, struct cleat_test_v1_echo_count_up_stream *out, struct err *err);
	/* Adds up. */
	int (*sum)(struct rpc_call *call, struct cleat_test_v1_echo_sum_stream *in, Cleat__Test__V1__Number *reply, struct err *err);
	/* Sends each message back. */
	int (*import)(struct rpc_call *call, struct cleat_test_v1_echo_import_stream *io, struct err *err);
};

/* Serves the service with `ops`, which must outlive the server. */
int cleat_test_v1_echo_register(struct rpc_server *server, const struct cleat_test_v1_echo_ops *ops);

/* Once */
/* Client: 0 and an owned reply, or -errno with the server's status in *err. Blocks. */
int cleat_test_v1_echo_once(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Text *req,
	Cleat__Test__V1__Text **reply, struct err *err);

/* Fail */
/* Client: 0 and an owned reply, or -errno with the server's status in *err. Blocks. */
int cleat_test_v1_echo_fail(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Number *req,
	Cleat__Test__V1__None **reply, struct err *err);

/* CountUp */
/* Server: sends one message; blocks while the client's window is full. */
int cleat_test_v1_echo_count_up_send(struct cleat_test_v1_echo_count_up_stream *stream, const Cleat__Test__V1__Number *msg, struct err *err);
/* Client: begins the call; *out is ended with _client_close(). */
int cleat_test_v1_echo_count_up_open(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Number *req,
	struct cleat_test_v1_echo_count_up_client **out, struct err *err);
/* Client: 1 and an owned message, 0 when the call ended with OK, or -errno and its status. */
int cleat_test_v1_echo_count_up_client_recv(struct cleat_test_v1_echo_count_up_client *call, Cleat__Test__V1__Number **msg, struct err *err);
/* Client: as _client_recv(), but never blocks: -EAGAIN when nothing has come. */
int cleat_test_v1_echo_count_up_client_try_recv(struct cleat_test_v1_echo_count_up_client *call, Cleat__Test__V1__Number **msg, struct err *err);
/* Client: cancels what has not ended, and frees. Accepts NULL. */
void cleat_test_v1_echo_count_up_client_close(struct cleat_test_v1_echo_count_up_client *call);

/* Sum */
/* Server: 1 and an owned message, 0 when the client has ended, or -errno. */
int cleat_test_v1_echo_sum_recv(struct cleat_test_v1_echo_sum_stream *stream, Cleat__Test__V1__Number **msg, struct err *err);
/* Server: as _recv(), but never blocks: -EAGAIN when nothing has come. */
int cleat_test_v1_echo_sum_try_recv(struct cleat_test_v1_echo_sum_stream *stream, Cleat__Test__V1__Number **msg, struct err *err);
/* Client: begins the call; *out is ended with _client_close(). */
int cleat_test_v1_echo_sum_open(struct rpc_client *client, const struct rpc_options *options,
	struct cleat_test_v1_echo_sum_client **out, struct err *err);
/* Client: sends one message; blocks while the server's window is full. */
int cleat_test_v1_echo_sum_client_send(struct cleat_test_v1_echo_sum_client *call, const Cleat__Test__V1__Number *msg, struct err *err);
/* Client: as _client_send(), but never blocks: -EAGAIN while an earlier one waits. */
int cleat_test_v1_echo_sum_client_try_send(struct cleat_test_v1_echo_sum_client *call, const Cleat__Test__V1__Number *msg, struct err *err);
/* Client: nothing more will be sent. */
int cleat_test_v1_echo_sum_client_end(struct cleat_test_v1_echo_sum_client *call, struct err *err);
/* Client: 1 and an owned message, 0 when the call ended with OK, or -errno and its status. */
int cleat_test_v1_echo_sum_client_recv(struct cleat_test_v1_echo_sum_client *call, Cleat__Test__V1__Number **msg, struct err *err);
/* Client: as _client_recv(), but never blocks: -EAGAIN when nothing has come. */
int cleat_test_v1_echo_sum_client_try_recv(struct cleat_test_v1_echo_sum_client *call, Cleat__Test__V1__Number **msg, struct err *err);
/* Client: cancels what has not ended, and frees. Accepts NULL. */
void cleat_test_v1_echo_sum_client_close(struct cleat_test_v1_echo_sum_client *call);

/* Import */
/* Server: sends one message; blocks while the client's window is full. */
int cleat_test_v1_echo_import_send(struct cleat_test_v1_echo_import_stream *stream, const Cleat__Test__V1__Text *msg, struct err *err);
/* Server: 1 and an owned message, 0 when the client has ended, or -errno. */
int cleat_test_v1_echo_import_recv(struct cleat_test_v1_echo_import_stream *stream, Cleat__Test__V1__Text **msg, struct err *err);
/* Server: as _recv(), but never blocks: -EAGAIN when nothing has come. */
int cleat_test_v1_echo_import_try_recv(struct cleat_test_v1_echo_import_stream *stream, Cleat__Test__V1__Text **msg, struct err *err);
/* Client: begins the call; *out is ended with _client_close(). */
int cleat_test_v1_echo_import_open(struct rpc_client *client, const struct rpc_options *options,
	struct cleat_test_v1_echo_import_client **out, struct err *err);
/* Client: sends one message; blocks while the server's window is full. */
int cleat_test_v1_echo_import_client_send(struct cleat_test_v1_echo_import_client *call, const Cleat__Test__V1__Text *msg, struct err *err);
/* Client: as _client_send(), but never blocks: -EAGAIN while an earlier one waits. */
int cleat_test_v1_echo_import_client_try_send(struct cleat_test_v1_echo_import_client *call, const Cleat__Test__V1__Text *msg, struct err *err);
/* Client: nothing more will be sent. */
int cleat_test_v1_echo_import_client_end(struct cleat_test_v1_echo_import_client *call, struct err *err);
/* Client: 1 and an owned message, 0 when the call ended with OK, or -errno and its status. */
int cleat_test_v1_echo_import_client_recv(struct cleat_test_v1_echo_import_client *call, Cleat__Test__V1__Text **msg, struct err *err);
/* Client: as _client_recv(), but never blocks: -EAGAIN when nothing has come. */
int cleat_test_v1_echo_import_client_try_recv(struct cleat_test_v1_echo_import_client *call, Cleat__Test__V1__Text **msg, struct err *err);
/* Client: cancels what has not ended, and frees. Accepts NULL. */
void cleat_test_v1_echo_import_client_close(struct cleat_test_v1_echo_import_client *call);
