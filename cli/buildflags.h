/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of build, and what they ask for. */
#pragma once

#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "flags.h"
#include "mem.h"

extern const struct flag buildflags_table[];

/* What the flags need from outside; both may be NULL for none. */
struct buildflags_source {
	char *(*variable)(const char *name); /* the client's variable, NULL = unset */
	char *(*file)(const char *path, size_t *n, struct err *err); /* owned, NULL with *err set */
};

/* Everything but Dockerfile and context. *out is owned. -EINVAL naming the flag. Pure but for `source`. */
int buildflags_options(const struct flags *flags, const struct buildflags_source *source,
		       Cleat__V1__BuildRequest__Options **out, struct err *err) must_check;
