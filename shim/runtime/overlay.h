/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system of a container as an overlay of its layers. */
#pragma once

#include "err.h"
#include "plan.h"

/* Mounts the overlay on `root` below `bundle_fd`. Returns its owned descriptor. -EINVAL for a layer that
 * is no descriptor, else as mount(2). Blocks as mounting does. */
int overlay_mount(const struct plan_overlay *o, int bundle_fd, const char *root,
		  struct err *err) must_check;
