/* SPDX-License-Identifier: Apache-2.0 */
/* Server and client over real sockets in a directory of their own: the four shapes, windows,
 * cancellation, deadlines, draining, and peers that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cleat/rpc/v1/rpc.pb-c.h"
#include "client.h"
#include "fd.h"
#include "frame.h"
#include "server.h"
#include "str.h"

typedef Cleat__Rpc__V1__Meta Meta;
#define META &cleat__rpc__v1__meta__descriptor

static const struct rpc_method methods[] = {
	{ .name = "Echo", .path = "t.T/Echo", .shape = RPC_UNARY, .input = META, .output = META },
	{ .name = "Many",
	  .path = "t.T/Many",
	  .shape = RPC_SERVER_STREAM,
	  .input = META,
	  .output = META },
	{ .name = "Sum",
	  .path = "t.T/Sum",
	  .shape = RPC_CLIENT_STREAM,
	  .input = META,
	  .output = META },
	{ .name = "Chat", .path = "t.T/Chat", .shape = RPC_BIDI, .input = META, .output = META },
	{ .name = "Wait", .path = "t.T/Wait", .shape = RPC_UNARY, .input = META, .output = META },
	{ .name = "None", .path = "t.T/None", .shape = RPC_UNARY, .input = META, .output = META },
};
static const struct rpc_service service = { "t.T", methods, ARRAY_LEN(methods) };
enum { ECHO, MANY, SUM, CHAT, WAIT, NONE };
enum { PATIENCE_MS = 100000 }; /* ends a test that hangs */

static int echo(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	const Meta *in = (const Meta *)req;
	Meta *out = (Meta *)reply;

	(void)ops;
	if (!strcmp(in->key, "fail"))
		return err_reason(err, ERR_NOT_FOUND, "THING_NOT_FOUND", "no thing for %d",
				  (int)rpc_call_peer(call)->uid);
	out->key = strdup(in->key);
	out->value.data = malloc(in->value.len + 1);
	out->value.len = in->value.len;
	if (in->value.len)
		memcpy(out->value.data, in->value.data, in->value.len);
	return 0;
}

/* value.len messages of 64 KiB */
static int many(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	static uint8_t block[65536];
	Meta m = CLEAT__RPC__V1__META__INIT;
	int r = 0;

	(void)ops;
	(void)reply;
	m.value = (ProtobufCBinaryData){ sizeof(block), block };
	for (size_t i = 0; r == 0 && i < ((const Meta *)req)->value.len; i++)
		r = rpc_call_send(call, &m.base, err);
	return r;
}

static int sum(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
	       ProtobufCMessage *reply, struct err *err)
{
	ProtobufCMessage *m = NULL;
	size_t total = 0;
	int r;

	(void)ops;
	(void)req;
	while ((r = rpc_call_recv(call, &m, err)) > 0) {
		total += ((Meta *)m)->value.len;
		protobuf_c_message_free_unpacked(m, NULL);
	}
	((Meta *)reply)->key = str_printf("%zu", total);
	return r;
}

static int chat(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	ProtobufCMessage *m = NULL;
	int r;

	(void)ops;
	(void)req;
	(void)reply;
	while ((r = rpc_call_recv(call, &m, err)) > 0) {
		r = rpc_call_send(call, m, err);
		r = r ? r : rpc_call_flush(call, err);
		protobuf_c_message_free_unpacked(m, NULL);
		if (r < 0)
			return r;
	}
	return r;
}

/* Until cancelled or drained. */
static int wait_end(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		    ProtobufCMessage *reply, struct err *err)
{
	struct pollfd p[] = { { .fd = rpc_call_cancel_fd(call), .events = POLLIN },
			      { .fd = rpc_call_drain_fd(call), .events = POLLIN } };

	(void)ops;
	(void)req;
	(void)reply;
	assert_true(poll(p, 2, PATIENCE_MS) > 0);
	if (rpc_call_draining(call))
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "moved");
	return err_set(err, ERR_CANCELLED, "cancelled");
}

static int none(struct rpc_call *call, const void *ops, const ProtobufCMessage *req,
		ProtobufCMessage *reply, struct err *err)
{
	(void)ops;
	(void)req;
	(void)reply;
	return rpc_call_unimplemented(call, err);
}

