/* SPDX-License-Identifier: Apache-2.0 */
#include "copytree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

enum {
	XATTR_NAMES_MAX = 64 << 10,
	XATTR_VALUE_MAX = 64 << 10,
	PART_BYTES = 1 << 30,
	BLOCK_BYTES = 64 << 10
};

/* Names of a directory in the order of their bytes. */
struct listing {
	struct dirent **v;
	int n;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int listing_read(struct listing *l, int fd)
{
	l->n = scandirat(fd, ".", &l->v, no_dots, by_name);
	return l->n < 0 ? -errno : 0;
}

static void listing_deinit(struct listing *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static int open_dir(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- attributes */

static bool keeps(const char *key)
{
	return strcmp(key, "security.capability") == 0 ||
	       (str_has_prefix(key, "user.") && !str_has_prefix(key, "user.overlay."));
}

typedef int xattr_fn(void *ctx, const char *key, const void *value, size_t len);

static int each_xattr(int fd, xattr_fn *one, void *ctx)
{
	char few[256];
	cleanup_free char *many = NULL, *value = NULL;
	const char *names = few;
	ssize_t n = flistxattr(fd, few, sizeof(few));
	int r = 0;

	if (n < 0 && errno == ERANGE) {
		many = malloc(XATTR_NAMES_MAX);
		n = many ? flistxattr(fd, many, XATTR_NAMES_MAX) : -1;
		names = many;
	}
	if (n <= 0)
		return n == 0 || errno == ENOTSUP ? 0 : -errno;
	value = malloc(XATTR_VALUE_MAX);
	if (!value)
		return -ENOMEM;
	for (const char *key = names; r == 0 && key < names + n; key += strlen(key) + 1) {
		ssize_t len = keeps(key) ? fgetxattr(fd, key, value, XATTR_VALUE_MAX) : -1;

		if (len >= 0)
			r = one(ctx, key, value, (size_t)len);
	}
	return r;
}

static int copy_xattr(void *ctx, const char *key, const void *value, size_t len)
{
	const int *fd = ctx;

	return fsetxattr(*fd, key, value, len, 0) < 0 && errno != ENOTSUP ? -errno : 0;
}

/* ---- digests */

struct hash {
	const struct copy_rules *rules;
	EVP_MD_CTX *digest;
	struct buf path; /* below the source */
};

static int hash_xattr(void *ctx, const char *key, const void *value, size_t len)
{
	struct hash *h = ctx;
	char line[300];
	int n = snprintf(line, sizeof(line), "x %.255s %zu\n", key, len);

	return EVP_DigestUpdate(h->digest, line, (size_t)n) == 1 &&
			       EVP_DigestUpdate(h->digest, value, len) == 1
		       ? 0
		       : -ENOMEM;
}

static bool excluded(const struct copy_rules *rules, const struct buf *path)
{
	return rules->exclude && path->len && ignore_match(rules->exclude, path->data);
}

static long long owner(int64_t rule, unsigned int source)
{
	return rule >= 0 ? rule : source;
}

static unsigned int mode_of(const struct copy_rules *rules, const struct stat *st)
{
	return rules->mode >= 0 && !S_ISLNK(st->st_mode) ? (unsigned int)rules->mode
							 : st->st_mode & 07777;
}

/* A line of what is not contents. */
static int hash_head(struct hash *h, const struct stat *st, const char *more)
{
	cleanup(buf_deinit) struct buf line = BUF_NULL;

	buf_json_string(&line, str_or_empty(h->path.data), h->path.len);
	buf_printf(&line, " %o %o %lld %lld %lld %llx ", st->st_mode & S_IFMT,
		   mode_of(h->rules, st), owner(h->rules->uid, st->st_uid),
		   owner(h->rules->gid, st->st_gid),
		   S_ISREG(st->st_mode) ? (long long)st->st_size : 0LL,
		   (unsigned long long)st->st_rdev);
	buf_json_string(&line, more, strlen(more));
	buf_putc(&line, '\n');
	return line.error || EVP_DigestUpdate(h->digest, line.data, line.len) != 1 ? -ENOMEM : 0;
}

static int hash_bytes(struct hash *h, int fd)
{
	cleanup_free char *block = malloc(BLOCK_BYTES);
	ssize_t n;

	if (!block)
		return -ENOMEM;
	while ((n = read(fd, block, BLOCK_BYTES)) > 0)
		if (EVP_DigestUpdate(h->digest, block, (size_t)n) != 1)
			return -ENOMEM;
	return n < 0 ? -errno : 0;
}

static int hash_any(struct hash *h, int dir_fd, const char *name, int depth);

static int hash_below(struct hash *h, int fd, int depth)
{
	cleanup(listing_deinit) struct listing l = { 0 };
	size_t len = h->path.len;
	int r = depth < COPYTREE_DEPTH_MAX ? listing_read(&l, fd) : -ELOOP;

	for (int i = 0; r == 0 && i < l.n; i++) {
		buf_printf(&h->path, "%s%s", len ? "/" : "", l.v[i]->d_name);
		r = h->path.error ? h->path.error : hash_any(h, fd, l.v[i]->d_name, depth + 1);
		h->path.len = len;
	}
	return r;
}

static int hash_open(struct hash *h, int dir_fd, const char *name, const struct stat *st, int depth)
{
	bool dir = S_ISDIR(st->st_mode);
	cleanup_fd int fd = dir ? open_dir(dir_fd, name) : open_file(dir_fd, name);
	int r = fd < 0 ? fd : hash_head(h, st, "");

	r = r ? r : each_xattr(fd, hash_xattr, h);
	if (r < 0)
		return r;
	return dir ? hash_below(h, fd, depth) : hash_bytes(h, fd);
}

/* Where the link leads: owned, NULL with errno. */
static char *read_link(int dir_fd, const char *name)
{
	cleanup_free char *target = malloc(PATH_MAX);
	ssize_t n = target ? readlinkat(dir_fd, name, target, PATH_MAX - 1) : -1;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return steal(&target);
}

/* What is recursive keeps its frames small: trees are deep, threads' stacks are not. */
static int hash_any(struct hash *h, int dir_fd, const char *name, int depth)
{
	cleanup_free char *target = NULL;
	struct stat st;

	if (h->path.data)
		h->path.data[h->path.len] = '\0';
	if (excluded(h->rules, &h->path))
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return hash_open(h, dir_fd, name, &st, depth);
	if (S_ISLNK(st.st_mode) && !(target = read_link(dir_fd, name)))
		return -errno;
	return hash_head(h, &st, str_or_empty(target));
}

int copytree_digest(int dir_fd, const char *name, const struct copy_rules *rules,
		    EVP_MD_CTX *digest, struct err *err)
{
	struct hash h = { .rules = rules, .digest = digest };
	int r = hash_any(&h, dir_fd, name, 0);

	buf_deinit(&h.path);
	return r < 0 ? err_sys(err, r, "read \"%.120s\"", name) : 0;
}

/* ---- copies */

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

/* Owner, mode, attributes and time of what is open, in the order in which one does not undo another. */
static int set_like(struct copy *c, int from, int to, const struct stat *st)
{
	const struct timespec times[] = { st->st_mtim, st->st_mtim };

	if (fchown(to, (uid_t)owner(c->rules->uid, st->st_uid),
		   (gid_t)owner(c->rules->gid, st->st_gid)) < 0 ||
	    fchmod(to, mode_of(c->rules, st)) < 0)
		return -errno;
	int r = each_xattr(from, copy_xattr, &to);

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
	cleanup_fd int from = open_file(from_fd, name);
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
	cleanup(listing_deinit) struct listing l = { 0 };
	size_t len = c->path.len;
	int r = depth < COPYTREE_DEPTH_MAX ? listing_read(&l, from) : -ELOOP;

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
	cleanup_fd int from = open_dir(from_fd, name);
	bool made = mkdirat(to_fd, to, 0700) == 0;

	if (!made && errno != EEXIST)
		return failed(c, errno, to);
	cleanup_fd int out = open_dir(to_fd, to);

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
		r = !(target = read_link(from_fd, name)) || symlinkat(target, to_fd, to) < 0
			    ? -errno
			    : 0;
	else
		r = mknodat(to_fd, to, (st->st_mode & S_IFMT) | mode_of(c->rules, st),
			    st->st_rdev) < 0
			    ? -errno
			    : 0;
	if (r == 0 && (fchownat(to_fd, to, (uid_t)owner(c->rules->uid, st->st_uid),
				(gid_t)owner(c->rules->gid, st->st_gid), AT_SYMLINK_NOFOLLOW) < 0 ||
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
	if (excluded(c->rules, &c->path))
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
	cleanup(listing_deinit) struct listing l = { 0 };
	int r = depth < COPYTREE_DEPTH_MAX ? listing_read(&l, fd) : -ELOOP;

	for (int i = 0; r == 0 && i < l.n; i++) {
		const char *name = l.v[i]->d_name;
		struct stat st;

		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISDIR(st.st_mode)) {
			cleanup_fd int sub = open_dir(fd, name);

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
