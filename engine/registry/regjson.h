/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that registries and their token servers answer with (OCI distribution-spec 1.1; Docker's token
 * specification). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "manifest.h"
#include "mem.h"

enum { REGJSON_TEXT_MAX = 160 };

/* Why a registry refused: the message of the first error, or its code;
 * "" when the body is no such document. */
void regjson_error(const char *text, size_t len, char out[REGJSON_TEXT_MAX]);
/* The bearer token, owned. -EINVAL. */
int regjson_token(const char *text, size_t len, char **out, struct err *err) must_check;
/* What the server gave beside the token to be asked with from now on, owned; NULL = nothing. -ENOMEM. */
int regjson_identity(const char *text, size_t len, char **out) must_check;
/* An image that a search found. */
struct regjson_found {
	char *name, *description;
	uint32_t stars;
	bool official;
};
/* The answer of Docker's /v1/search, owned; free with regjson_found_free(). -EINVAL. */
int regjson_search(const char *text, size_t len, struct regjson_found **out, size_t *n,
		   struct err *err) must_check;
void regjson_found_free(struct regjson_found *found, size_t n);
/* Tags of a repository, appended. -EINVAL. */
int regjson_tags(const char *text, size_t len, struct strings *out, struct err *err) must_check;
