/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry wants to be convinced with: WWW-Authenticate (RFC 9110, 11.6.1) as registries use it.
 * Pure. */
#pragma once

#include "mem.h"

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

enum { CHALLENGE_TEXT_MAX = 1024 };

struct challenge {
	enum challenge_scheme scheme;
	char realm[CHALLENGE_TEXT_MAX]; /* Bearer: URL of the token server */
	char service[CHALLENGE_TEXT_MAX];
	char scope[CHALLENGE_TEXT_MAX]; /* "" = the server does not say */
};

/* Chooses among the challenges of `text` (the values of all such headers, joined by commas): Bearer, else
 * Basic; others are passed over. -EBADMSG when it is no such list, -ENOTSUP when none can be met. */
int challenge_parse(const char *text, struct challenge *out) must_check;
