/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a layer as its tar lists them, entry after entry, with the rules by which unpack.c writes
 * them to a directory: what an entry replaces, what a whiteout becomes, what is refused. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "list.h"
#include "mem.h"
#include "tar.h"

/* One extended attribute. */
struct tree_xattr {
	struct tree_xattr *next;
	const char *name; /* whole: user.x */
	uint16_t len;
	unsigned char value[]; /* the name is behind it */
};

struct tree_name;
struct erofs_name;

struct tree_inode {
	uint16_t mode;  /* with the type */
	uint32_t nlink; /* names */
	uint32_t uid, gid, mtime_nsec;
	uint32_t major, minor;
	int64_t mtime;
	uint64_t size, offset;    /* of a file in the tar */
	char *target;             /* of a symbolic link */
	struct tar_piece *pieces; /* of a file with holes; NULL = it has none */
	size_t n_pieces;
	struct tree_xattr *xattrs;
	struct tree_inode *parent; /* of a directory but the root */
	struct list names;         /* of a directory: tree_name.sibling */
	size_t n_names;            /* in that list */
	/* The writer's: */
	struct erofs_name *order; /* the names sorted, with "." and ".." */
	uint64_t place, contents; /* 0 = none */
};

struct tree_name {
	struct list sibling;
	struct tree_name *chain; /* of the hash table */
	struct tree_inode *dir, *inode;
	uint32_t hash;
	uint8_t len;
	char text[];
};

struct tree {
	struct tree_inode *root;
	struct tree_name **table;
	size_t table_size, n_names, n_entries;
	uint64_t size; /* of all files' bytes, as the layer's size is told */
};

int tree_init(struct tree *tree) must_check;
/* Works on a half-made one. For cleanup(). */
void tree_deinit(struct tree *tree);
/* The next entry of the tar. -EINVAL with a sentence when no layer can have it, -ENOMEM. */
int tree_add(struct tree *tree, const struct tar_entry *entry, struct err *err) must_check;
