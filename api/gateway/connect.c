/* SPDX-License-Identifier: Apache-2.0 */
/* The Connect protocol (connectrpc.com/docs/protocol), by reflection: methods are found in the generated tables, so
 * a new one needs no code here. Unary calls and server streams, with JSON and protobuf. */
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "connectmsg.h"
#include "exchange.h"
#include "fd.h"
#include "str.h"

enum { TIMEOUT_DIGITS = 10, MAX_TIMEOUT_MS = INT32_MAX }; /* 24 days */

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

static void fail(struct gw *gw, const struct err *err)
{
	struct http_request *q = gw->http;

	buf_deinit(&q->reply);
	q->status = err->code < ERR_N_CODES ? statuses[err->code] : 500;
	q->type = "application/json";
	connect_print_error(&q->reply, err);
}

/* Where the call's messages come from and how they look. */
struct call {
	struct gw *gw;
	const struct rpc_method *method;
	struct connect_form form;
	struct rpc_options options;
};

static int read_timeout(struct call *c, struct err *err)
{
	const char *text = c->gw->http->timeout_ms;
	int64_t ms = 0;

	if (!*text)
		return 0;
	if (strlen(text) > TIMEOUT_DIGITS || str_int_in(text, 1, MAX_TIMEOUT_MS, &ms) < 0)
		return err_set(err, ERR_INVALID,
			       "Connect-Timeout-Ms: expected milliseconds, not \"%s\"", text);
	c->gw->deadline_ns = fd_monotonic_ns() + ms * INT64_C(1000000);
	return 0;
}

static int check_version(const char *name, const char *version, const char *want, struct err *err)
{
	if (!*version || strcmp(version, want) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "%s: expected %s, not \"%.40s\"", name, want, version);
}

/* Whether messages of this coding can be read: *gzip is set, or the error names what can. */
static int read_coding(const char *coding, bool *gzip, struct err *err)
{
	*gzip = strcmp(coding, "gzip") == 0;
	if (*gzip || !*coding || strcmp(coding, "identity") == 0)
		return 0;
	return err_set(err, ERR_UNIMPLEMENTED,
		       "compression \"%.40s\" is not supported: expected gzip or identity", coding);
}

static bool is_type(const struct gw *gw, const char *type)
{
	const char *have = gw->http->content_type;

	return str_has_prefix(have, type) &&
	       (have[strlen(type)] == '\0' || have[strlen(type)] == ';');
}

static const char *content_type(const struct call *c)
{
	if (c->method->shape == RPC_SERVER_STREAM)
		return c->form.binary ? "application/connect+proto" : "application/connect+json";
	return c->form.binary ? "application/proto" : "application/json";
}

/* What the headers agree upon. */
static int read_headers(struct call *c, struct err *err)
{
	const struct http_request *q = c->gw->http;
	bool streams = c->method->shape == RPC_SERVER_STREAM;
	int r = read_timeout(c, err);

	if (r < 0 || !q->connection)
		return r;
	r = check_version("Connect-Protocol-Version", http_header(q, "Connect-Protocol-Version"),
			  "1", err);
	if (r == 0)
		r = read_coding(
			http_header(q, streams ? "Connect-Content-Encoding" : "Content-Encoding"),
			&c->form.gzip_sent, err);
	c->form.gzip_read = connect_accepts(
		http_header(q, streams ? "Connect-Accept-Encoding" : "Accept-Encoding"), "gzip");
	return r;
}

/* The message of a GET, which is in the query, as the body. */
static int read_query(struct call *c, struct err *err)
{
	struct http_request *q = c->gw->http;
	const char *encoding = http_query(q, "encoding");
	size_t n;
	const char *text = http_query_bytes(q, "message", &n);
	int r = check_version("connect", http_query(q, "connect"), "v1", err);

	if (r == 0)
		r = read_coding(http_query(q, "compression"), &c->form.gzip_sent, err);
	if (r < 0)
		return r;
	c->form.binary = strcmp(encoding, "proto") == 0;
	if (!c->form.binary && strcmp(encoding, "json") != 0)
		return err_set(err, ERR_INVALID, "encoding: expected json or proto");
	buf_deinit(&q->body);
	if (strcmp(http_query(q, "base64"), "1") != 0)
		buf_append(&q->body, text, n);
	else if (strlen(text) != n || base64_decode(&q->body, text) < 0)
		return err_set(err, ERR_INVALID, "message: expected base64");
	return q->body.error;
}

/* ---- unary */

