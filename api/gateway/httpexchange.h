/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, of which libmicrohttpd's thread and the handler's each have a part. Private to the HTTP
 * server. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http.h"
#include "httpconn.h"
#include "list.h"

enum { HTTP_METHOD_MAX = 16, HTTP_AGENT_MAX = 64 };

enum mode { WHOLE, STREAM, RAW, TAKEN };

/* An answer that several exchanges have; freed with the last of them. */
struct httpbatch_answer {
	atomic_uint refs;
	struct MHD_Response *response;
};

struct exchange {
	struct http_request request;
	const struct http_service *service;
	struct httpconn *client;
	char *path;
	char *subject; /* of the client's certificate, NULL = none */
	char method[HTTP_METHOD_MAX], client_name[HTTPCONN_NAME_MAX], agent[HTTP_AGENT_MAX];
	int64_t begun_ns;
	struct http_outcome outcome;
	struct list batched;             /* in a batch, see httpbatch.h */
	struct httpbatch_answer *answer; /* NULL = one of its own */
	bool handed_over;
	bool refused; /* for its head */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* Under the mutex. */
	enum mode mode;
	struct buf unsent;
	bool whole_body; /* it has come to its end */
	bool ended;      /* the handler has returned */
	bool gone;       /* libmicrohttpd is done with the request */
	bool suspended;
	int raw_fd;    /* of an upgraded or taken connection, -1 = not yet */
	void *session; /* its TLS, NULL = none or not yet */
	struct MHD_UpgradeResponseHandle *upgrade;
	int watched_fd; /* see http_client_fd(); owned, -1 = none */
};

struct exchange *exchange_of(const struct http_request *request);
/* Of the client, as long as its connection is. */
int exchange_socket(const struct exchange *e);

/* Both under the mutex. */
void exchange_suspend(struct exchange *e);
void exchange_resume(struct exchange *e);

/* From the handler's thread: the answer of this mode is queued from now on. */
void exchange_go_on_as(struct exchange *e, enum mode mode);

/* The handler's part ends: what it left in the request is answered, or dropped when the client is gone. */
void exchange_finish(struct exchange *e);
/* The answer with its headers, as it is now; owned. NULL without memory. */
struct MHD_Response *exchange_response(struct exchange *e);
