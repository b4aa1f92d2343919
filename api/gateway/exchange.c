/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cleat/v1/services.rpc.h"
#include "enginepool.h"
#include "fd.h"
#include "str.h"

enum { STEP_MS = 20, PART_BYTES = 64 << 10 };

const struct rpc_method *gw_method(const char *path)
{
	for (size_t i = 0; i < cleat_v1_n_services; i++)
		for (size_t k = 0; k < cleat_v1_services[i]->n_methods; k++)
			if (!strcmp(cleat_v1_services[i]->methods[k].path, path))
				return &cleat_v1_services[i]->methods[k];
	return NULL;
}

int gw_deadline(const struct gw *gw, uint32_t *left_ms, struct err *err)
{
	int64_t left_ns = gw->deadline_ns - fd_monotonic_ns();

	*left_ms = 0;
	if (gw->deadline_ns == 0)
		return 0;
	if (left_ns <= 0)
		return err_set(err, ERR_DEADLINE, "the call took longer than its timeout");
	*left_ms = (uint32_t)(left_ns / 1000000 + 1);
	return 0;
}

bool gw_again(struct gw *gw, const struct err *err, int64_t *since_ns)
{
	static const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int64_t now = fd_monotonic_ns();

	if (err->code != ERR_UNAVAILABLE)
		return false;
	if (gw->deadline_ns && now > gw->deadline_ns)
		return true; /* the next attempt says so */
	if (*since_ns == 0)
		*since_ns = now;
	if (now - *since_ns > GW_ABSENT_MS * INT64_C(1000000))
		return false;
	(void)nanosleep(&step, NULL);
	return true;
}

int gw_engine(struct gw *gw, struct err *err)
{
	int64_t since_ns = 0;
	int r = 0;

	if (!gw->client)
		gw->client = enginepool_take();
	while (!gw->client) {
		struct rpc_client_config config = { 0 };

		*err = ERR_NULL;
		r = gw_deadline(gw, &config.connect_ms, err);
		if (r == 0)
			r = rpc_client_open(&gw->client, gw->url, &config, err);
		if (r < 0 && !gw_again(gw, err, &since_ns))
			return r;
	}
	return 0;
}

void gw_done(struct gw *gw)
{
	if (gw->client && !gw->streamed)
		enginepool_put(gw->client);
	else
		rpc_client_close(gw->client);
	gw->client = NULL;
}

int gw_unary(struct gw *gw, const struct rpc_method *method, const ProtobufCMessage *request,
	     ProtobufCMessage **reply, struct err *err)
{
	struct rpc_options options = { 0 };
	int64_t since_ns = 0;
	char key[65];
	int r = gw_engine(gw, err);

	if (r < 0)
		return r;
	if (!method->no_side_effects) {
		str_random_id(key);
		options.request_key = key;
	}
	do {
		*err = ERR_NULL;
		r = gw_deadline(gw, &options.timeout_ms, err);
		if (r == 0)
			r = rpc_client_unary(gw->client, &options, method, request, reply, err);
	} while (r < 0 && gw_again(gw, err, &since_ns));
	return r;
}

/* A method that takes such a message. */
static int method_of(const char *path, const ProtobufCMessage *message,
		     const struct rpc_method **out, struct err *err)
{
	*out = gw_method(path);
	if (*out && (*out)->input == message->descriptor)
		return 0;
	return err_set(err, ERR_INTERNAL, "no method %s of %s", path, message->descriptor->name);
}

int gw_call_other(struct gw *gw, const char *path, const void *request, void *reply,
		  struct err *err)
{
	const struct rpc_method *method;
	ProtobufCMessage *message = NULL;
	int r = method_of(path, request, &method, err);

	r = r ? r : gw_unary(gw, method, request, &message, err);

	if (r == 0)
		*(ProtobufCMessage **)reply = message;
	return r;
}

int gw_call(struct gw *gw, const void *request, void *reply, struct err *err)
{
	return gw_call_other(gw, gw->route->rpc, request, reply, err);
}

int gw_open_other(struct gw *gw, const char *path, const void *first, struct rpc_client_call **call,
		  struct err *err)
{
	const struct rpc_method *method;
	const struct rpc_options options = { 0 };
	int r = method_of(path, first, &method, err);

	r = r ? r : gw_engine(gw, err);
	gw->streamed = true;
	return r < 0 ? r : rpc_client_call_open(gw->client, &options, method, first, call, err);
}

int gw_open(struct gw *gw, const void *first, struct rpc_client_call **call, struct err *err)
{
	return gw_open_other(gw, gw->route->rpc, first, call, err);
}

