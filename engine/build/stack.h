/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of a stage under way, as an image that no user sees: containers of RUN are made from it, and
 * it keeps its layers from being removed. It ends with the build, or, when its engine died, with the next
 * start of one. Blocks on the store. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "lease.h"
#include "manifest.h"
#include "mem.h"

struct stack {
	struct engine *engine;
	const char *lease; /* of the build; borrowed */
	char id[72];
	struct strings layers; /* sha256:..., lowest first */
	uint64_t size_bytes;
	int64_t created_ns; /* of what is on top; 0 = not known */
};

/* With these layers (copied), whose files have size_bytes. */
int stack_open(struct stack *stack, struct engine *engine, const char *lease,
	       const struct strings *layers, uint64_t size_bytes, struct err *err) must_check;
void stack_deinit(struct stack *stack);
/* One layer on top, made then. Call under image_lock() with the layer published. */
int stack_push(struct stack *stack, const char *diff_id, uint64_t size_bytes, int64_t created_ns,
	       struct err *err) must_check;
/* Takes the rows of a build's stacks away. */
int stack_drop_all(struct engine *engine, const char *lease, struct err *err) must_check;

/* Directories of the layers, topmost first, the engine's base last: descriptors for rootfs_open(). */
struct lowers {
	int *fds;
	size_t n;
};
int lowers_open(struct lowers *lowers, const struct stack *stack, struct err *err) must_check;
/* The base alone: a root without files. */
int lowers_open_empty(struct lowers *lowers, struct engine *engine, struct err *err) must_check;
void lowers_deinit(struct lowers *lowers);
