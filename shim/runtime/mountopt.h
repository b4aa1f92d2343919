/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a mount's options, as fstab and the OCI specification have them, to flags. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

struct mountopt {
	unsigned long flags;         /* MS_* for mount(2) */
	uint64_t attr_set, attr_clr; /* MOUNT_ATTR_* for this mount */
	uint64_t rec_set, rec_clr;   /* MOUNT_ATTR_* for all mounts below too */
	unsigned long propagation;   /* MS_SHARED... with MS_REC, 0 = as is */
	bool bind, recursive;
	bool idmap; /* ids are mapped; with `recursive_idmap` those of mounts below too */
	bool recursive_idmap;
	bool copy_up; /* tmpfs: start with what was below */
};

/* Adds one word. A word that is no flag is appended to `data`, comma separated, for the file system
 * to judge. Returns 0, or -EOPNOTSUPP for a word that means something this runtime does not do. */
int mountopt_add(struct mountopt *o, const char *word, struct buf *data) must_check;