static int call_unary(struct call *c, const ProtobufCMessage *req, struct err *err)
{
	struct http_request *q = c->gw->http;
	ProtobufCMessage *reply = NULL;
	bool compressed = false;
	int r = gw_unary(c->gw, c->method, req, &reply, err);

	if (r < 0)
		return r;
	q->type = content_type(c);
	r = connect_print(&c->form, reply, &q->reply, &compressed, err);
	q->coding = compressed ? "gzip" : NULL;
	protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

static int unary(struct call *c, struct err *err)
{
	struct http_request *q = c->gw->http;
	ProtobufCMessage *req = NULL;
	int r = read_headers(c, err);

	if (r == 0 && strcmp(q->method, "GET") == 0)
		r = read_query(c, err);
	if (r == 0)
		r = connect_parse(&c->form, c->form.gzip_sent, c->method->input, q->body.data,
				  q->body.len, &req, err);
	if (r < 0)
		return r;
	r = call_unary(c, req, err);
	protobuf_c_message_free_unpacked(req, NULL);
	return r;
}

/* ---- streams: each message in an envelope, the last one tells how the call ended */

static int send_envelope(struct gw *gw, uint8_t flags, const struct buf *text)
{
	char head[CONNECT_ENVELOPE_BYTES];
	const struct iovec parts[] = { { head, sizeof(head) }, { text->data, text->len } };

	connect_envelope(flags, text->len, head);
	return http_writev(gw->http, parts, ARRAY_LEN(parts));
}

static int send_message(struct call *c, const ProtobufCMessage *message, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	bool compressed = false;
	int r = connect_print(&c->form, message, &text, &compressed, err);

	return r < 0 ? r : send_envelope(c->gw, compressed ? CONNECT_FLAG_COMPRESSED : 0, &text);
}

static void end_stream(struct gw *gw, int r, const struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	if (r < 0) {
		buf_puts(&text, "{\"error\":");
		connect_print_error(&text, err);
		buf_puts(&text, "}");
	} else {
		buf_puts(&text, "{}");
	}
	(void)!send_envelope(gw, CONNECT_FLAG_END, &text);
}

static int run_stream(struct call *c, const ProtobufCMessage *req, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_engine(c->gw, err);

	c->gw->streamed = true;
	if (r == 0)
		r = gw_deadline(c->gw, &c->options.timeout_ms, err);
	if (r == 0)
		r = rpc_client_call_open(c->gw->client, &c->options, c->method, req, &call, err);
	while (r == 0) {
		ProtobufCMessage *message = NULL;
		int n = gw_recv(c->gw, call, &message, err);

		if (n <= 0)
			return n;
		r = send_message(c, message, err);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	return r;
}

static void begin_stream(struct call *c)
{
	struct http_request *q = c->gw->http;

	if (c->form.gzip_read) {
		q->header = "Connect-Content-Encoding";
		q->header_value = strdup("gzip");
	}
	http_begin(q, 200, content_type(c));
}

static void stream(struct call *c)
{
	ProtobufCMessage *req = NULL;
	struct err err = ERR_NULL;
	const char *text = NULL;
	bool compressed = false;
	size_t n = 0;
	int r = read_headers(c, &err);

	if (r == 0)
		r = connect_unwrap(&c->gw->http->body, &text, &n, &compressed, &err);
	if (r == 0)
		r = connect_parse(&c->form, compressed, c->method->input, text, n, &req, &err);
	begin_stream(c);
	if (r == 0)
		r = run_stream(c, req, &err);
	if (req)
		protobuf_c_message_free_unpacked(req, NULL);
	if (r != -EPIPE)
		end_stream(c->gw, r, &err);
}

/* ---- which */

static unsigned wrong_type(struct http_request *q, const char *accepted)
{
	q->header = "Accept-Post";
	q->header_value = strdup(accepted);
	return 415;
}

/* 0, or the HTTP status that refuses the request before its method is called. Tells JSON from protobuf. */
static unsigned refuse(struct call *c)
{
	const struct gw *gw = c->gw;
	bool streams = c->method && c->method->shape == RPC_SERVER_STREAM;
	const char *json = streams ? "application/connect+json" : "application/json";
	const char *binary = streams ? "application/connect+proto" : "application/proto";

	if (strcmp(gw->http->method, "GET") == 0)
		return c->method && c->method->shape == RPC_UNARY && c->method->no_side_effects
			       ? 0
			       : 405;
	if (strcmp(gw->http->method, "POST") != 0)
		return 405;
	c->form.binary = is_type(gw, binary);
	if (!c->method || c->form.binary || is_type(gw, json))
		return 0;
	return wrong_type(gw->http, streams ? "application/connect+json, application/connect+proto"
					    : "application/json, application/proto");
}

void gw_connect(struct gw *gw)
{
	struct call c = { .gw = gw, .method = gw_method(gw->http->path + 1) };
	unsigned refused = refuse(&c);
	struct err err = ERR_NULL;

	gw->http->route = c.method ? c.method->path : NULL;
	if (!c.method && refused != 405)
		(void)err_set(&err, ERR_UNIMPLEMENTED, "there is no method %s", gw->http->path + 1);
	else if (c.method && c.method->shape != RPC_UNARY && c.method->shape != RPC_SERVER_STREAM)
		(void)err_set(&err, ERR_UNIMPLEMENTED,
			      "%s streams from the client, which is not served over HTTP",
			      c.method->path);
	else if (refused)
		gw_status(gw, refused);
	else if (c.method->shape == RPC_SERVER_STREAM)
		stream(&c);
	else if (unary(&c, &err) < 0 && !err.code)
		(void)err_set(&err, ERR_INTERNAL, "out of memory");
	if (err.code)
		fail(gw, &err);
}
