/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in the order of their names, so that the same tree gives the same archive. A regular file is opened
 * without waiting and only believed to be one once it is open; the mounts that are walked have no devices, so
 * that what was put in its place meanwhile does nothing. A file that shrinks while it is read is filled up with
 * zeros, as its size stands in front of it. */
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fd.h"
#include "str.h"

enum { BLOCK_BYTES = 256 << 10 };

int pack_open(struct pack *p, struct err *err)
{
	p->block = malloc(BLOCK_BYTES);
	return p->block ? 0 : err_sys(err, ENOMEM, "pack");
}

void pack_deinit(struct pack *p)
{
	free(p->block);
	buf_deinit(&p->out);
	buf_deinit(&p->path);
	links_deinit(&p->links);
}

static int flush(struct pack *p, struct err *err)
{
	int r = p->out.error ? err_sys(err, p->out.error, "pack")
			     : p->write(p->ctx, p->out.data, p->out.len, err);

	p->out.len = 0;
	return r;
}

static int flush_full(struct pack *p, struct err *err)
{
	return p->out.len >= BLOCK_BYTES || p->out.error ? flush(p, err) : 0;
}

static int put_head(struct pack *p, const struct tar_entry *e, struct err *err)
{
	if (p->path.error)
		return err_sys(err, p->path.error, "pack");
	tar_head(e, &p->out);
	return flush_full(p, err);
}

static struct tar_entry entry_of(const struct pack *p, const struct stat *st, enum tar_type type)
{
	return (struct tar_entry){
		.type = type,
		.path = str_or_empty(p->path.data),
		.mode = st->st_mode & 07777,
		.uid = p->as_root ? 0 : st->st_uid,
		.gid = p->as_root ? 0 : st->st_gid,
		.mtime_s = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
	};
}

static void cut(struct pack *p, size_t len)
{
	p->path.len = len;
	if (p->path.data)
		p->path.data[len] = '\0';
}

static int put_zeros(struct pack *p, uint64_t n, struct err *err)
{
	int r = 0;

	memset(p->block, 0, BLOCK_BYTES);
	while (r == 0 && n > 0) {
		size_t part = n < BLOCK_BYTES ? (size_t)n : BLOCK_BYTES;

		buf_append(&p->out, p->block, part);
		n -= part;
		r = flush_full(p, err);
	}
	return r;
}

static int put_data(struct pack *p, int fd, uint64_t size, struct err *err)
{
	uint64_t left = size;
	int r = 0;

	while (r == 0 && left > 0) {
		ssize_t n = read(fd, p->block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read \"%.120s\"", p->path.data);
		if (n == 0)
			break;
		buf_append(&p->out, p->block, (size_t)n);
		left -= (uint64_t)n;
		r = flush_full(p, err);
	}
	return r ? r : put_zeros(p, left + tar_padding(size), err);
}

static int put_open_file(struct pack *p, int fd, const struct stat *st, struct err *err)
{
	cleanup(attributes_deinit) struct attributes xattrs = { 0 };
	struct tar_entry e = entry_of(p, st, TAR_FILE);
	int r = attributes_read(fd, &xattrs);

	if (r < 0)
		return err_sys(err, r, "read the attributes of \"%.120s\"", p->path.data);
	e.size_bytes = (uint64_t)st->st_size;
	e.xattrs = xattrs.v;
	e.n_xattrs = xattrs.n;
	r = put_head(p, &e, err);
	return r ? r : put_data(p, fd, e.size_bytes, err);
}

static int put_file(struct pack *p, int dir_fd, const char *name, struct err *err)
{
	cleanup_fd int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO || errno == EACCES))
		return 0; /* something else by now, or nothing */
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open \"%.120s\"", p->path.data);
	return S_ISREG(st.st_mode) ? put_open_file(p, fd, &st, err) : 0;
}

static int put_symlink(struct pack *p, int dir_fd, const char *name, const struct stat *st,
		       struct err *err)
{
	char target[PATH_MAX + 1];
	struct tar_entry e = entry_of(p, st, TAR_SYMLINK);
	ssize_t n = readlinkat(dir_fd, name, target, PATH_MAX);

	if (n < 0)
		return errno == ENOENT || errno == EINVAL
			       ? 0
			       : err_sys(err, errno, "read the link \"%.120s\"", p->path.data);
	target[n] = '\0';
	e.link = target;
	return put_head(p, &e, err);
}

static int put_node(struct pack *p, const struct stat *st, struct err *err)
{
	struct tar_entry e = entry_of(p, st,
				      S_ISCHR(st->st_mode)   ? TAR_CHAR
				      : S_ISBLK(st->st_mode) ? TAR_BLOCKDEV
							     : TAR_FIFO);

	if (e.type != TAR_FIFO) {
		e.major = major(st->st_rdev);
		e.minor = minor(st->st_rdev);
	}
	return put_head(p, &e, err);
}

/* A file of the archive that stands for what overlayfs marks. */
static int put_mark(struct pack *p, size_t dir_len, const char *name, const char *of,
		    const struct stat *st, struct err *err)
{
	struct tar_entry e;

	cut(p, dir_len);
	buf_printf(&p->path, "%s%s", name, of);
	e = entry_of(p, st, TAR_FILE);
	e.mode = 0;
	e.uid = e.gid = 0;
	return put_head(p, &e, err);
}

