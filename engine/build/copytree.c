/* SPDX-License-Identifier: Apache-2.0 */
#include "copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "buf.h"
#include "treepart.h"
#include "treeput.h"

struct copy {
	const struct copy_rules *rules;
	struct buf path; /* below the source */
	struct err *err;
};

static int copy_any(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		    int depth);

static const char *shown(const struct copy *c, const char *to)
{
	return c->path.len ? c->path.data : to;
}

static int failed(struct copy *c, int r, const char *to)
{
	return err_sys(c->err, r, "copy to \"%.120s\"", shown(c, to));
}

static int copy_file(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		     const struct stat *st)
{
	cleanup_fd int from = treepart_open_file(from_fd, name);

	return from < 0 ? failed(c, from, to)
			: treeput_file(c->rules, st, from, from, to_fd, to, shown(c, to), c->err);
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
	bool made = false;

	if (from < 0)
		return failed(c, from, to);
	cleanup_fd int out = treeput_dir(to_fd, to, &made, shown(c, to), c->err);

	if (out < 0)
		return out;
	int r = copy_below(c, from, out, depth);

	if (r == 0 && made && (r = treeput_like(c->rules, st, from, out)) < 0)
		return failed(c, r, to);
	return r;
}

static int copy_node(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		     const struct stat *st)
{
	cleanup_free char *target = S_ISLNK(st->st_mode) ? treepart_link(from_fd, name) : NULL;

	if (S_ISLNK(st->st_mode) && !target)
		return failed(c, errno, to);
	return treeput_node(c->rules, st, target, to_fd, to, shown(c, to), c->err);
}

static int copy_any(struct copy *c, int from_fd, const char *name, int to_fd, const char *to,
		    int depth)
{
	struct stat st;

	if (c->path.data)
		c->path.data[c->path.len] = '\0';
	if (treepart_excluded(c->rules, c->path.data))
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