static const rpc_thunk thunks[] = { echo, many, sum, chat, wait_end, none };

struct world {
	char dir[64], url[128], path[128];
	struct rpc_server *server;
	struct rpc_client *client;
};

static int setup(void **state)
{
	struct rpc_server_config config = { .trusted_uid = (uid_t)-1, .max_connections = 1100 };
	struct world *w = calloc(1, sizeof(*w));
	struct err err = ERR_NULL;

	strcpy(w->dir, "/tmp/cleat-rpc-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/sock", w->dir);
	snprintf(w->url, sizeof(w->url), "ipc://%s", w->path);
	assert_int_equal(rpc_server_new(&w->server, &config, &err), 0);
	assert_int_equal(rpc_server_add(w->server, &service, NULL, thunks), 0);
	if (rpc_server_listen(w->server, w->url, &err) < 0)
		fail_msg("%s", err.message);
	if (rpc_client_open(&w->client, w->url, NULL, &err) < 0)
		fail_msg("%s", err.message);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rpc_client_close(w->client);
	rpc_server_free(w->server);
	assert_int_equal(fd_remove_tree(AT_FDCWD, w->dir), 0);
	free(w);
	return 0;
}

static int call_echo(struct rpc_client *c, const char *key, size_t bytes, struct err *err)
{
	Meta req = CLEAT__RPC__V1__META__INIT;
	ProtobufCMessage *reply = NULL;
	uint8_t *data = calloc(1, bytes + 1);
	int r;

	req.key = (char *)(uintptr_t)key;
	req.value = (ProtobufCBinaryData){ bytes, data };
	r = rpc_client_unary(c, NULL, &methods[ECHO], &req.base, &reply, err);
	if (r == 0) {
		assert_string_equal(((Meta *)reply)->key, key);
		assert_int_equal(((Meta *)reply)->value.len, bytes);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	free(data);
	return r;
}

static void test_unary(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, 300000, 1 << 20, 3000000 };
	struct world *w = *state;
	struct err err = ERR_NULL;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (call_echo(w->client, "k", sizes[i], &err) < 0)
			fail_msg("%zu: %s", sizes[i], err.message);
	assert_true(call_echo(w->client, "fail", 0, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.reason, "THING_NOT_FOUND");
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_streams(void **state)
{
	struct world *w = *state;
	struct rpc_client_call *call = NULL;
	uint8_t block[100] = { 0 };
	Meta m = CLEAT__RPC__V1__META__INIT;
	ProtobufCMessage *got = NULL;
	struct err err = ERR_NULL;
	int n = 0, r;

	m.value = (ProtobufCBinaryData){ sizeof(block), block };
	assert_int_equal(
		rpc_client_call_open(w->client, NULL, &methods[MANY], &m.base, &call, &err), 0);
	while ((r = rpc_client_call_recv(call, &got, &err)) > 0) {
		protobuf_c_message_free_unpacked(got, NULL);
		n++;
	}
	assert_int_equal(r, 0);
	assert_int_equal(n, 100);
	rpc_client_call_close(call);

	assert_int_equal(rpc_client_call_open(w->client, NULL, &methods[SUM], NULL, &call, &err),
			 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(rpc_client_call_send(call, &m.base, &err), 0);
	assert_int_equal(rpc_client_call_end(call, &err), 0);
	assert_int_equal(rpc_client_call_recv(call, &got, &err), 1);
	assert_string_equal(((Meta *)got)->key, "1000000");
	protobuf_c_message_free_unpacked(got, NULL);
	assert_int_equal(rpc_client_call_recv(call, &got, &err), 0);
	rpc_client_call_close(call);

	assert_int_equal(rpc_client_call_open(w->client, NULL, &methods[CHAT], NULL, &call, &err),
			 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rpc_client_call_send(call, &m.base, &err), 0);
		assert_int_equal(rpc_client_call_recv(call, &got, &err), 1);
		protobuf_c_message_free_unpacked(got, NULL);
	}
	assert_int_equal(rpc_client_call_end(call, &err), 0);
	assert_int_equal(rpc_client_call_recv(call, &got, &err), 0);
	rpc_client_call_close(call);
}

/* A stream nobody reads costs the calls beside it nothing. */
static void test_stalled(void **state)
{
	struct world *w = *state;
	struct rpc_client_call *call = NULL;
	uint8_t block[200] = { 0 };
	Meta m = CLEAT__RPC__V1__META__INIT;
	struct err err = ERR_NULL;

	m.value = (ProtobufCBinaryData){ sizeof(block), block };
	assert_int_equal(
		rpc_client_call_open(w->client, NULL, &methods[MANY], &m.base, &call, &err), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(call_echo(w->client, "x", 100, &err), 0);
	rpc_client_call_close(call);
	assert_int_equal(call_echo(w->client, "x", 100, &err), 0);
}

static void test_ends(void **state)
{
	struct world *w = *state;
	struct rpc_options late = { .timeout_ms = 50 };
	struct rpc_client_call *call = NULL;
	Meta m = CLEAT__RPC__V1__META__INIT;
	ProtobufCMessage *reply = NULL;
	struct err err = ERR_NULL;

	assert_true(rpc_client_unary(w->client, &late, &methods[WAIT], &m.base, &reply, &err) < 0);
	assert_int_equal(err.code, ERR_DEADLINE);
	assert_int_equal(
		rpc_client_call_open(w->client, NULL, &methods[WAIT], &m.base, &call, &err), 0);
	rpc_client_call_cancel(call);
	assert_true(rpc_client_call_recv(call, &reply, &err) < 0);
	assert_int_equal(err.code, ERR_CANCELLED);
	rpc_client_call_close(call);
	assert_true(rpc_client_unary(w->client, NULL, &methods[NONE], &m.base, &reply, &err) < 0);
	assert_int_equal(err.code, ERR_UNIMPLEMENTED);
}

static void test_drain(void **state)
{
	struct world *w = *state;
	struct rpc_client_call *call = NULL;
	Meta m = CLEAT__RPC__V1__META__INIT;
	ProtobufCMessage *reply = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(
		rpc_client_call_open(w->client, NULL, &methods[WAIT], &m.base, &call, &err), 0);
	assert_int_equal(call_echo(w->client, "x", 0, &err), 0);
	assert_int_equal(rpc_server_drain(w->server, 0, PATIENCE_MS), 0);
	assert_true(rpc_client_call_recv(call, &reply, &err) < 0);
	assert_string_equal(err.reason, "MOVED");
	rpc_client_call_close(call);
}

static void test_many_connections(void **state)
{
	enum { N = 1000 };
	static struct rpc_client *clients[N];
	struct world *w = *state;
	struct err err = ERR_NULL;

	for (int i = 0; i < N; i++)
		if (rpc_client_open(&clients[i], w->url, NULL, &err) < 0)
			fail_msg("%d: %s", i, err.message);
	for (int i = 0; i < N; i++)
		assert_int_equal(call_echo(clients[i], "x", 10, &err), 0);
	for (int i = 0; i < N; i++)
		rpc_client_close(clients[i]);
}

/* Each of these must be cut off, and the server serve on. */
static void test_hostile(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} peers[] = {
		{ "\0SP\0\0\x10\0\0\1\0\0\0\2\0\0\0\0", 17 },         /* 8 GiB announced */
		{ "\0SP\0\0\x62\0\0", 8 },                            /* another protocol */
		{ "GET / HTTP/1.1\r\n\r\n", 18 },                     /* another world */
		{ "\0SP\0\0\x10\0\0\1\0\0\0\0\0\0\0\2\x10\1", 19 },   /* HELLO without nonce */
		{ "\0SP\0\0\x10\0\0\1\0\0\0\0\0\0\0\2\xff\xff", 19 }, /* not a frame */
		{ "\0SP\0\0\x10\0\0\2\0\0\0\0\0\0\0\2\xff\xff", 19 }, /* not a head */
	};
	struct world *w = *state;
	struct err err = ERR_NULL;
	char sink[1024];

	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		int fd = fd_unix_connect(AT_FDCWD, w->path, SOCK_STREAM);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_true(fd >= 0);
		assert_int_equal(fd_write_all(fd, peers[i].bytes, peers[i].n), 0);
		do
			assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		while (read(fd, sink, sizeof(sink)) > 0);
		close(fd);
		assert_int_equal(call_echo(w->client, "x", 10, &err), 0);
	}
}

/* A stock REQ0 socket can make unary calls. */
static void test_req0(void **state)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT, *reply;
	Cleat__Rpc__V1__Open open = CLEAT__RPC__V1__OPEN__INIT;
	struct world *w = *state;
	uint8_t bytes[256];
	nng_socket sock;
	void *got;
	size_t n;

	open.method = (char *)(uintptr_t) "t.T/Echo";
	f.kind = CLEAT__RPC__V1__KIND__OPEN;
	f.open = &open;
	n = cleat__rpc__v1__frame__pack(&f, bytes);
	assert_int_equal(nng_req0_open(&sock), 0);
	assert_int_equal(nng_dial(sock, w->url, NULL, 0), 0);
	assert_int_equal(nng_send(sock, bytes, n, 0), 0);
	assert_int_equal(nng_recv(sock, &got, &n, NNG_FLAG_ALLOC), 0);
	reply = cleat__rpc__v1__frame__unpack(NULL, n, got);
	assert_non_null(reply);
	assert_int_equal(reply->kind, CLEAT__RPC__V1__KIND__STATUS);
	assert_int_equal(reply->status->code, 0);
	cleat__rpc__v1__frame__free_unpacked(reply, NULL);
	nng_free(got, n);
	nng_close(sock);
}

