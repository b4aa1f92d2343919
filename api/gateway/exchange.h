/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request on its way to the engine: the connection it opens when it needs it, and the forms in
 * which answers and errors go back. Private to the gateway. */
#pragma once

#include <jansson.h>

#include "cleat/v1/common.pb-c.h"
#include "client.h"
#include "filtersjson.h"
#include "http.h"
#include "routes.h"

struct gw {
	struct http_request *http;
	const char *url; /* of the engine */
	struct rpc_client *client;
	struct route_match match;
	const struct gw_route *route; /* NULL: Connect's */
	bool streamed;                /* a call of `client` was no unary one */
	bool streaming;               /* the status line has been sent */
	int64_t deadline_ns;          /* of the whole call, on the monotonic clock; 0 = none */
};

/* ---- calls */

/* The method of a service by its path, "cleat.v1.Containers/List"; NULL = there is none. */
const struct rpc_method *gw_method(const char *path);

/* Connects gw->client unless it is. An engine that is not there is waited for GW_ABSENT_MS: it may be about to
 * come back; no longer than until the deadline. Blocks. */
enum { GW_ABSENT_MS = 10000 };
int gw_engine(struct gw *gw, struct err *err) must_check;
/* Closes the connection, or keeps it for another request: all calls have ended. */
void gw_done(struct gw *gw);

/* The unary call of the request's route; connects, and repeats what an engine that went away cut off. *reply is
 * owned. Blocks. */
int gw_call(struct gw *gw, const void *request, void *reply, struct err *err) must_check;
/* As gw_call(), of another method than the route's: "cleat.v1.Containers/List". */
int gw_call_other(struct gw *gw, const char *method, const void *request, void *reply,
		  struct err *err) must_check;
/* As gw_call(), of a method that was found. */
int gw_unary(struct gw *gw, const struct rpc_method *method, const ProtobufCMessage *request,
	     ProtobufCMessage **reply, struct err *err) must_check;
/* What is left until the call's deadline, 0 = it has none; DEADLINE_EXCEEDED when nothing is. */
int gw_deadline(const struct gw *gw, uint32_t *left_ms, struct err *err) must_check;

/* The call of the request's route, of any shape, with its first message. */
int gw_open(struct gw *gw, const void *first, struct rpc_client_call **call,
	    struct err *err) must_check;
int gw_open_other(struct gw *gw, const char *method, const void *first,
		  struct rpc_client_call **call, struct err *err) must_check;
/* The next message, owned: 1; 0 at the end; -EPIPE without a sentence when the HTTP client is gone;
 * -errno. Blocks. */
int gw_recv(struct gw *gw, struct rpc_client_call *call, void *message, struct err *err) must_check;
/* After a failed stream: whether to open it again, as the engine moved or will be back. Sleeps a little. */
bool gw_again(struct gw *gw, const struct err *err, int64_t *since_ns);

/* Sends the request's body as it comes, in parts that `send` makes messages of, until its end or until the call has
 * ended early: how, its first message tells. */
int gw_send_body(struct gw *gw, struct rpc_client_call *call,
		 int (*send)(struct rpc_client_call *call, const void *data, size_t n,
			     struct err *err),
		 struct err *err) must_check;

/* ---- Docker's answers */

/* {"message": ...} with Docker's status, or an error object in a stream that has begun. */
void gw_fail(struct gw *gw, const struct err *err);
/* The status and no body. */
void gw_status(struct gw *gw, unsigned status);
/* `value` (consumed) as the body. */
void gw_json(struct gw *gw, unsigned status, json_t *value);
/* One object of a stream, with a newline; begins the stream. Consumes. -EPIPE. */
int gw_send_json(struct gw *gw, json_t *value) must_check;

/* ---- Docker's requests */

bool gw_query_bool(const struct gw *gw, const char *name);
/* The body as a JSON object, owned; an empty one is {}. NULL with *err, also when its type is another. */
json_t *gw_body(const struct gw *gw, struct err *err) must_check;
/* Query parameter `filters` as a list of messages; free with filtersjson_free(). */
int gw_filters(const struct gw *gw, Cleat__V1__Filter ***filters, size_t *n,
	       struct err *err) must_check;

/* ---- what a handler leaves to another file's */

/* platform.c. The query's platform as JSON: 1 = *out borrows from *root (json_decref), 0 = none given. */
int gw_json_platform(struct gw *gw, json_t **root, Cleat__V1__Platform *out,
		     struct err *err) must_check;
/* registry.c: POST /images/create?fromImage=. */
void gw_pull(struct gw *gw);

/* connect.c: POST /cleat.v1.Service/Method. */
void gw_connect(struct gw *gw);
