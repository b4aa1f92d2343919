/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an overlay are mapped one by one, as overlayfs itself maps nothing: so the ids on disk stay those of the
 * image, and what the container writes goes to its upper directory by the same numbers. Who mounts an overlay is who its
 * own directories are made by, which has to be somebody the layers know: the container's root. */
#include "outside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "aside.h"
#include "fd.h"
#include "mounts.h"
#include "nodes.h"
#include "overlay.h"
#include "str.h"
#include "userns.h"

enum { NAME_LEN = 32 };

void outside_close(struct outside *out)
{
	for (size_t i = 0; out->mounts && i < out->n; i++)
		closep(&out->mounts[i]);
	free(out->mounts);
	closep(&out->root);
	closep(&out->nodes);
	*out = OUTSIDE_NULL;
}

static int map_tree(int tree, int userns, bool recursive, const char *what, struct err *err)
{
	int r = userns_map_mount(tree, userns, recursive);

	if (r == -EINVAL)
		return err_set(err, ERR_PRECONDITION,
			       "%s: the file system it is on, or one below it, takes no id-mapped "
			       "mounts",
			       what);
	return r ? err_sys(err, r, "map the ids of %s", what) : 0;
}

/* A copy of the mount at the path with its ids mapped. */
static int mapped_copy(int at, const char *path, int userns, const char *what, struct err *err)
{
	cleanup_fd int tree =
		open_tree(at, path, (unsigned)AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int r = tree < 0 ? err_sys(err, errno, "open %s", what)
			 : map_tree(tree, userns, false, what, err);

	return r ? r : steal_fd(&tree);
}

struct layers {
	int *fds;
	char (*names)[NAME_LEN];
	const char **lower;
	size_t n;
	int upper;
	char *upper_name, *work_name;
};

static void layers_deinit(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		closep(&l->fds[i]);
	closep(&l->upper);
	free(l->fds);
	free(l->names);
	free(l->lower);
	free(l->upper_name);
	free(l->work_name);
}

static int map_lower(struct layers *l, const char *entry, int userns, struct err *err)
{
	int fd, r = overlay_layer_fd(entry, &fd, err), tree;

	if (r)
		return r;
	tree = mapped_copy(fd >= 0 ? fd : AT_FDCWD, fd >= 0 ? "" : entry, userns, entry, err);
	if (tree < 0)
		return tree;
	(void)snprintf(l->names[l->n], NAME_LEN, "fd:%d", tree);
	l->lower[l->n] = l->names[l->n];
	l->fds[l->n++] = tree;
	return 0;
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Both directories have to be of one mount: that of the directory they are in. */
static int map_upper(struct layers *l, const struct plan_overlay *o, int userns, struct err *err)
{
	size_t n = parent_len(o->upper);

	if (!n || n != parent_len(o->work) || strncmp(o->upper, o->work, n) != 0)
		return err_set(err, ERR_INVALID,
			       "the overlay's upper and work need to be in one directory");
	cleanup_free char *dir = strndup(o->upper, n);
	l->upper = dir ? mapped_copy(AT_FDCWD, dir, userns, dir, err) : -ENOMEM;
	if (l->upper < 0)
		return l->upper;
	l->upper_name = str_printf("/proc/self/fd/%d%s", l->upper, o->upper + n);
	l->work_name = str_printf("/proc/self/fd/%d%s", l->upper, o->work + n);
	return l->upper_name && l->work_name ? 0 : -ENOMEM;
}

/* Files are made by the container's root from here on, with all that the host's root may; back with 0. */
static int act_as(uint32_t uid, uint32_t gid, struct err *err)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0 || prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP))
		return err_sys(err, errno, "keep privileges");
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	(void)prctl(PR_SET_SECUREBITS, (unsigned long)bits);
	return (uid_t)setfsuid((uid_t)-1) == uid
		       ? 0
		       : err_set(err, ERR_PERMISSION, "files cannot be made as user %u", uid);
}

static int make_overlay(const struct plan *p, const struct layers *l, struct err *err)
{
	const struct overlay o = { l->lower, l->n, l->upper_name, l->work_name,
				   p->overlay.is_volatile };
	int r = act_as(userns_host_id(&p->uid_map, 0), userns_host_id(&p->gid_map, 0), err), back;

	r = r ? r : overlay_make(&o, err);
	if (r == -EAGAIN)
		r = aside_overlay(&o, l->fds, l->upper, err);
	back = act_as(0, 0, r < 0 ? NULL : err);
	if (r >= 0 && back)
		close(r);
	return r >= 0 && back ? back : r;
}

static int prepare_overlay(const struct plan *p, int userns, struct err *err)
{
	const struct plan_overlay *o = &p->overlay;
	cleanup(layers_deinit) struct layers l = {
		.fds = calloc(o->lower.n, sizeof(*l.fds)),
		.names = calloc(o->lower.n, sizeof(*l.names)),
		.lower = calloc(o->lower.n, sizeof(*l.lower)),
		.upper = -1,
	};
	int r = l.fds && l.names && l.lower ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < o->lower.n; i++)
		r = map_lower(&l, o->lower.item[i], userns, err);
	if (!r && o->upper)
		r = map_upper(&l, o, userns, err);
	return r ? r : make_overlay(p, &l, err);
}

static int prepare_root(const struct plan *p, int bundle, int userns, struct err *err)
{
	int tree;

	if (p->overlay.lower.n)
		return prepare_overlay(p, userns, err);
	tree = open_tree(bundle, p->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return tree >= 0 ? tree : err_sys(err, errno, "open root file system %s", p->root);
}

static int prepare_mount(const struct plan_mount *m, int bundle, int userns, struct err *err)
{
	cleanup_fd int tree = mounts_source(m, bundle, err), own = -1;
	int r = 0;

	if (tree < 0 || !m->opt.idmap)
		return steal_fd(&tree);
	if (m->uid_map.n) {
		own = userns_make(&m->uid_map, &m->gid_map, err);
		r = own < 0 ? own : 0;
	}
	r = r ? r : map_tree(tree, own >= 0 ? own : userns, m->opt.recursive_idmap, m->source, err);
	return r ? err_wrap(err, r, "mount on %s", m->dest) : steal_fd(&tree);
}

static int prepare_mounts(struct outside *out, const struct plan *p, int bundle, int userns,
			  struct err *err)
{
	out->mounts = malloc((p->n_mounts + 1) * sizeof(*out->mounts));
	if (!out->mounts)
		return -ENOMEM;
	for (; out->n < p->n_mounts; out->n++) {
		const struct plan_mount *m = &p->mounts[out->n];
		int fd = -1;

		if (m->opt.bind && (userns >= 0 || m->opt.idmap)) {
			fd = prepare_mount(m, bundle, userns, err);
			if (fd < 0)
				return fd;
		}
		out->mounts[out->n] = fd;
	}
	return 0;
}

int outside_prepare(struct outside *out, const struct plan *p, int userns, struct err *err)
{
	cleanup_fd int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = bundle < 0 ? err_sys(err, errno, "open the bundle") : 0;

	r = r ? r : prepare_mounts(out, p, bundle, userns, err);
	if (!r && userns >= 0) {
		out->root = prepare_root(p, bundle, userns, err);
		r = out->root < 0 ? out->root : 0;
	}
	if (!r && userns >= 0) {
		out->nodes = nodes_outside(p, err);
		r = out->nodes < 0 ? out->nodes : 0;
	}
	return r < 0 ? err_wrap(err, r, "prepare the container's files") : 0;
}
