/* SPDX-License-Identifier: Apache-2.0 */
/* gzip, decompressed by ISA-L, which is several times as fast as zlib. One member after the other; what follows
 * the last and is none is ignored, as gzip(1) does. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

struct gunzip;

/* NULL without memory. */
struct gunzip *gunzip_new(void) must_check;
struct gunzip *gunzip_free(struct gunzip *g);
/* Decompresses from *in, of which *n_in bytes are there, into out; both are moved behind what was taken.
 * *n_out bytes fit, and are what was written then. -EBADMSG when it is no gzip or a checksum is wrong. */
int gunzip(struct gunzip *g, const void **in, size_t *n_in, void *out, size_t *n_out) must_check;
/* Whether the input may end here. */
bool gunzip_complete(const struct gunzip *g) must_check;
/* Whether no byte of input is wanted any more. */
bool gunzip_ended(const struct gunzip *g) must_check;
