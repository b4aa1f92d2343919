/* SPDX-License-Identifier: Apache-2.0 */
/* The Connect protocol (connectrpc.com/docs/protocol) with JSON, by reflection: methods are found in the
 * generated tables, so a new one needs no code here. A server stream is framed in envelopes: a flag byte, a
 * big-endian u32 length, the message; the last one has flag 2 and tells how the call ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "cleat/v1/services.rpc.h"
#include "exchange.h"
#include "reflect.h"
#include "str.h"

enum { ENVELOPE_BYTES = 5, FLAG_COMPRESSED = 1, FLAG_END = 2 };

/* connectrpc.com/docs/protocol, "Error codes". */
static const unsigned statuses[ERR_N_CODES] = {
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

static const struct reflect *reflection(void)
{
	static struct reflect r;

	r = (struct reflect){ cleat_v1_map_entries, cleat_v1_n_map_entries, false };
	return &r;
}

static void print_error(struct buf *out, const struct err *err)
{
	buf_printf(out, "{\"code\":\"%s\",\"message\":", err_code_connect(err->code));
	buf_json_string(out, err->message, strlen(err->message));
	buf_puts(out, "}");
}

static void fail(struct gw *gw, const struct err *err)
{
	struct http_request *q = gw->http;

	buf_deinit(&q->reply);
	q->status = err->code < ERR_N_CODES ? statuses[err->code] : 500;
	q->type = "application/json";
	print_error(&q->reply, err);
}

static int read_timeout(const struct gw *gw, struct rpc_options *options, struct err *err)
{
	const char *text = gw->http->timeout_ms;
	int64_t ms = 0;

	if (*text && str_int_in(text, 1, UINT32_MAX, &ms) < 0)
		return err_set(err, ERR_INVALID,
			       "Connect-Timeout-Ms: expected milliseconds, not \"%s\"", text);
	options->timeout_ms = (uint32_t)ms;
	return 0;
}

/* The message of a GET, which is in the query, as the body. */
static int read_query(struct gw *gw, struct err *err)
{
	const char *text = http_query(gw->http, "message");

	if (strcmp(http_query(gw->http, "encoding"), "json") != 0)
		return err_set(err, ERR_INVALID, "encoding: expected json");
	if (http_has_query(gw->http, "base64") || *http_query(gw->http, "compression"))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "base64 and compression of messages are not supported");
	buf_deinit(&gw->http->body);
	buf_puts(&gw->http->body, text);
	return gw->http->body.error;
}

