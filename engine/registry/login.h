/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a registry takes somebody's credentials. Nothing is kept. */
#pragma once

#include "auth.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* `server` is host[:port], "" or a name of Docker's for its hub. A token server may give an identity token to be kept
 * in place of the password: owned in *identity_token, else NULL. ERR_UNAUTHENTICATED. Blocks. */
int registry_login(struct engine *engine, const char *server, const struct auth_credentials *auth,
		   int cancel_fd, char **identity_token, struct err *err) must_check;