int gw_recv(struct gw *gw, struct rpc_client_call *call, void *message, struct err *err)
{
	int client = http_client_fd(gw->http);

	if (client < 0)
		return client == -EPIPE ? client
					: err_sys(err, client, "a descriptor of the client's");
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = rpc_client_fd(gw->client),
			  .events = rpc_client_events(gw->client) },
			{ .fd = client, .events = POLLRDHUP },
		};
		int r = rpc_client_call_try_recv(call, message, err);

		if (r != -EAGAIN)
			return r;
		if (poll(fds, ARRAY_LEN(fds), rpc_client_timeout_ms(gw->client)) < 0 &&
		    errno != EINTR)
			return err_sys(err, errno, "poll");
		if (fds[1].revents)
			return -EPIPE;
		(void)rpc_client_process(gw->client, err);
	}
}

int gw_send_body(struct gw *gw, struct rpc_client_call *call,
		 int (*send)(struct rpc_client_call *call, const void *data, size_t n,
			     struct err *err),
		 struct err *err)
{
	cleanup(buf_deinit) struct buf piece = BUF_NULL;
	int n, r = 0;

	while ((n = http_read(gw->http, &piece)) > 0)
		for (size_t at = 0; at < piece.len; at += PART_BYTES) {
			size_t left = piece.len - at;

			r = send(call, piece.data + at, left < PART_BYTES ? left : PART_BYTES, err);
			if (r < 0)
				return r == -EPIPE ? 0 : r;
		}
	return n < 0 ? n : rpc_client_call_end(call, err);
}

/* ---- answers */

void gw_fail(struct gw *gw, const struct err *err)
{
	struct http_request *q = gw->http;

	if (gw->streaming) {
		(void)!gw_send_json(gw, json_pack("{s:{s:s}, s:s}", "errorDetail", "message",
						  err->message, "error", err->message));
		return;
	}
	buf_deinit(&q->reply);
	q->status = (unsigned)err_code_http(err->code);
	q->type = "application/json";
	buf_puts(&q->reply, "{\"message\":");
	buf_json_string(&q->reply, err->message, strlen(err->message));
	buf_puts(&q->reply, "}\n");
}

void gw_status(struct gw *gw, unsigned status)
{
	gw->http->status = status;
	gw->http->type = NULL;
}

void gw_json(struct gw *gw, unsigned status, json_t *value)
{
	cleanup_free char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(value);
	gw->http->status = text ? status : 500;
	gw->http->type = "application/json";
	buf_puts(&gw->http->reply, text ? text : "{\"message\":\"out of memory\"}");
	buf_putc(&gw->http->reply, '\n');
}

int gw_send_json(struct gw *gw, json_t *value)
{
	cleanup_free char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (!text)
		return -ENOMEM;
	if (!gw->streaming)
		http_begin(gw->http, 200, "application/json");
	gw->streaming = true;
	const struct iovec line[] = { { text, strlen(text) }, { (char[]){ "\n" }, 1 } };

	return http_writev(gw->http, line, ARRAY_LEN(line));
}

/* ---- requests */

bool gw_query_bool(const struct gw *gw, const char *name)
{
	return http_has_query(gw->http, name) && str_query_bool(http_query(gw->http, name));
}

/* Also what keeps a page in a browser from sending us one: a form cannot have this type. */
static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = strcspn(type, "; \t");

	return n == sizeof(json) - 1 && strncasecmp(type, json, n) == 0;
}

json_t *gw_body(const struct gw *gw, struct err *err)
{
	const struct buf *body = &gw->http->body;
	json_error_t where;
	json_t *value;

	if (body->len == 0)
		return json_object();
	if (!is_json(gw->http->content_type)) {
		(void)err_set(
			err, ERR_INVALID,
			"unsupported Content-Type header (%.100s): must be 'application/json'",
			gw->http->content_type);
		return NULL;
	}
	value = json_loadb(body->data, body->len, 0, &where);
	if (!value)
		(void)err_set(err, ERR_INVALID, "invalid JSON, line %d, column %d: %s", where.line,
			      where.column, where.text);
	else if (!json_is_object(value)) {
		json_decref(value);
		value = NULL;
		(void)err_set(err, ERR_INVALID, "invalid JSON: expected an object");
	}
	return value;
}

int gw_filters(const struct gw *gw, Cleat__V1__Filter ***filters, size_t *n, struct err *err)
{
	return filtersjson_parse(http_query(gw->http, "filters"), filters, n, err);
}
