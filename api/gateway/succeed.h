/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that outlive a gateway: from systemd (LISTEN_FDS, sd_listen_fds(3)), or from the gateway before
 * this one, which starts it. Whoever has the socket's file mounted elsewhere still reaches the same socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* How many sockets were handed down: then fds[] has them, with O_CLOEXEC. More or fewer than n: INVALID_ARGUMENT.
 * 0 = none were. Once, before anything is opened. */
int succeed_inherited(int fds[], size_t n, struct err *err) must_check;
/* Tells the gateway before this one, if there is one, that this one serves. */
void succeed_ready(void);

/* Starts the program at `path` with the sockets and waits until it serves, at most 10 s: 0. Else the error says why it
 * does not, and it has ended. */
int succeed_start(const char *path, char **argv, const int fds[], size_t n,
		  struct err *err) must_check;
