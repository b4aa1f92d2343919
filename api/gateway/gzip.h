/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) of whole messages, by zlib. Pure, never blocks. */
#pragma once

#include "buf.h"

/* Appends n bytes compressed. -ENOMEM or -EMSGSIZE of the buffer. */
int gzip_compress(struct buf *out, const void *data, size_t n) must_check;
/* Appends what n compressed bytes stand for, of one member and nothing behind it. -EBADMSG when they are damaged or
 * cut; -EMSGSIZE when out->max does not hold it, found out before more than that was expanded; -ENOMEM. */
int gzip_expand(struct buf *out, const void *data, size_t n) must_check;
