/* SPDX-License-Identifier: Apache-2.0 */
/* What a name meant before the entry decides, as it does on a disk: a directory over a directory changes
 * it, anything else takes its place; a directory in the place of a whiteout hides what the layers below
 * have there. A hard link is a second name of what is there at that moment. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "jobs.h"
#include "str.h"
#include "treenode.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "index the layer");
}

/* ---- places */

/* The entry's directory and the last part of its path. */
struct spot {
	struct tree_inode *dir;
	const char *name;
	size_t len;
};

static int make_missing(struct tree *tree, const struct spot *at, int64_t mtime,
			struct tree_inode **out)
{
	struct tree_inode *dir = treenode_new(S_IFDIR | 0755);

	if (!dir)
		return -ENOMEM;
	dir->mtime = mtime;
	if (treenode_link(tree, at->dir, at->name, at->len, dir) < 0) {
		treenode_drop(dir);
		return -ENOMEM;
	}
	*out = dir;
	return 0;
}

/* Walks to the last part of `path`. Directories that are missing are made, unless mtime is NULL: 1 then,
 * as for what is no directory. */
static int walk(struct tree *tree, const char *path, const int64_t *mtime, struct spot *at)
{
	*at = (struct spot){ tree->root, path, strcspn(path, "/") };
	while (at->name[at->len]) {
		struct tree_name *n = treenode_find(tree, at->dir, at->name, at->len);
		struct tree_inode *dir = n ? n->inode : NULL;

		if (!dir && !mtime)
			return 1;
		if (!dir && make_missing(tree, at, *mtime, &dir) < 0)
			return -ENOMEM;
		if (!S_ISDIR(dir->mode))
			return 1;
		at->dir = dir;
		at->name += at->len + 1;
		at->len = strcspn(at->name, "/");
	}
	return 0;
}

static int locate(struct tree *tree, const char *path, int64_t mtime, struct spot *at,
		  struct err *err)
{
	int r = walk(tree, path, &mtime, at);

	if (r == 1)
		return err_set(err, ERR_INVALID,
			       "entry \"%.*s/...\": its directory is a link or a file",
			       (int)(strrchr(path, '/') - path), path);
	return r < 0 ? no_memory(err) : 0;
}

/* ---- attributes */

static int set_xattrs(struct tree_inode *inode, const struct tar_entry *e, struct err *err)
{
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (attributes_keep(x->name) &&
		    treenode_xattr(inode, x->name, x->value, x->len) < 0)
			return no_memory(err);
	}
	return 0;
}

static int mark(struct tree_inode *dir, const char *name, const char *value, struct err *err)
{
	return treenode_xattr(dir, name, value, strlen(value)) < 0 ? no_memory(err) : 0;
}

static int make_opaque(struct tree_inode *dir, struct err *err)
{
	return mark(dir, "trusted.overlay.opaque", "y", err);
}

static void set_owner(struct tree_inode *inode, const struct tar_entry *e)
{
	inode->mode = (uint16_t)tarentry_mode(e);
	inode->uid = e->uid;
	inode->gid = e->gid;
}

static void set_time(struct tree_inode *inode, const struct tar_entry *e)
{
	struct timespec at = tarentry_time(e);

	inode->mtime = at.tv_sec;
	inode->mtime_nsec = (uint32_t)at.tv_nsec;
}

/* ---- entries */

static bool is_whiteout(const struct tree_inode *inode)
{
	return S_ISCHR(inode->mode) && inode->major == 0 && inode->minor == 0;
}

/* Takes the reference of whoever made the inode over, also when it fails. */
static int put(struct tree *tree, const struct spot *at, struct tree_inode *inode, struct err *err)
{
	if (treenode_link(tree, at->dir, at->name, at->len, inode) == 0)
		return 0;
	treenode_drop(inode);
	return no_memory(err);
}

/* What it hides is in the layers below; what this layer itself has of that name stays. */
static int whiteout(struct tree *tree, struct spot *at, struct err *err)
{
	static const char prefix[] = ".wh.";

	if (!strcmp(at->name, ".wh..wh..opq"))
		return make_opaque(at->dir, err);
	if (str_has_prefix(at->name, ".wh..wh."))
		return 0;
	at->name += sizeof(prefix) - 1;
	at->len -= sizeof(prefix) - 1;
	if (!at->len || !strcmp(at->name, ".") || !strcmp(at->name, ".."))
		return err_set(err, ERR_INVALID, "a whiteout of nothing");

	struct tree_name *there = treenode_find(tree, at->dir, at->name, at->len);
	struct tree_inode *inode = there ? NULL : treenode_new(S_IFCHR);

	if (there)
		return S_ISDIR(there->inode->mode) ? make_opaque(there->inode, err) : 0;
	if (!inode)
		return no_memory(err);
	int r = put(tree, at, inode, err);

	/* without it the devices would show where the directory is not merged */
	return r ? r : mark(at->dir, "trusted.overlay.origin", "", err);
}

