/* generated, do not edit: from small.proto */
#include "small.rpc.h"

static const struct rpc_method cleat_test_v1_another_methods[] = {
	{ .name = "Nothing", .path = "cleat.test.v1.Another/Nothing", .shape = RPC_UNARY,
	  .input = &cleat__test__v1__none__descriptor, .output = &cleat__test__v1__none__descriptor,
	  .role = RPC_ROLE_UNSPECIFIED, .idempotent = false, .no_side_effects = false },
};

const struct rpc_service cleat_test_v1_another = { .name = "cleat.test.v1.Another", .methods = cleat_test_v1_another_methods,
	.n_methods = 1 };

static int cleat_test_v1_another_nothing_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_another_ops *o = ops;

	(void)req;
	(void)reply;
	return o->nothing ? o->nothing(call, (const Cleat__Test__V1__None *)req, (Cleat__Test__V1__None *)reply, err) :
		rpc_call_unimplemented(call, err);
}

static const rpc_thunk cleat_test_v1_another_thunks[] = {
	cleat_test_v1_another_nothing_thunk,
};

int cleat_test_v1_another_register(struct rpc_server *server, const struct cleat_test_v1_another_ops *ops)
{
	return rpc_server_add(server, &cleat_test_v1_another, ops, cleat_test_v1_another_thunks);
}

int cleat_test_v1_another_nothing(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__None *req,
	Cleat__Test__V1__None **reply, struct err *err)
{
	return rpc_client_unary(client, options, &cleat_test_v1_another_methods[0], &req->base,
		(ProtobufCMessage **)reply, err);
}

static const struct rpc_method cleat_test_v1_echo_methods[] = {
	{ .name = "Once", .path = "cleat.test.v1.Echo/Once", .shape = RPC_UNARY,
	  .input = &cleat__test__v1__text__descriptor, .output = &cleat__test__v1__text__descriptor,
	  .role = RPC_ROLE_VIEWER, .idempotent = true, .no_side_effects = true },
	{ .name = "Fail", .path = "cleat.test.v1.Echo/Fail", .shape = RPC_UNARY,
	  .input = &cleat__test__v1__number__descriptor, .output = &cleat__test__v1__none__descriptor,
	  .role = RPC_ROLE_ADMIN, .idempotent = true, .no_side_effects = false },
	{ .name = "CountUp", .path = "cleat.test.v1.Echo/CountUp", .shape = RPC_SERVER_STREAM,
	  .input = &cleat__test__v1__number__descriptor, .output = &cleat__test__v1__number__descriptor,
	  .role = RPC_ROLE_UNSPECIFIED, .idempotent = false, .no_side_effects = false },
	{ .name = "Sum", .path = "cleat.test.v1.Echo/Sum", .shape = RPC_CLIENT_STREAM,
	  .input = &cleat__test__v1__number__descriptor, .output = &cleat__test__v1__number__descriptor,
	  .role = RPC_ROLE_OPERATOR, .idempotent = false, .no_side_effects = false },
	{ .name = "Import", .path = "cleat.test.v1.Echo/Import", .shape = RPC_BIDI,
	  .input = &cleat__test__v1__text__descriptor, .output = &cleat__test__v1__text__descriptor,
	  .role = RPC_ROLE_UNSPECIFIED, .idempotent = false, .no_side_effects = false },
};

const struct rpc_service cleat_test_v1_echo = { .name = "cleat.test.v1.Echo", .methods = cleat_test_v1_echo_methods,
	.n_methods = 5 };

static int cleat_test_v1_echo_once_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_echo_ops *o = ops;

	(void)req;
	(void)reply;
	return o->once ? o->once(call, (const Cleat__Test__V1__Text *)req, (Cleat__Test__V1__Text *)reply, err) :
		rpc_call_unimplemented(call, err);
}

static int cleat_test_v1_echo_fail_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_echo_ops *o = ops;

	(void)req;
	(void)reply;
	return o->fail ? o->fail(call, (const Cleat__Test__V1__Number *)req, (Cleat__Test__V1__None *)reply, err) :
		rpc_call_unimplemented(call, err);
}

static int cleat_test_v1_echo_count_up_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_echo_ops *o = ops;

	(void)req;
	(void)reply;
	return o->count_up ? o->count_up(call, (const Cleat__Test__V1__Number *)req, (struct cleat_test_v1_echo_count_up_stream *)call, err) :
		rpc_call_unimplemented(call, err);
}

static int cleat_test_v1_echo_sum_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_echo_ops *o = ops;

	(void)req;
	(void)reply;
	return o->sum ? o->sum(call, (struct cleat_test_v1_echo_sum_stream *)call, (Cleat__Test__V1__Number *)reply, err) :
		rpc_call_unimplemented(call, err);
}

static int cleat_test_v1_echo_import_thunk(struct rpc_call *call, const void *ops,
	const ProtobufCMessage *req, ProtobufCMessage *reply, struct err *err)
{
	const struct cleat_test_v1_echo_ops *o = ops;

	(void)req;
	(void)reply;
	return o->import ? o->import(call, (struct cleat_test_v1_echo_import_stream *)call, err) :
		rpc_call_unimplemented(call, err);
}

static const rpc_thunk cleat_test_v1_echo_thunks[] = {
	cleat_test_v1_echo_once_thunk,
	cleat_test_v1_echo_fail_thunk,
	cleat_test_v1_echo_count_up_thunk,
	cleat_test_v1_echo_sum_thunk,
	cleat_test_v1_echo_import_thunk,
};

int cleat_test_v1_echo_register(struct rpc_server *server, const struct cleat_test_v1_echo_ops *ops)
{
	return rpc_server_add(server, &cleat_test_v1_echo, ops, cleat_test_v1_echo_thunks);
}

