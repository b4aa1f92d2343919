/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's query parameter `filters` as messages. Pure. */
#pragma once

#include <stddef.h>

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"

/* {"label":["a=b"]}, or of older and of Go clients {"label":{"a=b":true}}; "" is none. On success *filters is
 * owned: free with filtersjson_free(). ERR_INVALID with a sentence. */
int filtersjson_parse(const char *text, Cleat__V1__Filter ***filters, size_t *n,
		      struct err *err) must_check;
void filtersjson_free(Cleat__V1__Filter **filters, size_t n);
