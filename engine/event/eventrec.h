/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the event journal: u32 size | u64 origin | packed cleat.v1.Event | u32 size, little
 * endian. Whole or not there, as the records of a log. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleat/v1/system.pb-c.h"
#include "mem.h"

enum { EVENTREC_MAX = 256 << 10, EVENTREC_EXTRA = 16 };

void eventrec_encode(const Cleat__V1__Event *event, uint64_t origin, struct buf *out);

/* The record at the start of n bytes: its size with *event (owned) and *origin set, either may be NULL;
 * 0 when it is not whole; -EBADMSG. */
ptrdiff_t eventrec_decode(const void *bytes, size_t n, Cleat__V1__Event **event,
			  uint64_t *origin) must_check;
