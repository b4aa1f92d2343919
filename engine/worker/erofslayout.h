/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything goes in an EROFS image: private to its writer. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mem.h"
#include "tree.h"

enum {
	EROFS_BLOCK = 512,
	EROFS_SUPER_AT = 1024,
	EROFS_DEVICE_AT = 1152,
	EROFS_INODES_AT = 1536, /* before that: nothing, superblock, device */
	EROFS_SLOT = 32,        /* inodes are at multiples of it, and numbered so */
	EROFS_INODE = 64,
	EROFS_DIRENT = 12,
	EROFS_XATTR_HEADER = 12,
	EROFS_XATTR_ENTRY = 4,
	EROFS_CHUNK = 8,
	EROFS_IMAGE_ALIGN = 4096,
};

/* All inodes in the order of their places, the root first. */
struct erofs_layout {
	struct tree_inode **inodes;
	size_t n, cap;
	uint64_t size; /* of the image */
};

/* Sorts the directories and gives each inode its place, and contents of its own where it has some
 * that do not fit behind the inode (contents 0: they do, or there are none). -ENOMEM. */
int erofs_layout(struct erofs_layout *layout, struct tree *tree) must_check;
void erofs_layout_deinit(struct erofs_layout *layout);

/* A directory's names in the order they are stored; "." is its own inode, ".." its parent's. */
struct erofs_name {
	const char *text;
	size_t len;
	const struct tree_inode *inode;
};
size_t erofs_dir_count(const struct tree_inode *dir);
/* How many names from `first` on go into one block; their bytes in *used. */
size_t erofs_dir_block(const struct tree_inode *dir, size_t first, size_t *used);

/* Bytes of the inode's attributes in the image, a multiple of 4. */
size_t erofs_xattr_bytes(const struct tree_inode *inode);
/* The same of a file's table of chunks, each of 1 << *bits bytes; 0 when it has no holes. */
size_t erofs_chunk_bytes(const struct tree_inode *inode, unsigned int *bits);
/* The attribute's name behind the prefix that *index stands for. */
const char *erofs_xattr_name(const char *name, unsigned char *index);
/* Bytes of what the image itself holds of the inode: a directory's blocks, a link's target. */
uint64_t erofs_contents_size(const struct tree_inode *inode);
