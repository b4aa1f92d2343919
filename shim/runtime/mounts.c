/* SPDX-License-Identifier: Apache-2.0 */
/* A bind mount is cloned detached, given its flags, and only then moved into place, so it is never
 * visible without them. A file system is mounted by one mount(2) on ".", after changing into the
 * target: the target was opened inside the root, so no link of the image leads out of it. */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fd.h"
#include "mountfrom.h"
#include "str.h"

enum { PATH_LEN_MAX = 4096 };

static int make_target(int root, const char *path, bool directory, int depth);

static int open_parent(int root, const char *path, char *base, size_t base_size, int depth)
{
	char dir[PATH_LEN_MAX];
	size_t n = strlen(path);
	const char *slash;

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, n);
	dir[n] = 0;
	slash = strrchr(dir, '/');
	(void)snprintf(base, base_size, "%s", slash ? slash + 1 : dir);
	if (!*base || !strcmp(base, ".."))
		return -EINVAL;
	if (!slash)
		return make_target(root, "/", true, depth);
	dir[slash == dir ? 1 : slash - dir] = 0;
	return make_target(root, dir, true, depth);
}

static int make_target(int root, const char *path, bool directory, int depth)
{
	char base[256];
	int r = fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0);

	if (r != -ENOENT || depth > 64)
		return r;
	cleanup_fd int parent = open_parent(root, path, base, sizeof(base), depth + 1);
	if (parent < 0)
		return parent;
	r = directory ? mkdirat(parent, base, 0755) : mknodat(parent, base, S_IFREG | 0644, 0);
	if (r && errno != EEXIST)
		return -errno;
	return fd_open_in_root(parent, base, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

int mounts_target(int root, const char *path, bool directory, struct err *err)
{
	int fd = make_target(root, path, directory, 0);

	return fd >= 0 ? fd : err_sys(err, fd, "make mount point %s", path);
}

static int set_attr(int fd, uint64_t set, uint64_t clr, unsigned long propagation, unsigned flags)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clr, .propagation = propagation };

	return mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)) ? -errno : 0;
}

int mounts_options(int fd, const struct mountopt *o)
{
	int r = 0;

	if (o->rec_set || o->rec_clr)
		r = set_attr(fd, o->rec_set, o->rec_clr, 0, AT_RECURSIVE);
	if (!r && (o->attr_set || o->attr_clr))
		r = set_attr(fd, o->attr_set, o->attr_clr, 0, 0);
	if (!r && o->propagation)
		r = set_attr(fd, 0, 0, o->propagation & ~(unsigned long)MS_REC,
			     o->propagation & MS_REC ? AT_RECURSIVE : 0);
	return r;
}

const char *mounts_own_option(const struct plan_mount *m, const char *option)
{
	return m->data && str_has_prefix(m->data, option) ? m->data + strlen(option) : NULL;
}

static int open_elsewhere(const struct plan_mount *m, const char *ns, unsigned flags,
			  struct err *err)
{
	cleanup_fd int fd = open(ns, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open namespace %s", ns)
		      : mountfrom_open(fd, m->source, flags, err);
}

/* What is to be bound: the source; with the option x-cleat.subpath what is at that path inside it, and a container
 * that writes there has no say in where the path leads; with x-cleat.mntns what is there in that mount namespace. */
static int open_source(const struct plan_mount *m, int bundle, struct err *err)
{
	const char *below = mounts_own_option(m, PLAN_MOUNT_SUBPATH);
	const char *ns = mounts_own_option(m, PLAN_MOUNT_NS);
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			 (m->opt.recursive ? (unsigned)AT_RECURSIVE : 0);
	int tree;

	if (ns)
		return open_elsewhere(m, ns, flags, err);
	if (below) {
		cleanup_fd int base = openat(bundle, m->source, O_PATH | O_CLOEXEC);
		cleanup_fd int found =
			base < 0 ? -1 : fd_open_in_root(base, below, O_PATH | O_CLOEXEC, 0);

		if (found < 0)
			return err_sys(err, base < 0 ? errno : found,
				       "open %s in %s to mount it on %s", below, m->source,
				       m->dest);
		tree = open_tree(found, "", AT_EMPTY_PATH | flags);
	} else {
		tree = open_tree(bundle, m->source, flags);
	}
	return tree < 0 ? err_sys(err, errno, "open %s to mount it on %s", m->source, m->dest)
			: tree;
}

int mounts_set_options(const struct plan_mount *m, int tree, struct err *err)
{
	int r = mounts_options(tree, &m->opt);

	return r ? err_sys(err, r, "set options of the mount on %s", m->dest) : 0;
}

int mounts_source(const struct plan_mount *m, int bundle, struct err *err)
{
	cleanup_fd int tree = open_source(m, bundle, err);
	int r = tree < 0 ? tree : mounts_set_options(m, tree, err);

	return r < 0 ? r : steal_fd(&tree);
}

/* `prepared`: its source, -1 = it is to be opened. */
static int mount_bind(const struct plan_mount *m, int prepared, const struct mounts_env *env,
		      struct err *err)
{
	struct stat st;