static int put_dir_head(struct pack *p, int fd, struct err *err)
{
	cleanup(attributes_deinit) struct attributes xattrs = { 0 };
	struct tar_entry e;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : attributes_read(fd, &xattrs);

	if (r < 0)
		return err_sys(err, r, "read the directory \"%.120s\"", p->path.data);
	e = entry_of(p, &st, TAR_DIR);
	e.xattrs = xattrs.v;
	e.n_xattrs = xattrs.n;
	return put_head(p, &e, err);
}

static int put_opaque(struct pack *p, int fd, struct err *err)
{
	size_t len = p->path.len;
	struct stat st;
	int r = attributes_opaque(fd);

	if (r == -ENOTSUP)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "\"%.120s\" was renamed in a way that no layer can express",
			       p->path.data);
	if (r < 0 || fstat(fd, &st) < 0)
		return err_sys(err, r ? r : errno, "read the directory \"%.120s\"", p->path.data);
	if (r == 1)
		r = put_mark(p, len, ".wh..wh..opq", "", &st, err);
	cut(p, len);
	return r;
}

static int put_below(struct pack *p, int fd, int depth, struct err *err);

static int put_dir(struct pack *p, int dir_fd, const char *name, int depth, struct err *err)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_sys(err, errno, "open \"%.120s\"", p->path.data);
	if (depth >= PACK_DEPTH_MAX)
		return err_set(err, ERR_INVALID, "\"%.120s\": more than %d directories deep",
			       p->path.data, PACK_DEPTH_MAX);
	buf_putc(&p->path, '/');
	int r = put_dir_head(p, fd, err);

	if (r == 0 && p->layer)
		r = put_opaque(p, fd, err);
	return r ? r : put_below(p, fd, depth + 1, err);
}

/* A further name of a file that is in the archive: 1. */
static int put_hardlink(struct pack *p, const struct stat *st, struct err *err)
{
	const char *path = str_or_empty(p->path.data);
	const char *first = links_first(&p->links, st, path);
	struct tar_entry e = entry_of(p, st, TAR_HARDLINK);

	if (!first)
		return err_sys(err, ENOMEM, "pack");
	if (first == path)
		return 0;
	e.link = first;
	int r = put_head(p, &e, err);

	return r ? r : 1;
}

static int put_any(struct pack *p, int dir_fd, const char *name, const struct stat *st, int depth,
		   struct err *err)
{
	int r = !S_ISDIR(st->st_mode) && st->st_nlink > 1 ? put_hardlink(p, st, err) : 0;

	if (r)
		return r < 0 ? r : 0;
	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return put_dir(p, dir_fd, name, depth, err);
	case S_IFREG:
		return put_file(p, dir_fd, name, err);
	case S_IFLNK:
		return put_symlink(p, dir_fd, name, st, err);
	case S_IFSOCK: /* archives have none */
		return 0;
	default:
		return put_node(p, st, err);
	}
}

static int put_entry(struct pack *p, int dir_fd, const char *name, int depth, struct err *err)
{
	size_t len = p->path.len;
	struct stat st;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "look at \"%.120s\"", name);
	if (p->layer && S_ISCHR(st.st_mode) && st.st_rdev == 0) {
		r = put_mark(p, len, ".wh.", name, &st, err);
	} else if (p->layer && str_has_prefix(name, ".wh.")) {
		r = err_set(err, ERR_INVALID,
			    "\"%.100s%.100s\": a name that means a deletion in a layer",
			    str_or_empty(p->path.data), name);
	} else {
		buf_puts(&p->path, name);
		r = put_any(p, dir_fd, name, &st, depth, err);
	}
	cut(p, len);
	return r;
}

static int put_below(struct pack *p, int fd, int depth, struct err *err)
{
	cleanup(names_deinit) struct names names = { 0 };
	int r = p->no_kernel && kernelfs_at(fd) ? 0 : names_read(fd, &names);

	if (r < 0)
		return err_sys(err, r, "read the directory \"%.120s\"", str_or_empty(p->path.data));
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = put_entry(p, fd, names.v[i], depth, err);
	return r;
}

int pack_below(struct pack *p, int dir_fd, const char *prefix, struct err *err)
{
	cut(p, 0);
	buf_puts(&p->path, prefix);
	return put_below(p, dir_fd, 0, err);
}

int pack_dir(struct pack *p, int dir_fd, const char *path, struct err *err)
{
	cut(p, 0);
	buf_puts(&p->path, path);
	return put_dir_head(p, dir_fd, err);
}

int pack_one(struct pack *p, int dir_fd, const char *name, const char *path, struct err *err)
{
	struct stat st;

	cut(p, 0);
	buf_puts(&p->path, path);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, errno, "look at \"%.120s\"", path);
	return put_any(p, dir_fd, name, &st, 0, err);
}

int pack_finish(struct pack *p, struct err *err)
{
	tar_end(&p->out);
	return flush(p, err);
}
