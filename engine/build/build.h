/* SPDX-License-Identifier: Apache-2.0 */
/* Images from Dockerfiles. Nothing is visible before the build is done; what its steps came to stays in the
 * build cache, also of one that failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/images.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

enum { BUILD_TITLE_MAX = 200 };

enum build_event_kind {
	BUILD_BEGIN,  /* a step */
	BUILD_CACHED, /* it was done before */
	BUILD_DONE,
	BUILD_FAILED,
	BUILD_OUTPUT, /* of the step */
	BUILD_NOTE,   /* of the build */
	BUILD_WANTED, /* files of a listed context: paths, a NUL behind each */
};

struct contents;

struct build_event {
	enum build_event_kind kind;
	const char *step; /* its title; the text of a note */
	int stream;       /* 1 stdout, 2 stderr */
	const void *data; /* of an output, or what is wanted */
	size_t len;
};

struct build_options {
	const Cleat__V1__BuildRequest__Options *request;
	/* Called from the build's threads, one at a time; an error ends the build. */
	int (*tell)(void *ctx, const struct build_event *event, struct err *err);
	void *ctx;
	int cancel_fd; /* readable = stop; -1 = never */
	struct contents
		*contents; /* of a listed context, borrowed; NULL = the context comes whole */
};

/* Builds from the context (a tar, plain or compressed) that is read from context_fd (borrowed) to its end.
 * Blocks. -EINVAL with Docker's sentences, -ECANCELED; the id is in `id` on success. With `contents`, context_fd is not read. */
int build_image(struct engine *engine, const struct build_options *options, int context_fd,
		char id[72], struct err *err) must_check;
