/* SPDX-License-Identifier: Apache-2.0 */
/* Where the gateway listens: unix:PATH, or tcp://ADDRESS:PORT of the loopback net. */
#pragma once

#include <stdbool.h>

#include "err.h"

/* A listening socket (owned), nonblocking. tcp:// is refused unless `plain_tcp`, and always for an address that other
 * machines reach: INVALID_ARGUMENT. */
int listen_at(const char *url, bool plain_tcp, struct err *err) must_check;
/* The path of unix:PATH, NULL for another URL. Borrows. */
const char *listen_path(const char *url);
