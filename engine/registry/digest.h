/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 digests as images have them: "sha256:" and 64 digits. */
#pragma once

#include <stddef.h>

#include <openssl/types.h>

#include "err.h"
#include "mem.h"

enum { DIGEST_MAX = 72 };

/* Of n bytes. INTERNAL when the library fails. */
int digest_of(const void *bytes, size_t n, char out[DIGEST_MAX], struct err *err) must_check;

/* The same of bytes that come one by one. digest_free() is for cleanup(). */
int digest_begin(EVP_MD_CTX **ctx, struct err *err) must_check;
int digest_add(EVP_MD_CTX *ctx, const void *bytes, size_t n, struct err *err) must_check;
int digest_end(EVP_MD_CTX *ctx, char out[DIGEST_MAX], struct err *err) must_check;
void digest_freep(EVP_MD_CTX **ctx);
