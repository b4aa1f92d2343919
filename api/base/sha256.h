/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) where a library for it would cost more than it does: of documents in the engine, of a
 * build's files in the command line, which is static. With the processor's own instructions where it has them.
 * Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

/* The digest of what comes in pieces. */
struct sha256 {
	uint32_t state[8];
	uint64_t n_bytes;
	unsigned char held[SHA256_BLOCK]; /* the last n_bytes % SHA256_BLOCK of them */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
/* Ends it: nothing can be added behind. */
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_BYTES]);

/* The digest of n bytes as 64 lower-case digits and a NUL. */
void sha256_hex(const void *data, size_t n, char out[65]);
