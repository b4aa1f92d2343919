/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to a registry's challenge: basic credentials as they are, or a token fetched with them, or with
 * none, from the server the challenge names. */
#pragma once

#include <stdbool.h>

#include "challenge.h"
#include "err.h"
#include "mem.h"
#include "transfer.h"

struct auth_credentials { /* all may be NULL or empty; borrowed */
	const char *username, *password;
	const char *identity_token; /* exchanged for a token instead of a password */
	const char *registry_token; /* is the token */
};

struct auth_question {
	const struct challenge *challenge;
	const char *scope; /* "repository:a/b:pull", several divided by blanks */
	const char *host;  /* of the registry, for the certificates */
	bool insecure;     /* the registry's */
	bool plain;        /* the registry is asked by plain HTTP */
	/* Asks for an identity token in place of the password; owned in it when the server gives one. NULL = does not ask. */
	char **identity_token;
};

/* The value of an Authorization header, owned. ERR_UNAUTHENTICATED when the credentials are wrong or missing.
 * Credentials are not sent by plain HTTP for a registry that is asked by TLS. Blocks. */
int auth_answer(struct transfer *transfer, const struct auth_question *question,
		const struct auth_credentials *who, char **out, struct err *err) must_check;
