/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "err.h"
#include "overlay.h"

/* The overlay as a detached mount, on kernels before 6.8. Its layers are `trees`, o->n_lower detached mounts, and so is
 * `upper`, -1 = none, that its upper directory is on: they are mounted somewhere for it. */
int aside_overlay(const struct overlay *o, const int *trees, int upper, struct err *err) must_check;

/* What is at the path inside a detached mount, links leading nowhere out of it, as a detached mount of its own. Kernels
 * before 6.15 copy only what is mounted in the caller's namespace: `tree` is mounted somewhere for it, and is of no
 * further use. */
int aside_subtree(int tree, const char *path, struct err *err) must_check;
