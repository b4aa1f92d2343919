/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's filters of the container list. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleat/v1/containers.pb-c.h"
#include "err.h"
#include "mem.h"
#include "netview.h"
#include "record.h"
#include "status.h"

struct filter_subject {
	const struct record *record;
	const struct status *status;
	const Cleat__V1__ContainerConfig *config; /* may be NULL */
	const struct netview *view; /* its networks and ports; NULL = by the config alone */
};

/* Refuses keys and values that do not exist: -EINVAL with a sentence. */
int filter_check(Cleat__V1__Filter *const *filters, size_t n, struct err *err) must_check;

/* Whether the container passes all filters but before and since, whose limits are creation times:
 * created strictly after since_ns and before before_ns (0 = no limit). */
bool filter_match(Cleat__V1__Filter *const *filters, size_t n, int64_t since_ns, int64_t before_ns,
		  const struct filter_subject *subject);

/* First value of `key`, NULL when it is not there. */
const char *filter_value(Cleat__V1__Filter *const *filters, size_t n, const char *key);