static int hardlink(struct tree *tree, const struct spot *at, const char *target, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	struct tree_name *n = NULL;
	struct spot from;
	int r = place_clean(target, path, err);

	if (r < 0)
		return r;
	if (path[0] && walk(tree, path, NULL, &from) == 0)
		n = treenode_find(tree, from.dir, from.name, from.len);
	if (!n || S_ISDIR(n->inode->mode))
		return err_set(err, ERR_INVALID, "hard link to \"%.100s\", which is no file here",
			       target);
	return treenode_link(tree, at->dir, at->name, at->len, n->inode) < 0 ? no_memory(err) : 0;
}

static int set_pieces(struct tree *tree, struct tree_inode *inode, const struct tar_entry *e)
{
	inode->pieces = malloc((e->n_pieces + 1) * sizeof(*inode->pieces));
	if (!inode->pieces)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_pieces; i++) {
		inode->pieces[i] = e->pieces[i];
		tree->size += e->pieces[i].len;
	}
	inode->n_pieces = e->n_pieces;
	return 0;
}

static int fill(struct tree *tree, struct tree_inode *inode, const struct tar_entry *e,
		struct err *err)
{
	set_owner(inode, e);
	set_time(inode, e);
	inode->major = e->major;
	inode->minor = e->minor;
	inode->offset = e->offset;
	inode->size = e->size_bytes;
	if (e->sparse && set_pieces(tree, inode, e) < 0)
		return no_memory(err);
	tree->size += e->sparse ? 0 : e->size_bytes;
	if (e->type == TAR_FILE || e->type == TAR_DIR)
		return set_xattrs(inode, e, err);
	if (e->type != TAR_SYMLINK)
		return 0;
	inode->target = strdup(e->link);
	inode->size = strlen(e->link);
	return inode->target ? 0 : no_memory(err);
}

static int make(struct tree *tree, const struct spot *at, const struct tar_entry *e,
		struct err *err)
{
	mode_t mode = tarentry_mode(e);
	struct tree_inode *inode;
	int r;

	if (e->type == TAR_HARDLINK)
		return hardlink(tree, at, e->link, err);
	inode = treenode_new((uint16_t)mode);
	if (!inode)
		return no_memory(err);
	r = fill(tree, inode, e, err);
	if (r == 0)
		return put(tree, at, inode, err);
	treenode_drop(inode);
	return r;
}

static int change_dir(struct tree_inode *dir, const struct tar_entry *e, struct err *err)
{
	set_owner(dir, e);
	set_time(dir, e);
	return set_xattrs(dir, e, err);
}

/* Makes the entry; what is there already goes first, but directories, which only change. */
static int replace(struct tree *tree, const struct spot *at, const struct tar_entry *e,
		   struct err *err)
{
	struct tree_name *there = treenode_find(tree, at->dir, at->name, at->len);
	bool hidden = there && is_whiteout(there->inode);
	int r;

	if (there && e->type == TAR_DIR && S_ISDIR(there->inode->mode))
		return change_dir(there->inode, e, err);
	if (there)
		treenode_unlink(tree, there);
	r = make(tree, at, e, err);
	if (r < 0 || e->type != TAR_DIR || !hidden)
		return r;
	return make_opaque(treenode_find(tree, at->dir, at->name, at->len)->inode, err);
}

int tree_add(struct tree *tree, const struct tar_entry *e, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	struct spot at;
	int r;

	if (++tree->n_entries > JOB_ENTRIES_MAX)
		return err_set(err, ERR_INVALID, "more than %d entries", JOB_ENTRIES_MAX);
	r = place_clean(e->path, path, err);
	if (r < 0)
		return r;
	if (!path[0]) {
		return e->type == TAR_DIR ? change_dir(tree->root, e, err) : tarentry_is_root(err);
	}
	r = tarentry_check(e, err);
	if (r < 0)
		return err_wrap(err, r, "entry \"%.100s\"", path);
	r = locate(tree, path, tarentry_time(e).tv_sec, &at, err);
	if (r < 0)
		return r;
	if (str_has_prefix(at.name, ".wh."))
		return whiteout(tree, &at, err);
	r = replace(tree, &at, e, err);
	return r < 0 ? err_wrap(err, r, "entry \"%.100s\"", path) : 0;
}
