/* SPDX-License-Identifier: Apache-2.0 */
/* The public socket: RUN/cleat.sock is a symbolic link to the socket of the engine that serves, so
 * that an upgrade moves it by rename and no connection is ever refused. Functions block on the file
 * system only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Claims the state directory for the life of the process; the descriptor that holds the claim is
 * returned. One engine may hold it, or several of which each started with `replace` true.
 * Blocks for some seconds while one that serves no more holds it. An error when another engine serves,
 * from this state or at this engine's public socket, and `replace` is false. */
int link_claim(const struct engine *engine, bool replace, struct err *err) must_check;

/* Name below RUN of this engine's own socket. */
enum { LINK_NAME_MAX = 48 };
void link_socket_name(const struct engine *engine, char out[LINK_NAME_MAX]);

/* Points RUN/cleat.sock at this engine's socket, which must be listening, and removes sockets of
 * engines that are gone. */
int link_take(const struct engine *engine, struct err *err) must_check;

/* Removes this engine's socket, and the link if it still points there: then no other engine serves. */
bool link_drop(const struct engine *engine);
