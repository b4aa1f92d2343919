/* SPDX-License-Identifier: Apache-2.0 */
/* The tags a repository has. */
#pragma once

#include "auth.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "reference.h"
#include "regjson.h"

enum { TAGS_MAX = 10000, TAGS_PAGES_MAX = 1000 };

/* Asks the registry itself, page by page; appended to *out. Blocks. */
int tags_list(struct engine *engine, const struct reference *ref,
	      const struct auth_credentials *auth, int cancel_fd, struct strings *out,
	      struct err *err) must_check;