	cleanup_fd int tree = prepared >= 0 ? prepared : mounts_source(m, env->bundle, err);
	if (tree < 0)
		return tree;
	if (fstat(tree, &st))
		return err_sys(err, errno, "open %s to mount it on %s", m->source, m->dest);
	cleanup_fd int target = mounts_target(env->root, m->dest, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(err, errno, "mount %s on %s",
			       m->layers.n ? "the layers of an image" : m->source, m->dest);
	return 0;
}

static int mount_here(const struct plan_mount *m, const char *type, const char *data,
		      unsigned long flags, struct err *err)
{
	if (!mount(m->source ? m->source : type, ".", type, flags, data))
		return 0;
	return err_sys(err, errno, "mount %s on %s", type, m->dest);
}

static int mount_fs(const struct plan_mount *m, const struct mounts_env *env, struct err *err)
{
	cleanup_fd int target = mounts_target(env->root, m->dest, true, err);
	int r;

	if (target < 0)
		return target;
	if (fchdir(target))
		return err_sys(err, errno, "enter %s", m->dest);
	r = mount_here(m, m->type, m->data, m->opt.flags, err);
	if (r || !m->opt.propagation)
		return r;
	cleanup_fd int top = mounts_target(env->root, m->dest, true, err);
	if (top < 0)
		return top;
	r = set_attr(top, 0, 0, m->opt.propagation & ~(unsigned long)MS_REC, 0);
	return r ? err_sys(err, r, "set propagation of %s", m->dest) : 0;
}

/* One hierarchy below the tmpfs: its own mount in a cgroup namespace, a bind of the container's own
 * directory without one. */
static int mount_hierarchy(const struct plan_mount *m, const struct mounts_env *env, size_t i,
			   bool own_ns, struct err *err)
{
	const char *name = env->cgroup->names[i];
	char path[PATH_LEN_MAX], data[64];

	(void)snprintf(path, sizeof(path), "%s/%s", m->dest, name);
	cleanup_fd int target = mounts_target(env->root, path, true, err);
	if (target < 0)
		return target;
	if (own_ns) {
		struct plan_mount one = { .dest = path, .source = "cgroup" };
		static const char *const known =
			" cpu cpuacct cpuset memory devices freezer blkio pids "
			"net_cls net_prio perf_event hugetlb rdma misc ";
		char word[40];
		size_t first = strcspn(name, ",");

		(void)snprintf(word, sizeof(word), " %.*s ", (int)first, name);
		(void)snprintf(data, sizeof(data), "%s%s",
			       strstr(known, word) ? "" : "none,name=", name);
		if (fchdir(target))
			return err_sys(err, errno, "enter %s", path);
		return mount_here(&one, "cgroup", data, m->opt.flags, err);
	}
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", name, env->cgroup->path);
	cleanup_fd int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "open %s", path);
	(void)!mounts_options(tree, &m->opt);
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(err, errno, "mount cgroup %s", name);
	return 0;
}

static int mount_cgroup(const struct plan *p, const struct plan_mount *m,
			const struct mounts_env *env, struct err *err)
{
	bool own_ns = p->ns_new & 1u << NS_CGROUP;
	struct plan_mount top = *m;
	int r = env->entered(env->ctx, err);

	if (r)
		return r;
	top.type = env->cgroup->ops->version == 2 ? "cgroup2" : "tmpfs";
	top.data = env->cgroup->ops->version == 2 ? m->data : "mode=755";
	top.opt.flags &= ~(unsigned long)MS_RDONLY;
	if (env->cgroup->ops->version == 2)
		top.opt.flags = m->opt.flags;
	r = mount_fs(&top, env, err);
	if (r || env->cgroup->ops->version == 2)
		return r;
	for (size_t i = 0; !r && i < env->cgroup->n; i++)
		r = mount_hierarchy(m, env, i, own_ns, err);
	if (r || !(m->opt.flags & MS_RDONLY))
		return r;
	cleanup_fd int fd = mounts_target(env->root, m->dest, true, err);
	if (fd < 0)
		return fd;
	r = set_attr(fd, MOUNT_ATTR_RDONLY, 0, 0, 0);
	return r ? err_sys(err, r, "make %s read-only", m->dest) : 0;
}

static int apply_one(const struct plan *p, size_t i, const struct mounts_env *env, struct err *err)
{
	const struct plan_mount *m = &p->mounts[i];
	int prepared = env->outside->mounts ? env->outside->mounts[i] : -1;

	if (m->opt.bind || prepared >= 0)
		return mount_bind(m, prepared, env, err);
	if (!strcmp(m->type, "cgroup"))
		return mount_cgroup(p, m, env, err);
	return mount_fs(m, env, err);
}

int mounts_apply(const struct plan *p, const struct mounts_env *env, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < p->n_mounts; i++)
		r = apply_one(p, i, env, err);
	return r;
}
