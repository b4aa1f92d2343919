/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests in, whole replies out. Hides libmicrohttpd. */
#pragma once

#include "buf.h"
#include "err.h"

enum {
	HTTP_MAX_BODY = 16 << 20, /* longer: 413 */
	HTTP_MAX_HEAD = 64 << 10,
	HTTP_MAX_CONNECTIONS = 256, /* further ones wait in the listen queue */
};

struct http_request {
	const char *method, *path; /* path without query, decoded */
	const char *content_type;  /* "" = none */
	const char *timeout_ms;    /* Connect-Timeout-Ms, "" = none */
	struct buf body;
	/* The answer, filled in by the handler. */
	unsigned status;
	const char *type; /* static */
	struct buf reply;
};

typedef void http_handler(struct http_request *request, void *arg);

/* Answers requests on the listening socket (consumed) from threads of its own until the process ends.
 * The handler may block and is called by many threads at once; arg is borrowed for ever. */
int http_start(int listen_fd, http_handler *handler, void *arg, struct err *err) must_check;
