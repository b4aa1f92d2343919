/* SPDX-License-Identifier: Apache-2.0 */
/* What FROM and --from= find under an image's name. */
#pragma once

#include "err.h"
#include "imagedoc.h"
#include "mem.h"
#include "work.h"

/* The image of that name: "scratch", or one that is here. `platform` is os/architecture, NULL = any. Its config is owned in *image,
 * its layers, held for the build, in *stack. -ENOENT, reason IMAGE_NOT_FOUND. */
int baseimage_open(struct build *b, const char *name, const char *platform, struct imagedoc *image,
		   struct stack *stack, struct err *err) must_check;
