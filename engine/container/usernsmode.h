/* SPDX-License-Identifier: Apache-2.0 */
/* What --userns may say, and the files that say which ids the host gives away. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "idrange.h"

/* Fewer leave no room for the group of terminals and the like, more no room for others. */
enum { USERNS_SIZE = 65536, USERNS_SIZE_MIN = 1024, USERNS_SIZE_MAX = 1 << 24 };

/* "" and "host": *size is 0. "auto" and "auto:size=N": how many ids. -EINVAL for a bad value, UNIMPLEMENTED for what
 * podman has besides. */
int usernsmode_parse(const char *mode, uint32_t *size, struct err *err) must_check;

/* The first range of `user` in a file of subuid(5). -ENOENT = there is none that can be used. */
int usernsmode_subid(const char *text, const char *user, struct idrange *out) must_check;
