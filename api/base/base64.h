/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648). Pure. */
#pragma once

#include <stddef.h>

#include "buf.h"
#include "mem.h"

/* Appends n bytes encoded, with padding. */
void base64_encode(struct buf *out, const void *bytes, size_t n);
/* Appends what `text` stands for: either alphabet, padded or not, white space passed over. -EINVAL when it is no
 * base64. */
int base64_decode(struct buf *out, const char *text) must_check;
