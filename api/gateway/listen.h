/* SPDX-License-Identifier: Apache-2.0 */
/* Where the gateway listens: unix:PATH, or tcp://ADDRESS:PORT. */
#pragma once

#include <stdbool.h>

#include "err.h"

/* To whom: nobody over TCP, this machine, or other ones too. */
enum listen_reach { LISTEN_UNIX, LISTEN_LOOPBACK, LISTEN_ALL };

/* A listening socket (owned), nonblocking. INVALID_ARGUMENT for an address beyond `reach`. */
int listen_at(const char *url, enum listen_reach reach, struct err *err) must_check;
/* The same for a socket (borrowed) that was handed down; *tcp tells which kind it is. */
int listen_check(int fd, enum listen_reach reach, bool *tcp, struct err *err) must_check;
/* The path of unix:PATH, NULL for another URL. Borrows. */
const char *listen_path(const char *url);
