/* SPDX-License-Identifier: Apache-2.0 */
/* The container's terminal. */
#pragma once

#include "err.h"
#include "plan.h"

/* Connects to the caller's --console-socket; returns the descriptor. */
int console_connect(const char *path, struct err *err) must_check;
/* Opens a new pty of the devpts at /dev/pts below root (a directory descriptor), makes it descriptors
 * 0-2, and hands its master to `socket`. Binds it to /dev/console where `bind`. */
int console_open(const struct plan_process *p, int root, int socket, bool bind,
		 struct err *err) must_check;
/* Makes descriptor 0 the terminal of the session that the caller leads. */
int console_take(struct err *err) must_check;
/* Receives a master from the other end of such a socket. */
int console_receive(int socket, struct err *err) must_check;
/* Copies between stdio and the master until it hangs up; puts a terminal on stdin into raw mode and
 * passes its size on. Ends when the pidfd becomes readable and all output was copied. */
int console_relay(int master, int pidfd, struct err *err) must_check;
