/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that have not shown a certificate yet: there is a number of places for them, and who comes
 * when all are taken has the place of the oldest, whose connection ends. An honest handshake takes
 * milliseconds, so it is those who say nothing that lose theirs. Thread-safe; never blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

enum { HANDSHAKES_MAX = 128 };

/* Takes a place for the connected socket `fd` (borrowed). The number to leave with, or -errno. */
int64_t handshakes_enter(int fd) must_check;
/* Not lost to another yet: if it is, a handshake is not worth its beginning. */
bool handshakes_has(int64_t number) must_check;
/* Gives the place back; when another has it by now, nothing is done. */
void handshakes_leave(int64_t number);
