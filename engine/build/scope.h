/* SPDX-License-Identifier: Apache-2.0 */
/* Named values: build arguments, a stage's ARGs. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "manifest.h"
#include "mem.h"

struct scope {
	struct strings pairs; /* name, value, name, value ... in the order they were set first */
};

void scope_deinit(struct scope *scope);
/* Borrowed; NULL = not set. */
const char *scope_get(const struct scope *scope, const char *name);
/* Copies both. 0 or -ENOMEM. */
int scope_set(struct scope *scope, const char *name, const char *value) must_check;

/* Sets in *to all that is set in *from. 0 or -ENOMEM. */
int scope_add(struct scope *to, const struct scope *from) must_check;

/* Arguments that need no ARG and are in no cache key or history: HTTP_PROXY and its kind. */
bool scope_is_proxy(const char *name);
