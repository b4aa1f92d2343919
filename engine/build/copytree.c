/* SPDX-License-Identifier: Apache-2.0 */
#include "copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#include "buf.h"
#include "treepart.h"

enum { PART_BYTES = 1 << 30 };

struct copy {
	const struct copy_rules *rules;
	struct buf path; /* below the source */
	struct err *err;
};

static int copy_any(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		    int depth);

static int failed(struct copy *c, int r, const char *to)
{
	return err_sys(c->err, r, "copy to \"%.120s\"", c->path.len ? c->path.data : to);
}

static int copy_xattr(void *ctx, const char *key, const void *value, size_t len)
{
	const int *fd = ctx;

	return fsetxattr(*fd, key, value, len, 0) < 0 && errno != ENOTSUP ? -errno : 0;
}

/* Owner, mode, attributes and time of what is open, in the order in which one does not undo another. */
static int set_like(struct copy *c, int from, int to, const struct stat *st)
{
	const struct timespec times[] = { st->st_mtim, st->st_mtim };

	if (fchown(to, (uid_t)treepart_owner(c->rules->uid, st->st_uid),
		   (gid_t)treepart_owner(c->rules->gid, st->st_gid)) < 0 ||
	    fchmod(to, treepart_mode(c->rules, st)) < 0)
		return -errno;
	int r = treepart_each_xattr(from, copy_xattr, &to);

	return r == 0 && futimens(to, times) < 0 ? -errno : r;
}

static int copy_bytes(int from, int to)
{
	ssize_t n;

	while ((n = sendfile(to, from, NULL, PART_BYTES)) > 0)
		;
	return n < 0 ? -errno : 0;
}

/* What is there goes, unless it is a directory. */
static int make_room(struct copy *c, int to_fd, const char *to)
{
	struct stat st;

	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(c, errno, to);
	if (S_ISDIR(st.st_mode))
		return err_set(c->err, ERR_INVALID,
			       "cannot replace to directory \"%.120s\" with file", to);
	return unlinkat(to_fd, to, 0) < 0 ? failed(c, errno, to) : 0;
}

static int copy_file(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		     const struct stat *st)
{
	cleanup_fd int from = treepart_open_file(from_fd, name);
	int r = make_room(c, to_fd, to);

	if (r < 0)
		return r;
	cleanup_fd int out =
		openat(to_fd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || out < 0)
		return failed(c, from < 0 ? from : errno, to);
	r = copy_bytes(from, out);
	r = r ? r : set_like(c, from, out, st);
	return r < 0 ? failed(c, r, to) : 0;
}

static int copy_below(struct copy *c, int from, int to, int depth)
{
	cleanup(treelist_deinit) struct treelist l = { 0 };
	size_t len = c->path.len;
	int r = depth < COPYTREE_DEPTH_MAX ? treelist_read(&l, from) : -ELOOP;

	if (r < 0)
		return failed(c, r, ".");
	for (int i = 0; r == 0 && i < l.n; i++) {
		buf_printf(&c->path, "%s%s", len ? "/" : "", l.v[i]->d_name);
		r = c->path.error
			    ? failed(c, c->path.error, ".")
			    : copy_any(c, from, l.v[i]->d_name, to, l.v[i]->d_name, depth + 1);
		c->path.len = len;
	}
	return r;
}

/* A directory that is there keeps its own mode, owner and attributes. */
static int copy_dir(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		    const struct stat *st, int depth)
{
	cleanup_fd int from = treepart_open_dir(from_fd, name);
	bool made = mkdirat(to_fd, to, 0700) == 0;

	if (!made && errno != EEXIST)
		return failed(c, errno, to);
	cleanup_fd int out = treepart_open_dir(to_fd, to);

	if (out == -ENOTDIR || out == -ELOOP)
		return err_set(c->err, ERR_INVALID, "cannot copy to non-directory: \"%.120s\"",
			       c->path.len ? c->path.data : to);
	if (from < 0 || out < 0)
		return failed(c, from < 0 ? from : out, to);
	int r = copy_below(c, from, out, depth);

	if (r == 0 && made && (r = set_like(c, from, out, st)) < 0)
		return failed(c, r, to);
	return r;
}

