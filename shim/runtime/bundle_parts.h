/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of the bundle's parser, one file per section of the document. All are pure, take the
 * value of their section and fill in the plan. */
#pragma once

#include "err.h"
#include "jget.h"
#include "plan.h"

enum { BUNDLE_THROTTLE_MAX = 256 };

int bundle_process(struct plan *p, const struct jval *process, struct err *err) must_check;
int bundle_linux(struct plan *p, const struct jval *linux_, struct err *err) must_check;
int bundle_resources(struct plan *p, const struct jval *resources, struct err *err) must_check;

/* Array of id mappings at the key. */
int bundle_idmap(struct plan *p, const struct jval *v, const char *key, struct plan_idmaps *out,
		 struct err *err) must_check;

/* Array of strings. */
int bundle_strings(struct plan *p, const struct jval *v, struct plan_strings *out,
		   struct err *err) must_check;
/* Object whose members are all strings. */
int bundle_pairs(struct plan *p, const struct jval *v, struct plan_pair **out, size_t *n,
		 struct err *err) must_check;
/* Zeroed array of *n elements for the elements of v. */
int bundle_array(struct plan *p, const struct jval *v, size_t size, void *out, size_t *n,
		 struct err *err) must_check;
