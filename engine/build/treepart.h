/* SPDX-License-Identifier: Apache-2.0 */
/* What digests and copies of trees have in common: private to copytree.c, listtree.c, treedigest.c, treepart.c and treeput.c. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "buf.h"
#include "copytree.h"
#include "mem.h"

/* Names of a directory in the order of their bytes. */
struct treelist {
	struct dirent **v;
	int n;
};
int treelist_read(struct treelist *list, int fd) must_check;
void treelist_deinit(struct treelist *list);

/* Descriptors or -errno; never through a link, never waiting. */
int treepart_open_dir(int dir_fd, const char *name) must_check;
int treepart_open_file(int dir_fd, const char *name) must_check;
/* Where a link leads: owned, NULL with errno. */
char *treepart_link(int dir_fd, const char *name) must_check;

/* Calls `one` for each extended attribute that layers keep. */
typedef int treepart_xattr_fn(void *ctx, const char *key, const void *value, size_t len);
int treepart_each_xattr(int fd, treepart_xattr_fn *one, void *ctx) must_check;

/* What the rules make of a file. */
bool treepart_excluded(const struct copy_rules *rules, const char *path);
long long treepart_owner(int64_t rule, unsigned int source);
unsigned int treepart_mode(const struct copy_rules *rules, const struct stat *st);

/* treedigest.c: a line of what is not contents, for digests. */
int treedigest_head(EVP_MD_CTX *digest, const struct copy_rules *rules, const char *path,
		    const struct stat *st, const char *link) must_check;