static int copy_node(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		     const struct stat *st)
{
	const struct timespec times[] = { st->st_mtim, st->st_mtim };
	cleanup_free char *target = NULL;
	int r = make_room(c, to_fd, to);

	if (r < 0)
		return r;
	if (S_ISLNK(st->st_mode))
		r = !(target = treepart_link(from_fd, name)) || symlinkat(target, to_fd, to) < 0
			    ? -errno
			    : 0;
	else
		r = mknodat(to_fd, to, (st->st_mode & S_IFMT) | treepart_mode(c->rules, st),
			    st->st_rdev) < 0
			    ? -errno
			    : 0;
	if (r == 0 &&
	    (fchownat(to_fd, to, (uid_t)treepart_owner(c->rules->uid, st->st_uid),
		      (gid_t)treepart_owner(c->rules->gid, st->st_gid), AT_SYMLINK_NOFOLLOW) < 0 ||
	     utimensat(to_fd, to, times, AT_SYMLINK_NOFOLLOW) < 0))
		r = -errno;
	return r < 0 ? failed(c, r, to) : 0;
}

static int copy_any(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		    int depth)
{
	struct stat st;

	if (c->path.data)
		c->path.data[c->path.len] = '\0';
	if (treepart_excluded(c->rules, &c->path))
		return 0;
	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, errno, to);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_dir(c, from_fd, name, to_fd, to, &st, depth);
	case S_IFREG:
		return copy_file(c, from_fd, name, to_fd, to, &st);
	case S_IFSOCK: /* no layer can have it */
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		if (!c->rules->devices)
			return err_set(c->err, ERR_INVALID,
				       "\"%.120s\" is a device: no context can have any",
				       c->path.len ? c->path.data : name);
		/* fall through */
	default:
		return copy_node(c, from_fd, name, to_fd, to, &st);
	}
}

int copytree_copy(int from_fd, const char *name, int to_fd, const char *to,
		  const struct copy_rules *rules, struct err *err)
{
	struct copy c = { .rules = rules, .err = err };
	int r = copy_any(&c, from_fd, name, to_fd, to, 0);

	buf_deinit(&c.path);
	return r;
}

/* ---- times */

static bool later(const struct timespec *t, int64_t time_ns)
{
	return t->tv_sec > time_ns / 1000000000 ||
	       (t->tv_sec == time_ns / 1000000000 && t->tv_nsec > time_ns % 1000000000);
}

static int clamp_below(int fd, int64_t time_ns, int depth)
{
	const struct timespec at = { time_ns / 1000000000, time_ns % 1000000000 };
	const struct timespec times[] = { at, at };
	cleanup(treelist_deinit) struct treelist l = { 0 };
	int r = depth < COPYTREE_DEPTH_MAX ? treelist_read(&l, fd) : -ELOOP;

	for (int i = 0; r == 0 && i < l.n; i++) {
		const char *name = l.v[i]->d_name;
		struct stat st;

		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISDIR(st.st_mode)) {
			cleanup_fd int sub = treepart_open_dir(fd, name);

			r = sub < 0 ? sub : clamp_below(sub, time_ns, depth + 1);
		}
		if (r == 0 && later(&st.st_mtim, time_ns) &&
		    utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	return r;
}

int copytree_clamp(int dir_fd, int64_t time_ns, struct err *err)
{
	const struct timespec at = { time_ns / 1000000000, time_ns % 1000000000 };
	int r = clamp_below(dir_fd, time_ns, 0);

	if (r == 0 && futimens(dir_fd, (const struct timespec[]){ at, at }) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, r, "set the times of a layer's files") : 0;
}
