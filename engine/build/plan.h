/* SPDX-License-Identifier: Apache-2.0 */
/* A Dockerfile's stages: what each is made from, which ones the target needs. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dockerfile.h"
#include "err.h"
#include "mem.h"
#include "scope.h"

enum { PLAN_STAGES_MAX = 256, PLAN_NONE = -1 };

struct stage {
	const char *name;  /* borrowed from the Dockerfile; NULL = it has none */
	char *image;       /* expanded; "scratch"; NULL when it begins as another stage */
	char *platform;    /* expanded; NULL = not said */
	int parent;        /* the stage it begins as, or PLAN_NONE */
	size_t first, end; /* its instructions, FROM included */
	bool needed;
	bool needs[PLAN_STAGES_MAX]; /* stages that must be there before */
};

struct plan {
	struct stage *v;
	size_t n;
	size_t target;       /* the stage the image comes from */
	struct scope global; /* ARGs before the first FROM, with the values they have */
};
#define PLAN_NULL ((struct plan){ 0 })

/* `args` are the user's build arguments, `builtin` those the engine sets (TARGETPLATFORM ...); `target`
 * is a stage's name or number, "" = the last. -EINVAL with Docker's sentence, -ENOMEM. Owned in *out,
 * which borrows from the file. */
int plan_make(const struct dockerfile *file, const struct scope *args, const struct scope *builtin,
	      const char *target, struct plan *out, struct err *err) must_check;
void plan_deinit(struct plan *plan);

/* The stage before number `before` that `name` means (its name or number), or PLAN_NONE: an image. */
int plan_find(const struct plan *plan, const char *name, size_t before);
/* The stage an instruction takes files from by its nth --from or --mount from=, as the above;
 * *name (borrowed; NULL = there is no such) is what it says. */
const char *plan_from(const struct instruction *in, size_t nth, size_t *len);