int cleat_test_v1_echo_once(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Text *req,
	Cleat__Test__V1__Text **reply, struct err *err)
{
	return rpc_client_unary(client, options, &cleat_test_v1_echo_methods[0], &req->base,
		(ProtobufCMessage **)reply, err);
}

int cleat_test_v1_echo_fail(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Number *req,
	Cleat__Test__V1__None **reply, struct err *err)
{
	return rpc_client_unary(client, options, &cleat_test_v1_echo_methods[1], &req->base,
		(ProtobufCMessage **)reply, err);
}

int cleat_test_v1_echo_count_up_send(struct cleat_test_v1_echo_count_up_stream *stream, const Cleat__Test__V1__Number *msg, struct err *err)
{
	return rpc_call_send((struct rpc_call *)stream, &msg->base, err);
}

int cleat_test_v1_echo_count_up_open(struct rpc_client *client, const struct rpc_options *options, const Cleat__Test__V1__Number *req,
	struct cleat_test_v1_echo_count_up_client **out, struct err *err)
{
	return rpc_client_call_open(client, options, &cleat_test_v1_echo_methods[2], &req->base,
		(struct rpc_client_call **)out, err);
}

int cleat_test_v1_echo_count_up_client_recv(struct cleat_test_v1_echo_count_up_client *call, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_client_call_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_count_up_client_try_recv(struct cleat_test_v1_echo_count_up_client *call, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_client_call_try_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

void cleat_test_v1_echo_count_up_client_close(struct cleat_test_v1_echo_count_up_client *call)
{
	rpc_client_call_close((struct rpc_client_call *)call);
}

int cleat_test_v1_echo_sum_recv(struct cleat_test_v1_echo_sum_stream *stream, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_call_recv((struct rpc_call *)stream,
		(ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_sum_try_recv(struct cleat_test_v1_echo_sum_stream *stream, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_call_try_recv((struct rpc_call *)stream,
		(ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_sum_open(struct rpc_client *client, const struct rpc_options *options,
	struct cleat_test_v1_echo_sum_client **out, struct err *err)
{
	return rpc_client_call_open(client, options, &cleat_test_v1_echo_methods[3], NULL,
		(struct rpc_client_call **)out, err);
}

int cleat_test_v1_echo_sum_client_send(struct cleat_test_v1_echo_sum_client *call, const Cleat__Test__V1__Number *msg, struct err *err)
{
	return rpc_client_call_send((struct rpc_client_call *)call, &msg->base, err);
}

int cleat_test_v1_echo_sum_client_try_send(struct cleat_test_v1_echo_sum_client *call, const Cleat__Test__V1__Number *msg, struct err *err)
{
	return rpc_client_call_try_send((struct rpc_client_call *)call, &msg->base, err);
}

int cleat_test_v1_echo_sum_client_end(struct cleat_test_v1_echo_sum_client *call, struct err *err)
{
	return rpc_client_call_end((struct rpc_client_call *)call, err);
}

int cleat_test_v1_echo_sum_client_recv(struct cleat_test_v1_echo_sum_client *call, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_client_call_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_sum_client_try_recv(struct cleat_test_v1_echo_sum_client *call, Cleat__Test__V1__Number **msg, struct err *err)
{
	return rpc_client_call_try_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

void cleat_test_v1_echo_sum_client_close(struct cleat_test_v1_echo_sum_client *call)
{
	rpc_client_call_close((struct rpc_client_call *)call);
}

int cleat_test_v1_echo_import_send(struct cleat_test_v1_echo_import_stream *stream, const Cleat__Test__V1__Text *msg, struct err *err)
{
	return rpc_call_send((struct rpc_call *)stream, &msg->base, err);
}

int cleat_test_v1_echo_import_recv(struct cleat_test_v1_echo_import_stream *stream, Cleat__Test__V1__Text **msg, struct err *err)
{
	return rpc_call_recv((struct rpc_call *)stream,
		(ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_import_try_recv(struct cleat_test_v1_echo_import_stream *stream, Cleat__Test__V1__Text **msg, struct err *err)
{
	return rpc_call_try_recv((struct rpc_call *)stream,
		(ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_import_open(struct rpc_client *client, const struct rpc_options *options,
	struct cleat_test_v1_echo_import_client **out, struct err *err)
{
	return rpc_client_call_open(client, options, &cleat_test_v1_echo_methods[4], NULL,
		(struct rpc_client_call **)out, err);
}

int cleat_test_v1_echo_import_client_send(struct cleat_test_v1_echo_import_client *call, const Cleat__Test__V1__Text *msg, struct err *err)
{
	return rpc_client_call_send((struct rpc_client_call *)call, &msg->base, err);
}

int cleat_test_v1_echo_import_client_try_send(struct cleat_test_v1_echo_import_client *call, const Cleat__Test__V1__Text *msg, struct err *err)
{
	return rpc_client_call_try_send((struct rpc_client_call *)call, &msg->base, err);
}

int cleat_test_v1_echo_import_client_end(struct cleat_test_v1_echo_import_client *call, struct err *err)
{
	return rpc_client_call_end((struct rpc_client_call *)call, err);
}

int cleat_test_v1_echo_import_client_recv(struct cleat_test_v1_echo_import_client *call, Cleat__Test__V1__Text **msg, struct err *err)
{
	return rpc_client_call_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

int cleat_test_v1_echo_import_client_try_recv(struct cleat_test_v1_echo_import_client *call, Cleat__Test__V1__Text **msg, struct err *err)
{
	return rpc_client_call_try_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, err);
}

void cleat_test_v1_echo_import_client_close(struct cleat_test_v1_echo_import_client *call)
{
	rpc_client_call_close((struct rpc_client_call *)call);
}
