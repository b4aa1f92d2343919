/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes of one directory follow each other. An inode must not cross a block's end, nor must contents that
 * are stored right behind one: then both begin with the next block. Contents too big for that have blocks
 * of their own behind all inodes. */
#include "erofslayout.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "str.h"
#include "tarsparse.h"

static uint64_t align(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* ---- sizes */

/* The kernel's numbers for prefixes of names. */
static const struct {
	const char *prefix;
	unsigned char index;
} prefixes[] = { { "user.", 1 }, { "trusted.", 4 }, { "security.", 6 } };

const char *erofs_xattr_name(const char *name, unsigned char *index)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_has_prefix(name, prefixes[i].prefix)) {
			*index = prefixes[i].index;
			return name + strlen(prefixes[i].prefix);
		}
	*index = 0;
	return name;
}

size_t erofs_xattr_bytes(const struct tree_inode *inode)
{
	size_t bytes = inode->xattrs ? EROFS_XATTR_HEADER : 0;
	unsigned char index;

	for (const struct tree_xattr *x = inode->xattrs; x; x = x->next)
		bytes += align(
			EROFS_XATTR_ENTRY + strlen(erofs_xattr_name(x->name, &index)) + x->len, 4);
	return bytes;
}

size_t erofs_chunk_bytes(const struct tree_inode *inode, unsigned int *bits)
{
	*bits = 0;
	if (!inode->pieces)
		return 0;
	return EROFS_CHUNK * tarsparse_chunks(inode->pieces, inode->n_pieces, inode->size, bits);
}

/* Of the inode with what always stands right behind it. */
static uint64_t inode_bytes(const struct tree_inode *inode)
{
	unsigned int bits;
	size_t chunks = erofs_chunk_bytes(inode, &bits);
	uint64_t bytes = EROFS_INODE + erofs_xattr_bytes(inode);

	return chunks ? align(bytes, EROFS_CHUNK) + chunks : bytes;
}

size_t erofs_dir_count(const struct tree_inode *dir)
{
	return dir->n_names + 2;
}

size_t erofs_dir_block(const struct tree_inode *dir, size_t first, size_t *used)
{
	size_t n = first;

	*used = 0;
	while (n < erofs_dir_count(dir) && *used + EROFS_DIRENT + dir->order[n].len <= EROFS_BLOCK)
		*used += EROFS_DIRENT + dir->order[n++].len;
	return n - first;
}

static uint64_t dir_size(const struct tree_inode *dir)
{
	uint64_t size = 0;
	size_t used = 0;

	for (size_t at = 0; at < erofs_dir_count(dir);) {
		size = align(size, EROFS_BLOCK);
		at += erofs_dir_block(dir, at, &used);
		size += used;
	}
	return size;
}

uint64_t erofs_contents_size(const struct tree_inode *inode)
{
	if (S_ISDIR(inode->mode))
		return dir_size(inode);
	return S_ISLNK(inode->mode) ? inode->size : 0;
}

/* ---- order */

static int compare(const void *a, const void *b)
{
	const struct erofs_name *x = a, *y = b;
	int r = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return r ? r : (x->len > y->len) - (x->len < y->len);
}

static int sort(struct tree_inode *dir)
{
	const struct tree_name *name;
	size_t n = 0;

	dir->order = calloc(erofs_dir_count(dir), sizeof(*dir->order));
	if (!dir->order)
		return -ENOMEM;
	dir->order[n++] = (struct erofs_name){ ".", 1, dir };
	dir->order[n++] = (struct erofs_name){ "..", 2, dir->parent ? dir->parent : dir };
	list_each (name, &dir->names, sibling)
		dir->order[n++] = (struct erofs_name){ name->text, name->len, name->inode };
	qsort(dir->order, n, sizeof(*dir->order), compare);
	return 0;
}

static int add(struct erofs_layout *l, struct tree_inode *inode)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		struct tree_inode **grown = realloc(l->inodes, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->inodes = grown;
		l->cap = cap;
	}
	inode->place = 1; /* it has been seen; place() says where it is */
	l->inodes[l->n++] = inode;
	return 0;
}

/* Breadth first; a file of several names where the first of them is. */
static int gather(struct erofs_layout *l, struct tree_inode *root)
{
	int r = add(l, root);

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct tree_inode *dir = l->inodes[i];

		if (!S_ISDIR(dir->mode))
			continue;
		r = sort(dir);
		for (size_t k = 0; r == 0 && k < erofs_dir_count(dir); k++)
			if (!dir->order[k].inode->place)
				r = add(l, (struct tree_inode *)(uintptr_t)dir->order[k].inode);
	}
	return r;
}

/* ---- places */

static uint64_t place(struct tree_inode *inode, uint64_t at)
{
	uint64_t size = inode_bytes(inode), own = erofs_contents_size(inode);
	bool behind = own && size + own <= EROFS_BLOCK;
	uint64_t whole = behind ? size + own : EROFS_INODE;

	if (at % EROFS_BLOCK + whole > EROFS_BLOCK)
		at = align(at, EROFS_BLOCK);
	inode->place = at;
	inode->contents = own && !behind;
	return align(at + (behind ? size + own : size), EROFS_SLOT);
}

int erofs_layout(struct erofs_layout *l, struct tree *tree)
{
	uint64_t at = EROFS_INODES_AT;
	int r = gather(l, tree->root);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n; i++)
		at = place(l->inodes[i], at);
	at = align(at, EROFS_BLOCK);
	for (size_t i = 0; i < l->n; i++)
		if (l->inodes[i]->contents) {
			l->inodes[i]->contents = at;
			at += align(erofs_contents_size(l->inodes[i]), EROFS_BLOCK);
		}
	l->size = align(at, EROFS_IMAGE_ALIGN);
	return 0;
}

void erofs_layout_deinit(struct erofs_layout *l)
{
	free(l->inodes);
	*l = (struct erofs_layout){ 0 };
}
