/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of SHA-256 have in common: private to them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t sha256_constants[64];

/* Takes whole blocks into the state, on any processor. */
void sha256_compress_plain(uint32_t state[8], const unsigned char *data, size_t blocks);
/* The same with the processor's own instructions. False when it has none: nothing was
 * done then. */
bool sha256_compress_fast(uint32_t state[8], const unsigned char *data, size_t blocks);
