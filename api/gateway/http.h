/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests in; whole replies, streamed ones or raw connections out. Hides libmicrohttpd. */
#pragma once

#include <stdbool.h>
#include <sys/uio.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

enum {
	HTTP_MAX_LISTENERS = 8,
	HTTP_MAX_UNSENT = 256 << 10, /* of a streamed reply; then http_write() waits */
	HTTP_MAX_UNREAD = 256 << 10, /* of a streamed body; then the client waits */
	HTTP_HANDSHAKE_S = 10,       /* for all of TLS' one */
};

/* What a client may take. */
struct http_limits {
	size_t body_bytes;    /* longer: 413; not of a body that is streamed on */
	size_t head_bytes;    /* longer: 431 or 414 */
	unsigned connections; /* of a listener; further ones wait in the listen queue */
	unsigned requests;    /* being answered, of all listeners; further ones: 503 */
	unsigned idle_s;      /* without a byte that is due, by the client or to it: closed */
	unsigned request_s;   /* and so long, for all of a request, once that has begun */
};

/* PEM files; of the certificate the whole chain. */
struct http_tls {
	const char *ca; /* of clients, without which nobody gets in; NULL = everybody does */
	const char *cert, *key;
};

/* libmicrohttpd touches half of a head's room for each connection, so that is not larger than it must be. */
#define HTTP_LIMITS ((struct http_limits){ 16 << 20, 16 << 10, 2048, 2048, 120, 120 })

struct MHD_Connection;

struct http_request {
	struct MHD_Connection *connection; /* NULL: a request without query and headers */
	const char *method, *path;         /* path without query, decoded */
	const char *content_type;          /* "" = none */
	const char *timeout_ms;            /* Connect-Timeout-Ms, "" = none */
	struct buf body;
	/* The answer, filled in by the handler. */
	unsigned status;
	const char *type;   /* static, NULL = none */
	const char *route;  /* static: the pattern it was found by, for counting; NULL = none */
	const char *header; /* one more, static, NULL = none; before http_begin() */
	char *header_value; /* its value, owned by the request then */
	const char *coding; /* Content-Encoding of `reply`, static, NULL = as it is */
	bool broken;        /* a streamed reply lacks its end: the client is to see that */
	struct buf reply;
};

/* How a request ended. Strings borrow. */
struct http_outcome {
	const char *client, *agent; /* "uid:0" or an address; User-Agent, cut */
	const char *subject;        /* of the client's certificate, NULL = it has none */
	uint64_t sent_bytes;        /* of the body; not of raw connections */
	int64_t first_ns, took_ns;  /* until the answer began, 0 = it never did; until its end */
	bool complete;              /* the client has all of it */
};

typedef void http_handler(struct http_request *request, void *arg);

struct http_service {
	/* May block; is called by many threads at once. */
	http_handler *handle;
	/* Whether such a request's handler takes its body with http_read(), while it comes. Never blocks. */
	bool (*streams_body)(const char *method, const char *path);
	/* Whether handle() answers such a request without waiting for anything. */
	bool (*is_quick)(const char *method, const char *path);
	/* Whether such an answer is the same for all who ask with the same path and query, and changes nothing. */
	bool (*is_shared)(const char *method, const char *path);
	/* Called once a request is over, by any thread. NULL = nobody is told. Never blocks. */
	void (*ended)(const struct http_request *request, const struct http_outcome *outcome);
	struct http_limits limits;
	void *arg;
};

/* Answers requests on the listening socket (consumed) from threads of its own until the process ends;
 * `service` is borrowed for ever. `tls` (borrowed during the call, which reads its files): NULL = none. */
int http_start(int listen_fd, const struct http_service *service, const struct http_tls *tls,
	       struct err *err) must_check;
/* Takes no connection any more; those there are go on. The sockets stay open. */
void http_stop_listening(void);
/* How many connections there are. */
unsigned http_connections(void);
/* Closes connections whose request has been due for so long, or whose handshake for HTTP_HANDSHAKE_S. To be called
 * every second or so. */
void http_sweep(unsigned after_s);

/* ---- In a handler. ---- */

/* Value of a query parameter or header; "" = absent. Borrowed for the request. */
const char *http_query(const struct http_request *request, const char *name);
/* A query parameter that may hold any byte: *n is its length. */
const char *http_query_bytes(const struct http_request *request, const char *name, size_t *n);
/* The parameter's values where it is given several times: the i-th, NULL behind the last. */
const char *http_query_nth(const struct http_request *request, const char *name, size_t i);
const char *http_header(const struct http_request *request, const char *name);
/* Whether the query has the parameter at all. */
bool http_has_query(const struct http_request *request, const char *name);

/* Replaces what is in `piece` by what has come of a streamed body: 1; 0 at its end; -EPIPE when the client is
 * gone. Blocks while nothing has come. Query and headers may be asked for only before the first call. An
 * answer goes out when the body has come to its end; what is not read is dropped by then. */
int http_read(struct http_request *request, struct buf *piece) must_check;

/* Sends status and headers now; what follows is http_write(), and request->reply is not used. */
void http_begin(struct http_request *request, unsigned status, const char *type);
/* Sends a part of the body. Blocks while HTTP_MAX_UNSENT bytes wait. -EPIPE when the client is gone. */
int http_write(struct http_request *request, const void *data, size_t n) must_check;
/* As http_write(), of parts that belong together: clients take a chunk of the transfer for a message, so its
 * end must not come in the next. */
int http_writev(struct http_request *request, const struct iovec *parts, size_t n) must_check;
/* A descriptor of the client's socket, for poll with POLLRDHUP only: whoever waits for something else sees by it that
 * nobody waits for the answer any more. Borrowed until the handler returns, also when libmicrohttpd has closed its own.
 * -EPIPE when the client is gone, or -errno without a descriptor. */
int http_client_fd(const struct http_request *request);

/* Whether the client wants the connection to become a raw one by `Upgrade: tcp`. */
bool http_wants_upgrade(const struct http_request *request);
/* Makes it one (101); its nonblocking socket is returned for poll(2), borrowed until the handler returns, which closes
 * it. Bytes that came with the request are in request->body then, but with TLS are dropped. -EPIPE when the client is
 * gone. Blocks. */
int http_upgrade(struct http_request *request, const char *type) must_check;
/* The same for a client that did not ask: status 200 and no length, as dockerd does it. What such a client sends
 * before it has the status is dropped. Never blocks. */
int http_take(struct http_request *request, const char *type) must_check;
/* The bytes of a raw connection: how many, 0 when the client sends no more, -EAGAIN until the socket is ready, -EPIPE
 * when the connection broke, which over TLS is no end of input. What was to be written at -EAGAIN is to be written next. Never block. */
ssize_t http_raw_read(struct http_request *request, void *data, size_t size) must_check;
ssize_t http_raw_write(struct http_request *request, const void *data, size_t n) must_check;
/* Waits until the client has read what it was sent, ten seconds at the most. docker-py reads the head through a buffer and
 * what follows from the socket itself: output that came together with the head is lost to it. */
void http_raw_await_reader(int sock);
/* Whether there are bytes to read that poll(2) does not tell of. */
bool http_raw_pending(const struct http_request *request);
