/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between a TLS connection and a plain socket. */
#pragma once

#include <stdbool.h>

#include "tls.h"

/* A TCP socket for it: sends at once, and finds a dead peer within 45 s. */
void relay_tune(int fd);

/* Passes on until either side ends, and what is left for the other for at most a second more. `fd`
 * (borrowed) becomes nonblocking. `frames`: the plain side is a UNIX socket of SP and speaks its framing
 * (reframe.h), the TLS side that of TCP. Blocks. 0 at the end of either side, -errno; *any tells whether
 * bytes came from the TLS side. */
int relay(struct tls *tls, int fd, bool frames, bool *any) must_check;
