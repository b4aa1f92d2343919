/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest for an image that came without one, or whose blobs are not all here: of its config and of blobs that
 * unpack to its layers. What was only a tar is compressed once; blobs and manifest are kept with the image, so
 * that it is the same the next time. */
#pragma once

#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"

/* Blocks; gives up when cancel_fd (-1 = none) is readable. */
int compose_manifest(struct engine *engine, const struct image *image, int cancel_fd,
		     struct buf *out, struct err *err) must_check;
