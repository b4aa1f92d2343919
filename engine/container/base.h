/* SPDX-License-Identifier: Apache-2.0 */
/* STATE/base: a directory with the mount points that every container needs (dev, proc, sys and the files
 * of /etc that the engine writes). It is the lowest layer of each container, so that none has to make
 * them in its own upper directory; where an image has the path, the image's shows. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Makes it, or what is missing of it. Blocks on the file system. */
int base_make(const struct engine *engine, struct err *err) must_check;
/* Its path, owned; NULL = no memory. */
char *base_path(const struct engine *engine) must_check;
