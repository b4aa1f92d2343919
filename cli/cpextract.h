/* SPDX-License-Identifier: Apache-2.0 */
/* An archive that comes from a container, into a local directory. Nothing in it leads out of that: no link is
 * followed, no "..". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "untar.h"

struct cp_extract {
	untar_read_fn *read;
	void *ctx;
	int dir; /* where it goes, borrowed */
	const char *
		name; /* what its first directory or its file is called there; "." = what is in it, into `dir` */
	bool owner; /* the archive's owners are set */
};
/* Until the archive's end. *bytes are those of the files. Blocks. */
int cpextract(const struct cp_extract *x, uint64_t *bytes, struct err *err) must_check;