static int unary(struct gw *gw, const struct rpc_method *method, struct err *err)
{
	struct http_request *q = gw->http;
	struct rpc_options options = { 0 };
	ProtobufCMessage *req = NULL, *reply = NULL;
	int r = read_timeout(gw, &options, err);

	if (r == 0 && strcmp(q->method, "GET") == 0)
		r = read_query(gw, err);
	if (r == 0)
		r = reflect_parse(reflection(), method->input, q->body.data, q->body.len, &req,
				  err);
	if (r < 0)
		return r;
	r = gw_engine(gw, err);
	if (r == 0)
		r = rpc_client_unary(gw->client, &options, method, req, &reply, err);
	protobuf_c_message_free_unpacked(req, NULL);
	if (r < 0)
		return r;
	r = reflect_print(reflection(), reply, &q->reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return r < 0 ? err_wrap(err, r, "write the reply as JSON") : 0;
}

/* The one message of a server stream's request, in its envelope. */
static int unwrap(const struct buf *body, const char **text, size_t *n, struct err *err)
{
	uint32_t length;

	if (body->len < ENVELOPE_BYTES)
		return err_set(err, ERR_INVALID, "the body has no envelope");
	memcpy(&length, body->data + 1, sizeof(length));
	if (body->data[0] & FLAG_COMPRESSED)
		return err_set(err, ERR_UNIMPLEMENTED, "compressed messages are not supported");
	if (ntohl(length) != body->len - ENVELOPE_BYTES)
		return err_set(err, ERR_INVALID, "the envelope's length is not that of the body");
	*text = body->data + ENVELOPE_BYTES;
	*n = body->len - ENVELOPE_BYTES;
	return 0;
}

static int send_envelope(struct gw *gw, uint8_t flags, const struct buf *text)
{
	char head[ENVELOPE_BYTES] = { (char)flags };
	uint32_t length = htonl((uint32_t)text->len);
	const struct iovec parts[] = { { head, sizeof(head) }, { text->data, text->len } };

	memcpy(head + 1, &length, sizeof(length));
	return http_writev(gw->http, parts, ARRAY_LEN(parts));
}

static int send_message(struct gw *gw, const ProtobufCMessage *message, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = reflect_print(reflection(), message, &text);

	return r < 0 ? err_wrap(err, r, "write the message as JSON") : send_envelope(gw, 0, &text);
}

static void end_stream(struct gw *gw, int r, const struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	if (r < 0) {
		buf_puts(&text, "{\"error\":");
		print_error(&text, err);
		buf_puts(&text, "}");
	} else {
		buf_puts(&text, "{}");
	}
	(void)!send_envelope(gw, FLAG_END, &text);
}

static int run_stream(struct gw *gw, const struct rpc_method *method, const ProtobufCMessage *req,
		      const struct rpc_options *options, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_engine(gw, err);

	if (r == 0)
		r = rpc_client_call_open(gw->client, options, method, req, &call, err);
	while (r == 0) {
		ProtobufCMessage *message = NULL;
		int n = gw_recv(gw, call, &message, err);

		if (n <= 0)
			return n;
		r = send_message(gw, message, err);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	return r;
}

static void stream(struct gw *gw, const struct rpc_method *method)
{
	struct rpc_options options = { 0 };
	ProtobufCMessage *req = NULL;
	struct err err = ERR_NULL;
	const char *text = NULL;
	size_t n = 0;
	int r = read_timeout(gw, &options, &err);

	if (r == 0)
		r = unwrap(&gw->http->body, &text, &n, &err);
	if (r == 0)
		r = reflect_parse(reflection(), method->input, text, n, &req, &err);
	http_begin(gw->http, 200, "application/connect+json");
	if (r == 0)
		r = run_stream(gw, method, req, &options, &err);
	if (req)
		protobuf_c_message_free_unpacked(req, NULL);
	if (r != -EPIPE)
		end_stream(gw, r, &err);
}

static bool is_type(const struct gw *gw, const char *type)
{
	const char *have = gw->http->content_type;

	return str_has_prefix(have, type) &&
	       (have[strlen(type)] == '\0' || have[strlen(type)] == ';');
}

/* 0, or the HTTP status that refuses the request before its method is called. */
static unsigned refuse(const struct gw *gw, const struct rpc_method *method)
{
	const char *type = method && method->shape == RPC_SERVER_STREAM ? "application/connect+json"
									: "application/json";

	if (strcmp(gw->http->method, "GET") == 0)
		return method && method->shape == RPC_UNARY && method->no_side_effects ? 0 : 405;
	if (strcmp(gw->http->method, "POST") != 0)
		return 405;
	return !method || is_type(gw, type) ? 0 : 415;
}

/* A message that is compressed, as far as headers tell. */
static bool is_compressed(const struct gw *gw, bool streams)
{
	const char *coding = gw->http->content_type[0]
				     ? http_header(gw->http, streams ? "Connect-Content-Encoding"
								     : "Content-Encoding")
				     : "";

	return *coding && strcmp(coding, "identity") != 0;
}

void gw_connect(struct gw *gw)
{
	const struct rpc_method *method = gw_method(gw->http->path + 1);
	bool streams = method && method->shape == RPC_SERVER_STREAM;
	unsigned refused = refuse(gw, method);
	struct err err = ERR_NULL;

	if (!method && refused != 405)
		(void)err_set(&err, ERR_UNIMPLEMENTED, "there is no method %s", gw->http->path + 1);
	else if (method && method->shape != RPC_UNARY && !streams)
		(void)err_set(&err, ERR_UNIMPLEMENTED,
			      "%s streams from the client, which is not served over HTTP",
			      method->path);
	else if (refused)
		gw_status(gw, refused);
	else if (is_compressed(gw, streams))
		(void)err_set(&err, ERR_UNIMPLEMENTED, "compressed messages are not supported");
	else if (streams)
		stream(gw, method);
	else
		(void)!unary(gw, method, &err);
	if (err.code)
		fail(gw, &err);
}
