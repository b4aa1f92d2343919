/* SPDX-License-Identifier: Apache-2.0 */
/* The call of a build: options and context go to the engine, what it tells and asks for comes back meanwhile. Blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buildcontext.h"
#include "buildprogress.h"
#include "buildsource.h"
#include "cleat/v1/images.pb-c.h"
#include "cli.h"
#include "err.h"
#include "mem.h"

struct buildstream {
	struct buildsource source;
	struct buildprogress progress;
	struct rpc_client_call *call;
	struct buildcontext context;    /* of a directory */
	Cleat__V1__BuildReply **wanted; /* files the engine asks for, in the order it did */
	size_t n_wanted;
	bool shows_context;     /* its step has begun and not ended */
	uint64_t listing_bytes; /* of the context's listing, as they travel ... */
	uint64_t sent_bytes;    /* ... and of all of it that was sent */
	int64_t sent_ns;        /* when the last of that was; CLOCK_MONOTONIC */
	int64_t shown_ns;       /* when that was shown last; CLOCK_MONOTONIC */
	char *image_id;
};
#define BUILDSTREAM_NULL ((struct buildstream){ .source = BUILDSOURCE_NULL })

/* With `source` and the face of `progress` set: image_id is what came of it. The engine's error otherwise. */
int buildstream_run(struct buildstream *stream, struct cli *cli,
		    Cleat__V1__BuildRequest__Options *options, struct err *err) must_check;
void buildstream_deinit(struct buildstream *stream);
