/* SPDX-License-Identifier: Apache-2.0 */
/* Methods are found in the generated tables, so a new one needs no code here. Each request opens a
 * connection of its own: that costs a fraction of a millisecond on a local socket and lets the
 * client's own retrying carry a call over a restart of the engine. */
#include "gateway.h"

#include <string.h>

#include "cleat/v1/services.rpc.h"
#include "client.h"
#include "reflect.h"
#include "str.h"

/* connectrpc.com/docs/protocol, "Error codes". */
static const unsigned connect_status[ERR_N_CODES] = {
	[ERR_OK] = 200,
	[ERR_CANCELLED] = 499,
	[ERR_UNKNOWN] = 500,
	[ERR_INVALID] = 400,
	[ERR_DEADLINE] = 504,
	[ERR_NOT_FOUND] = 404,
	[ERR_EXISTS] = 409,
	[ERR_PERMISSION] = 403,
	[ERR_EXHAUSTED] = 429,
	[ERR_PRECONDITION] = 400,
	[ERR_ABORTED] = 409,
	[ERR_OUT_OF_RANGE] = 400,
	[ERR_UNIMPLEMENTED] = 501,
	[ERR_INTERNAL] = 500,
	[ERR_UNAVAILABLE] = 503,
	[ERR_DATA_LOSS] = 500,
	[ERR_UNAUTHENTICATED] = 401,
};

static void reply_error(struct http_request *q, const struct err *err)
{
	buf_deinit(&q->reply);
	q->status = err->code < ERR_N_CODES ? connect_status[err->code] : 500;
	q->type = "application/json";
	buf_printf(&q->reply, "{\"code\":\"%s\",\"message\":", err_code_connect(err->code));
	buf_json_string(&q->reply, err->message, strlen(err->message));
	buf_puts(&q->reply, "}");
}

static const struct rpc_method *find_method(const char *path)
{
	for (size_t i = 0; i < cleat_v1_n_services; i++)
		for (size_t k = 0; k < cleat_v1_services[i]->n_methods; k++)
			if (!strcmp(cleat_v1_services[i]->methods[k].path, path))
				return &cleat_v1_services[i]->methods[k];
	return NULL;
}

static int check(const struct http_request *q, const struct rpc_method *method,
		 struct rpc_options *options, struct err *err)
{
	int64_t ms = 0;

	if (!method)
		return err_set(err, ERR_UNIMPLEMENTED, "there is no method %s", q->path + 1);
	if (method->shape != RPC_UNARY)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "%s is a stream; only unary methods are served over HTTP",
			       method->path);
	if (*q->timeout_ms && str_int_in(q->timeout_ms, 1, UINT32_MAX, &ms) < 0)
		return err_set(err, ERR_INVALID,
			       "Connect-Timeout-Ms: expected milliseconds, not \"%s\"",
			       q->timeout_ms);
	options->timeout_ms = (uint32_t)ms;
	return 0;
}

static int call(struct http_request *q, const char *url, struct err *err)
{
	const struct reflect r = { cleat_v1_map_entries, cleat_v1_n_map_entries, false };
	const struct rpc_method *method = find_method(q->path + 1);
	cleanup(rpc_client_closep) struct rpc_client *client = NULL;
	struct rpc_options options = { 0 };
	ProtobufCMessage *req = NULL, *reply = NULL;
	int result = check(q, method, &options, err);

	if (result < 0)
		return result;
	result = reflect_parse(&r, method->input, q->body.data, q->body.len, &req, err);
	if (result < 0)
		return result;
	result = rpc_client_open(&client, url, NULL, err);
	if (result == 0)
		result = rpc_client_unary(client, &options, method, req, &reply, err);
	protobuf_c_message_free_unpacked(req, NULL);
	if (result < 0)
		return result;
	result = reflect_print(&r, reply, &q->reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return result < 0 ? err_wrap(err, result, "write the reply as JSON") : 0;
}

static void connect_unary(struct http_request *q, const char *url)
{
	struct err err = ERR_NULL;

	if (strcmp(q->content_type, "application/json") != 0 &&
	    !str_has_prefix(q->content_type, "application/json;")) {
		q->status = 415;
		return;
	}
	if (call(q, url, &err) < 0)
		reply_error(q, &err);
}

static bool is_ping(const struct http_request *q)
{
	return !strcmp(q->path, "/_ping") &&
	       (!strcmp(q->method, "GET") || !strcmp(q->method, "HEAD"));
}

void gateway_handle(struct http_request *q, void *arg)
{
	q->status = 200;
	q->type = "application/json";
	if (is_ping(q)) {
		q->type = "text/plain; charset=utf-8";
		buf_puts(&q->reply, "OK");
	} else if (!strcmp(q->method, "POST") && str_has_prefix(q->path, "/cleat.v1.")) {
		connect_unary(q, arg);
	} else {
		q->status = 404;
		buf_puts(&q->reply, "{\"message\":\"page not found\"}");
	}
}
