/* SPDX-License-Identifier: Apache-2.0 */
/* What a call costs: rpc_bench measures latency, rate and stream throughput of client and server in
 * one process over ipc, as one line of text each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleat/rpc/v1/rpc.pb-c.h"
#include "client.h"
#include "fd.h"
#include "server.h"

enum { ROUNDS = 5000, BLOCKS = 4000, BLOCK = 65000 };

#define META &cleat__rpc__v1__meta__descriptor
static const struct rpc_method methods[] = {
	{ .name = "Echo", .path = "b.B/Echo", .shape = RPC_UNARY, .input = META, .output = META },
	{ .name = "Many",
	  .path = "b.B/Many",
	  .shape = RPC_SERVER_STREAM,
	  .input = META,
	  .output = META },
};
static const struct rpc_service service = { "b.B", methods, ARRAY_LEN(methods) };

static int echo(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	(void)call;
	(void)ops;
	(void)err;
	((Cleat__Rpc__V1__Meta *)reply)->key = strdup(((const Cleat__Rpc__V1__Meta *)req)->key);
	return 0;
}

static int many(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	static uint8_t block[BLOCK];
	Cleat__Rpc__V1__Meta m = CLEAT__RPC__V1__META__INIT;
	int r = 0;

	(void)ops;
	(void)req;
	(void)reply;
	m.value = (ProtobufCBinaryData){ sizeof(block), block };
	for (int i = 0; r == 0 && i < BLOCKS; i++)
		r = rpc_call_send(call, &m.base, err);
	return r;
}

static const rpc_thunk thunks[] = { echo, many };

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int latency(struct rpc_client *c, struct err *err)
{
	static int64_t t[ROUNDS];
	Cleat__Rpc__V1__Meta m = CLEAT__RPC__V1__META__INIT;
	int64_t all = fd_monotonic_ns();

	m.key = (char *)(uintptr_t) "name";
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = fd_monotonic_ns();
		ProtobufCMessage *reply;
		int r = rpc_client_unary(c, NULL, &methods[0], &m.base, &reply, err);

		if (r < 0)
			return r;
		protobuf_c_message_free_unpacked(reply, NULL);
		t[i] = fd_monotonic_ns() - start;
	}
	all = fd_monotonic_ns() - all;
	qsort(t, ROUNDS, sizeof(*t), compare);
	printf("unary p50 %.1f us, p99 %.1f us, %.0f calls/s\n", (double)t[ROUNDS / 2] / 1e3,
	       (double)t[ROUNDS / 100 * 99] / 1e3, ROUNDS * 1e9 / (double)all);
	return 0;
}

static int stream(struct rpc_client *c, struct err *err)
{
	struct rpc_options bulk = { .window = RPC_WINDOW_BULK };
	Cleat__Rpc__V1__Meta m = CLEAT__RPC__V1__META__INIT;
	struct rpc_client_call *call;
	ProtobufCMessage *got;
	int64_t start = fd_monotonic_ns();
	int r = rpc_client_call_open(c, &bulk, &methods[1], &m.base, &call, err);

	if (r < 0)
		return r;
	while ((r = rpc_client_call_recv(call, &got, err)) > 0)
		protobuf_c_message_free_unpacked(got, NULL);
	rpc_client_call_close(call);
	printf("stream %.0f MB/s\n",
	       (double)BLOCKS * BLOCK * 1e3 / (double)(fd_monotonic_ns() - start));
	return r;
}

int main(void)
{
	cleanup(rpc_server_freep) struct rpc_server *server = NULL;
	cleanup(rpc_client_closep) struct rpc_client *client = NULL;
	struct err err = ERR_NULL;
	char url[64];
	int r;

	(void)snprintf(url, sizeof(url), "ipc:///tmp/cleat-rpc-bench-%d", (int)getpid());
	r = rpc_server_new(&server, NULL, &err);
	if (r == 0)
		r = rpc_server_add(server, &service, NULL, thunks);
	if (r == 0)
		r = rpc_server_listen(server, url, &err);
	if (r == 0)
		r = rpc_client_open(&client, url, NULL, &err);
	if (r == 0)
		r = latency(client, &err);
	if (r == 0)
		r = stream(client, &err);
	if (r < 0)
		(void)fprintf(stderr, "rpc_bench: %s\n", err.message);
	return r < 0;
}
