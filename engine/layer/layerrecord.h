/* SPDX-License-Identifier: Apache-2.0 */
/* What is written down of a layer: the file `size` beside it. Pure.
 *   BYTES               of the layer's files as unpacked
 *   tar BYTES           of the tar   | under the driver `erofs`
 *   index SHA256        of the index | */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

struct layerrecord {
	uint64_t size_bytes;
	bool has_tar;
	uint64_t tar_bytes;
	char index_sha[65];
};

/* `text` ends in a NUL. -EBADMSG when it is no record. */
int layerrecord_parse(const char *text, struct layerrecord *out) must_check;
/* Its last two lines alone, as cleat-worker writes them. */
int layerrecord_parse_tar(const char *text, struct layerrecord *out) must_check;
void layerrecord_print(const struct layerrecord *record, struct buf *out);
