/* SPDX-License-Identifier: Apache-2.0 */
/* RUN --mount=... as mounts of the step's container: files of the context or of a stage, caches that outlive
 * the build, secrets. Blocks on the file system, and on who uses a locked cache. */
#pragma once

#include <stddef.h>

#include "cleat/v1/config.pb-c.h"
#include "copytree.h"
#include "dockerfile.h"
#include "err.h"
#include "lease.h"
#include "mem.h"
#include "runmounts.h"
#include "work.h"

struct runbinds {
	struct runmount *asked;
	size_t n_asked;
	Cleat__V1__Mount *mounts; /* ready; their texts are owned by `texts` */
	size_t n;
	struct strings texts, env; /* env: NAME=value of secrets */
	struct strings stubs;      /* mount points that are missing in the stage, deepest first */
	int *locks;                /* of caches */
	size_t n_locks;
	struct lease lease;
};
#define RUNBINDS_NULL ((struct runbinds){ .lease = LEASE_NULL })

/* Reads the flags and adds what they make the step depend on to the key. */
int runbinds_read(struct runbinds *b, struct work *w, const struct instruction *in, struct key *key,
		  struct err *err) must_check;
/* Makes what is to be mounted. */
int runbinds_make(struct runbinds *b, struct work *w, struct err *err) must_check;
/* One more file, for all to read and execute. */
int runbinds_add_script(struct runbinds *b, struct work *w, const char *target, const char *text,
			struct err *err) must_check;
/* Takes the mount points that were only made for the mounts out of what the step changed. */
void runbinds_clean(const struct runbinds *b, int upper_fd);
void runbinds_deinit(struct runbinds *b);

/* ---- private to runbinds.c and runcache.c */

extern const struct copy_rules runmount_as_is;
/* The tree that a mount shows, opened: its directory, and *name (owned) in it. */
int runmount_source(struct work *w, const struct runmount *m, struct key *key, char **name,
		    struct err *err) must_check;
/* runcache.c: the directory of the cache that a mount means, made if it is new: *path is owned, and
 * *lock_fd holds it until it is closed. Blocks on who uses it. */
int runcache_open(struct work *w, const struct runmount *m, int *lock_fd, char **path,
		  struct err *err) must_check;
