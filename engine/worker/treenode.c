/* SPDX-License-Identifier: Apache-2.0 */
/* One hash table holds the names of all directories, by directory and text. */
#include "treenode.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { TABLE_FIRST = 1024 };

/* FNV-1a. */
static uint32_t hash(const struct tree_inode *dir, const char *name, size_t len)
{
	uint32_t h = 2166136261u ^ (uint32_t)((uintptr_t)dir >> 4) * 2654435761u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

struct tree_inode *treenode_new(uint16_t mode)
{
	struct tree_inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	inode->mode = mode;
	list_init(&inode->names);
	return inode;
}

void treenode_drop(struct tree_inode *inode)
{
	struct tree_xattr *x;

	if (inode->nlink > 1) {
		inode->nlink--;
		return;
	}
	while ((x = inode->xattrs)) {
		inode->xattrs = x->next;
		free(x);
	}
	free(inode->order);
	free(inode->target);
	free(inode->pieces);
	free(inode);
}

struct tree_name *treenode_find(const struct tree *tree, const struct tree_inode *dir,
				const char *name, size_t len)
{
	uint32_t h = hash(dir, name, len);
	struct tree_name *n = tree->table_size ? tree->table[h & (tree->table_size - 1)] : NULL;

	while (n &&
	       (n->hash != h || n->dir != dir || n->len != len || memcmp(n->text, name, len) != 0))
		n = n->chain;
	return n;
}

static int grow(struct tree *tree)
{
	size_t size = tree->table_size ? tree->table_size * 2 : TABLE_FIRST;
	struct tree_name **table = calloc(size, sizeof(struct tree_name *));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < tree->table_size; i++)
		for (struct tree_name *n = tree->table[i], *next; n; n = next) {
			next = n->chain;
			n->chain = table[n->hash & (size - 1)];
			table[n->hash & (size - 1)] = n;
		}
	free(tree->table);
	tree->table = table;
	tree->table_size = size;
	return 0;
}

int treenode_link(struct tree *tree, struct tree_inode *dir, const char *name, size_t len,
		  struct tree_inode *inode)
{
	struct tree_name *n;

	if (tree->n_names == tree->table_size && grow(tree) < 0)
		return -ENOMEM;
	n = calloc(1, sizeof(*n) + len);
	if (!n)
		return -ENOMEM;
	n->dir = dir;
	n->inode = inode;
	n->hash = hash(dir, name, len);
	n->len = (uint8_t)len;
	memcpy(n->text, name, len);
	n->chain = tree->table[n->hash & (tree->table_size - 1)];
	tree->table[n->hash & (tree->table_size - 1)] = n;
	list_init(&n->sibling);
	list_append(&dir->names, &n->sibling);
	dir->n_names++;
	tree->n_names++;
	inode->nlink++;
	inode->parent = dir;
	return 0;
}

static void remove_name(struct tree *tree, struct tree_name *name)
{
	struct tree_name **at = &tree->table[name->hash & (tree->table_size - 1)];

	while (*at != name)
		at = &(*at)->chain;
	*at = name->chain;
	list_remove(&name->sibling);
	name->dir->n_names--;
	tree->n_names--;
	treenode_drop(name->inode);
	free(name);
}

void treenode_unlink(struct tree *tree, struct tree_name *name)
{
	struct tree_name *child, *next;

	if (S_ISDIR(name->inode->mode))
		list_each_safe (child, next, &name->inode->names, sibling)
			treenode_unlink(tree, child);
	remove_name(tree, name);
}

int tree_init(struct tree *tree)
{
	*tree = (struct tree){ .root = treenode_new(S_IFDIR | 0755) };
	if (tree->root)
		tree->root->nlink = 1;
	return tree->root ? 0 : -ENOMEM;
}

void tree_deinit(struct tree *tree)
{
	struct tree_name *child, *next;

	if (!tree->root)
		return;
	list_each_safe (child, next, &tree->root->names, sibling)
		treenode_unlink(tree, child);
	treenode_drop(tree->root);
	free(tree->table);
	*tree = (struct tree){ 0 };
}

int treenode_xattr(struct tree_inode *inode, const char *name, const void *value, size_t len)
{
	size_t name_len = strlen(name) + 1;
	struct tree_xattr *x = malloc(sizeof(*x) + len + name_len), **at = &inode->xattrs;

	if (!x)
		return -ENOMEM;
	memcpy(x->value, value, len);
	memcpy(x->value + len, name, name_len);
	x->name = (const char *)x->value + len;
	x->len = (uint16_t)len;
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	x->next = *at ? (*at)->next : NULL;
	free(*at);
	*at = x;
	return 0;
}
