/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that change an image's config alone, applied to it. Pure. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "dockerfile.h"
#include "dockervar.h"
#include "err.h"
#include "imagedoc.h"
#include "mem.h"
#include "scope.h"

/* What a stage knows of variables, and the image it makes. */
struct meta {
	struct imagedoc image;
	struct scope args;           /* declared so far, with their values */
	bool has_command;            /* this stage has said CMD */
	char escape;                 /* of the Dockerfile */
	const struct scope *given;   /* the user's build arguments; borrowed */
	const struct scope *global;  /* of the Dockerfile's head; borrowed */
	const struct scope *builtin; /* the engine's; borrowed */
};
void meta_deinit(struct meta *meta);

/* Variables as this stage has them now: the image's environment, then arguments. */
struct dockervar meta_vars(struct meta *meta);
/* Whether meta_apply() does all there is to do (WORKDIR also needs its directory). */
bool meta_applies(enum instruction_kind kind);
/* Changes the image and appends what its history says about it. -EINVAL with a sentence. */
int meta_apply(struct meta *meta, const struct instruction *in, struct buf *history,
	       struct err *err) must_check;

/* The words a shell line becomes: the image's SHELL (or /bin/sh -c) and the line. Appended to *out. */
int meta_shell(const struct meta *meta, const char *line, struct strings *out) must_check;
/* `path` as WORKDIR and COPY take it: absolute and clean, relative to the image's directory. Owned,
 * NULL = no memory. */
char *meta_path(const struct meta *meta, const char *path) must_check;
/* metahealth.c: HEALTHCHECK alone. */
int meta_health(struct meta *meta, const struct instruction *in, struct err *err) must_check;
