/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request at a time over connections that are kept. Hides libcurl. A transfer is one thread's;
 * everything blocks until it is done, its time is over, or the stop descriptor is readable. Redirects of GET
 * and HEAD are followed; credentials do not go with them to another host, nor to plain HTTP. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

enum {
	TRANSFER_HEADERS_MAX = 6,
	TRANSFER_LOCATION_MAX = 8192,
	TRANSFER_TEXT_MAX = 4096,
	TRANSFER_BODY_MAX = 64 << 10, /* of a reply nobody asked to be longer */
};

struct transfer;

struct transfer_options {
	const char *certs_dir;  /* HOST/ below it holds what TLS needs for that host; borrowed */
	unsigned int timeout_s; /* to connect, and without a byte */
	int stop_fd;            /* -1 = none */
};

struct transfer_reply {
	long status;
	char content_type[256];
	char digest[128];                     /* Docker-Content-Digest */
	char location[TRANSFER_LOCATION_MAX]; /* as the server wrote it */
	char challenge[TRANSFER_TEXT_MAX];    /* all WWW-Authenticate, joined by ", " */
	char retry_after[64], range[64], content_range[64], link[1024];
	uint64_t content_length; /* UINT64_MAX = not said */
	bool cut;                /* there was a connection, and it ended before the answer did */
	char *url;               /* what answered in the end; owned */
	struct buf body;         /* what no sink took */
};

struct transfer_request {
	const char *method; /* GET, HEAD, POST, PUT, PATCH */
	const char *url;
	const char *host; /* names the folder of certificates; NULL = none */
	bool insecure;    /* certificates are not checked */
	const char *headers[TRANSFER_HEADERS_MAX]; /* "Name: value"; NULL = nothing */
	/* The body of POST, PUT and PATCH: `len` bytes at `data` or, when that is NULL, of `fd` at `offset`. */
	const void *data;
	int fd;
	uint64_t offset, len;
	_Atomic uint64_t *sent; /* counts its bytes; NULL = nobody */
	/* Takes the body of a reply with status 200 or 206. Other than 0 ends the transfer and is its
	 * result. NULL: the body is kept, up to body_max (0 = TRANSFER_BODY_MAX) bytes. */
	int (*sink)(void *ctx, const struct transfer_reply *reply, const void *data, size_t n,
		    struct err *err);
	void *ctx;
	size_t body_max;
};

/* What the bytes are for may end before they have all come. */
struct transfer_watch {
	int fd;                   /* borrowed; readable once it has */
	bool (*stops)(void *ctx); /* asked then, once: whether no more bytes are wanted */
	void *ctx;
};

/* Returns owned. `options` are copied. */
int transfer_open(struct transfer **out, const struct transfer_options *options,
		  struct err *err) must_check;
struct transfer *transfer_free(struct transfer *transfer);
void transfer_freep(struct transfer **transfer);

/* From now on the transfer stops for this, too (copied; NULL = for nothing else). Never blocks. */
void transfer_watch(struct transfer *transfer, const struct transfer_watch *watch);

/* 0 for a reply of any status, in *reply (free with transfer_reply_deinit() in any case). ERR_UNAVAILABLE when
 * there was none or it was cut off: worth another try; -ECANCELED after a stop; else for good. */
int transfer_run(struct transfer *transfer, const struct transfer_request *request,
		 struct transfer_reply *reply, struct err *err) must_check;
void transfer_reply_deinit(struct transfer_reply *reply);

/* Sleeps as long as backoff.h says after `tries` failed ones, the last with `reply` (NULL = none). -ECANCELED after
 * a stop. */
int transfer_back_off(struct transfer *transfer, unsigned int tries,
		      const struct transfer_reply *reply, struct err *err) must_check;
/* Sleeps. -ECANCELED after a stop. */
int transfer_wait(struct transfer *transfer, int64_t ms, struct err *err) must_check;
