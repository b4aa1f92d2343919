/* SPDX-License-Identifier: Apache-2.0 */
/* What a push consists of. */
#pragma once

#include <stdint.h>

#include "content.h"
#include "document.h"
#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"
#include "reference.h"
#include "upload.h"

enum push_state { PUSH_PREPARING, PUSH_SENDING, PUSH_DONE };

struct push_layer {
	const struct descriptor *blob;
	char id[16];            /* for people: the layer's */
	struct content content; /* fd -1: the bytes are not here */
	struct strings sources; /* paths of repositories of the same registry that have it */
	_Atomic int state;
	_Atomic uint64_t sent;
	enum upload_end end; /* once it is done */
	const char *from;    /* where it was mounted from */
};

struct push_plan {
	struct image image;
	struct document manifest;
	struct push_layer *layers;
	size_t n_layers;
	struct strings sources; /* all layers' */
};
void push_plan_deinit(struct push_plan *plan);

/* The manifest the image came with, and where its blobs are; 1 = it came without or the manifest is gone. `plan`
 * holds the image. */
int push_plan_exact(struct push_plan *plan, struct engine *engine, const struct reference *to,
		    struct err *err) must_check;
/* One of what is here (compose.h). */
int push_plan_composed(struct push_plan *plan, struct engine *engine, const struct reference *to,
		       int stop_fd, struct err *err) must_check;
