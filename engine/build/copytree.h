/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files that nobody else changes: what they are as a digest, and copies of them. Links are never
 * followed. All functions block on the file system. */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "err.h"
#include "ignore.h"
#include "mem.h"

enum { COPYTREE_DEPTH_MAX = 255 };

struct copy_rules {
	int64_t uid, gid; /* of the copies; -1 = the source's */
	const char *mode; /* of the copies, but links (copymode.h); NULL = the source's */
	bool devices;     /* are copied; else they are refused */
	const struct ignore *exclude; /* by path below the source; NULL = none */
	const int *cancel_fds; /* the two of cancel.h, looked at before each file; NULL = none */
};

/* treedigest.c. Adds to `digest` what `name` in dir_fd would be as a copy: names, types, modes, owners, contents, targets
 * of links and attributes; not times. */
int copytree_digest(int dir_fd, const char *name, const struct copy_rules *rules,
		    EVP_MD_CTX *digest, struct err *err) must_check;
/* Copies `name` of from_fd to `to` in to_fd. A directory that is there is added to, anything else
 * replaced; -EINVAL where one would have to become the other. */
int copytree_copy(int from_fd, const char *name, int to_fd, const char *to,
		  const struct copy_rules *rules, struct err *err) must_check;
/* Sets each time of the tree that is later to this one. */
int copytree_clamp(int dir_fd, int64_t time_ns, struct err *err) must_check;
