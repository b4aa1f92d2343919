/* SPDX-License-Identifier: Apache-2.0 */
/* Names and inodes of a tree: private to it. Pure. */
#pragma once

#include "tree.h"

struct tree_inode *treenode_new(uint16_t mode);
/* One name less; the last one's inode goes. */
void treenode_drop(struct tree_inode *inode);

/* NULL = there is none. */
struct tree_name *treenode_find(const struct tree *tree, const struct tree_inode *dir,
				const char *name, size_t len) must_check;
/* Names `inode`, which gets a link more. *out, if wanted, is the name. -ENOMEM. */
int treenode_link(struct tree *tree, struct tree_inode *dir, const char *name, size_t len,
		  struct tree_inode *inode) must_check;
/* Takes the name away, with all below it. */
void treenode_unlink(struct tree *tree, struct tree_name *name);

/* Sets an attribute; an earlier value goes. -ENOMEM. */
int treenode_xattr(struct tree_inode *inode, const char *name, const void *value,
		   size_t len) must_check;
