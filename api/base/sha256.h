/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of small texts, where a library for it would cost more than it does: documents of the
 * engine are hashed with it, layers by the workers. Pure. */
#pragma once

#include <stddef.h>

/* The digest of n bytes as 64 lower-case digits and a NUL. */
void sha256_hex(const void *data, size_t n, char out[65]);
