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
#include "mapped.h"
#include "mounts.h"
#include "nodes.h"
#include "overlay.h"
#include "procfs.h"
#include "str.h"
#include "userns.h"

void outside_close(struct outside *out)
{
	for (size_t i = 0; out->mounts && i < out->n; i++)
		closep(&out->mounts[i]);
	free(out->mounts);
	closep(&out->root);
	closep(&out->nodes);
	*out = OUTSIDE_NULL;
}

struct upper {
	int fd;
	char *upper_name, *work_name;
};

static void upper_deinit(struct upper *u)
{
	closep(&u->fd);
	free(u->upper_name);
	free(u->work_name);
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Both directories have to be of one mount: that of the directory they are in. */
static int map_upper(struct upper *u, const struct plan_overlay *o, int userns, struct err *err)
{
	size_t n = parent_len(o->upper);

	if (!n || n != parent_len(o->work) || strncmp(o->upper, o->work, n) != 0)
		return err_set(err, ERR_INVALID,
			       "the overlay's upper and work need to be in one directory");
	cleanup_free char *dir = strndup(o->upper, n);
	u->fd = dir ? mapped_copy(AT_FDCWD, dir, userns, dir, err) : -ENOMEM;
	if (u->fd < 0)
		return u->fd;
	u->upper_name = str_printf("/proc/self/fd/%d%s", u->fd, o->upper + n);
	u->work_name = str_printf("/proc/self/fd/%d%s", u->fd, o->work + n);
	return u->upper_name && u->work_name ? 0 : -ENOMEM;
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

/* `trees`: the layers where they are copies; upper -1 = read-only. */
static int make_overlay(const struct overlay *o, const int *trees, int upper, struct err *err)
{
	int r = overlay_make(o, err);

	return r == -EAGAIN ? aside_overlay(o, trees, upper, err) : r;
}

static int make_mapped_overlay(const struct plan *p, const struct overlay *o, const int *trees,
			       int upper, struct err *err)
{
	int r = act_as(userns_host_id(&p->uid_map, 0), userns_host_id(&p->gid_map, 0), err), back;

	r = r ? r : make_overlay(o, trees, upper, err);
	back = act_as(0, 0, r < 0 ? NULL : err);
	if (r >= 0 && back)
		close(r);
	return r >= 0 && back ? back : r;
}

static int prepare_overlay(const struct plan *p, int userns, struct err *err)
{
	const struct plan_overlay *o = &p->overlay;
	cleanup(mapped_layers_deinit) struct mapped_layers l = { 0 };
	cleanup(upper_deinit) struct upper u = { .fd = -1 };
	int r = mapped_layers_open(&l, &o->lower, userns, err);

	if (!r && o->upper)
		r = map_upper(&u, o, userns, err);
	const struct overlay overlay = { .lower = l.lower,
					 .n_lower = l.n,
					 .upper = u.upper_name,
					 .work = u.work_name,
					 .is_volatile = o->is_volatile };

	return r ? r : make_mapped_overlay(p, &overlay, l.fds, u.fd, err);
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
	r = r ? r
	      : mapped_tree(tree, own >= 0 ? own : userns, m->opt.recursive_idmap, m->source, err);
	return r ? err_wrap(err, r, "mount on %s", m->dest) : steal_fd(&tree);
}

/* An image's files: an overlay of its layers that is never written to. */
static int prepare_layers(const struct plan *p, const struct plan_mount *m, int userns,
			  struct err *err)
{
	cleanup(mapped_layers_deinit) struct mapped_layers l = { 0 };
	const char *below = mounts_own_option(m, PLAN_MOUNT_SUBPATH);
	int r = mapped_layers_open(&l, &m->layers, userns, err);
	const struct overlay o = { .lower = l.lower, .n_lower = l.n };

	if (r)
		return err_wrap(err, r, "mount on %s", m->dest);
	cleanup_fd int whole = userns >= 0 ? make_mapped_overlay(p, &o, l.fds, -1, err)
					   : make_overlay(&o, l.fds, -1, err);
	cleanup_fd int part = whole >= 0 && below ? aside_subtree(whole, below, err) : -1;
	int *tree = below ? &part : &whole;

	r = whole < 0 ? whole : below && part < 0 ? part : mounts_set_options(m, *tree, err);
	return r < 0 ? err_wrap(err, r, "mount on %s", m->dest) : steal_fd(tree);
}

/* *fd stays as it is where there is nothing to prepare. */
static int prepare_one(const struct plan *p, const struct plan_mount *m, int bundle, int userns,
		       int pidns, int *fd, struct err *err)
{
	int r;

	if (m->layers.n)
		r = prepare_layers(p, m, userns, err);
	else if (m->opt.bind && (userns >= 0 || m->opt.idmap))
		r = prepare_mount(m, bundle, userns, err);
	else if (!m->opt.bind && pidns >= 0 && !strcmp(m->type, "proc"))
		r = procfs_of(pidns, p->ns_path[NS_PID], m, err);
	else
		return 0;
	if (r < 0)
		return r;
	*fd = r;
	return 0;
}

static int prepare_mounts(struct outside *out, const struct plan *p, int bundle, int userns,
			  int pidns, struct err *err)
{
	out->mounts = malloc((p->n_mounts + 1) * sizeof(*out->mounts));
	if (!out->mounts)
		return -ENOMEM;
	for (; out->n < p->n_mounts; out->n++) {
		int *fd = &out->mounts[out->n];
		int r;

		*fd = -1;
		r = prepare_one(p, &p->mounts[out->n], bundle, userns, pidns, fd, err);
		if (r)
			return r;
	}
	return 0;
}

int outside_prepare(struct outside *out, const struct plan *p, int userns, int pidns,
		    struct err *err)
{
	cleanup_fd int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = bundle < 0 ? err_sys(err, errno, "open the bundle") : 0;

	r = r ? r : prepare_mounts(out, p, bundle, userns, pidns, err);
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
