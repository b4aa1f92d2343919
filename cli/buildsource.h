/* SPDX-License-Identifier: Apache-2.0 */
/* Where a build's Dockerfile and context come from: a directory, a tar or a Dockerfile on stdin, a URL. The
 * Dockerfile is read here and sent by its text, so that it may be anywhere. Blocks on files and stdin. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "ignore.h"
#include "mem.h"

struct buildsource {
	int context_fd;                            /* a directory, -1 = none */
	struct ignore ignore;                      /* what of it is no part of the context */
	bool stream_stdin;                         /* the context is a tar on stdin ... */
	struct buf head;                           /* ... of which this was read */
	const char *file;                          /* -f; borrowed */
	Cleat__V1__BuildRequest__Options *options; /* borrowed */
};
#define BUILDSOURCE_NULL ((struct buildsource){ .context_fd = -1 })

/* `context` and `file` (NULL = not given) as the user wrote them. Fills in the options what they say. -EINVAL
 * with Docker's sentences. */
int buildsource_open(struct buildsource *source, const char *context, const char *file,
		     Cleat__V1__BuildRequest__Options *options, struct err *err) must_check;
void buildsource_deinit(struct buildsource *source);
