/* SPDX-License-Identifier: Apache-2.0 */
/* Who on the host has a port: for the sentence that tells why it cannot be had. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* Inode of the first socket bound to the port in the text of /proc/net/{tcp,udp}{,6}; `listening` = of those that listen.
 * 0 = none. Pure. */
uint64_t portowner_inode(const char *text, uint16_t port, bool listening);
/* "nginx (pid 12)", or "a process of this host". Blocks on /proc. */
void portowner_find(const char *protocol, uint16_t port, char *out, size_t size);
