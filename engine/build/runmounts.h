/* SPDX-License-Identifier: Apache-2.0 */
/* RUN --mount=type=...,key=value. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum runmount_type { RUNMOUNT_BIND, RUNMOUNT_CACHE, RUNMOUNT_TMPFS, RUNMOUNT_SECRET, RUNMOUNT_SSH };
enum runmount_sharing { SHARING_SHARED, SHARING_PRIVATE, SHARING_LOCKED };

struct runmount {
	enum runmount_type type;
	char *target, *source, *from, *id, *env; /* owned; NULL = not said */
	bool read_only, required;
	enum runmount_sharing sharing;
	uint64_t size_bytes;
	uint32_t mode, uid, gid; /* defaults filled in */
};

/* -EINVAL with Docker's sentence, -ENOMEM. */
int runmount_parse(const char *text, struct runmount *out, struct err *err) must_check;
void runmount_deinit(struct runmount *mount);
