/* SPDX-License-Identifier: Apache-2.0 */
/* An overlay that only this process has, on kernels that mount one by the names of its directories alone (those before
 * 6.8: see overlay.h). */
#pragma once

#include "err.h"
#include "mem.h"
#include "overlay.h"

/* What overlay_make() returns elsewhere: an owned descriptor of a mount that is in no namespace. Its directories are of
 * mounts in this process's mount namespace, which sees nothing of it. Blocks. */
int rootaside_open(const struct overlay *o, const char *state_dir, struct err *err) must_check;
