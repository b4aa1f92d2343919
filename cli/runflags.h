/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of run and create, and what they mean for a container. */
#pragma once

#include "err.h"
#include "flags.h"

#include "cleat/v1/containers.pb-c.h"

extern const struct flag runflags_run[], runflags_create[], runflags_update[];

/* What the flags need from outside; both may be NULL for none. */
struct runflags_source {
	/* The client's variable, NULL = unset: getenv(3). */
	char *(*variable)(const char *name);
	/* Contents of a file (owned, *n bytes), NULL with *err set. */
	char *(*file)(const char *path, size_t *n, struct err *err);
};

/* Makes the request from flags and arguments (image, then the command). *out is owned. ERR_INVALID
 * naming the flag and its value. Pure but for `source`. */
int runflags_request(const struct flags *flags, const struct runflags_source *source,
		     Cleat__V1__CreateContainerRequest **out, struct err *err) must_check;
/* Those of the flags that are limits, into `limits`. ERR_INVALID naming the flag. */
int runflags_limits(const struct flags *flags, Cleat__V1__Resources *limits,
		    struct err *err) must_check;
/* The flags of update, as limits and restart policy of *out, which is empty and owned by the caller. ERR_INVALID naming
 * the flag, or when there is none. Pure. */
int runflags_make_update(const struct flags *flags, Cleat__V1__ContainerConfig *out,
			 struct err *err) must_check;