static Cleat__Rpc__V1__Frame *pair_recv(nng_socket sock)
{
	Cleat__Rpc__V1__Frame *f;
	void *got;
	size_t n;

	assert_int_equal(nng_recv(sock, &got, &n, NNG_FLAG_ALLOC), 0);
	f = cleat__rpc__v1__frame__unpack(NULL, n, got);
	assert_non_null(f);
	nng_free(got, n);
	return f;
}

static void pair_send(nng_socket sock, const Cleat__Rpc__V1__Frame *f)
{
	uint8_t bytes[512];

	assert_int_equal(nng_send(sock, bytes, cleat__rpc__v1__frame__pack(f, bytes), 0), 0);
}

/* A stock PAIR0 socket is a full client; an id used twice ends its connection. */
static void test_pair0(void **state)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT, *got;
	Cleat__Rpc__V1__Open open = CLEAT__RPC__V1__OPEN__INIT;
	struct world *w = *state;
	nng_socket sock;

	assert_int_equal(nng_pair0_open(&sock), 0);
	nng_socket_set_ms(sock, NNG_OPT_RECVTIMEO, PATIENCE_MS);
	assert_int_equal(nng_dial(sock, w->url, NULL, 0), 0);
	got = pair_recv(sock);
	assert_int_equal(got->kind, CLEAT__RPC__V1__KIND__HELLO);
	pair_send(sock, got); /* holds the nonce */
	cleat__rpc__v1__frame__free_unpacked(got, NULL);
	open.method = (char *)(uintptr_t) "t.T/Echo";
	f.kind = CLEAT__RPC__V1__KIND__OPEN;
	f.call = 1;
	f.open = &open;
	f.has_data = f.end = true;
	pair_send(sock, &f);
	got = pair_recv(sock);
	assert_int_equal(got->kind, CLEAT__RPC__V1__KIND__STATUS);
	assert_int_equal(got->status->code, 0);
	cleat__rpc__v1__frame__free_unpacked(got, NULL);
	pair_send(sock, &f);
	got = pair_recv(sock); /* GOAWAY, or the HELLO of the connection dialled after it */
	assert_true(got->kind == CLEAT__RPC__V1__KIND__GOAWAY ||
		    got->kind == CLEAT__RPC__V1__KIND__HELLO);
	cleat__rpc__v1__frame__free_unpacked(got, NULL);
	nng_close(sock);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unary), T(test_streams), T(test_stalled),          T(test_ends),
		T(test_drain), T(test_hostile), T(test_many_connections), T(test_req0),
		T(test_pair0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
