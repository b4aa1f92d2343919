/* SPDX-License-Identifier: Apache-2.0 */
/* An ignored directory is passed over unless an exception could speak of what is below it: then it has an
 * entry only once something below it does. A file that shrinks while it is read is filled up with zeros. */
#include "buildcontext.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "buf.h"
#include "str.h"
#include "tar.h"

enum { FLUSH_BYTES = 64 << 10, DEPTH_MAX = 255 };

/* A directory whose entry is not written yet, for its children's sake. */
struct pending {
	const struct pending *above;
	const struct stat *st;
	size_t path_len;
	bool written;
};

struct packer {
	const struct ignore *ignore;
	buildcontext_sink *sink;
	void *ctx;
	struct buf out, path;
	struct err *err;
};

struct listing {
	char **v;
	size_t n;
};

static void listing_deinit(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int listing_add(struct listing *l, const char *name)
{
	char **grown = realloc(l->v, (l->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->v = grown;
	l->v[l->n] = strdup(name);
	return l->v[l->n] ? (l->n++, 0) : -ENOMEM;
}

static int listing_read(struct listing *l, int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = listing_add(l, e->d_name);
	closedir(dir);
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	return r;
}

static int flush(struct packer *p, size_t least)
{
	if (p->out.error)
		return err_sys(p->err, p->out.error, "pack the context");
	if (p->out.len < least)
		return 0;
	int r = p->sink(p->ctx, p->out.data, p->out.len, p->err);

	p->out.len = 0;
	return r;
}

static int failed(struct packer *p, int e)
{
	return err_sys(p->err, e, "error from sender: %.150s", str_or_empty(p->path.data));
}

static int put_head(struct packer *p, const struct stat *st, enum tar_type type, const char *path,
		    const char *link)
{
	const struct tar_entry e = {
		.type = type,
		.path = path,
		.link = link,
		.mode = st->st_mode & 07777,
		.size_bytes = type == TAR_FILE ? (uint64_t)st->st_size : 0,
		.mtime_s = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.major = type == TAR_CHAR || type == TAR_BLOCKDEV ? major(st->st_rdev) : 0,
		.minor = type == TAR_CHAR || type == TAR_BLOCKDEV ? minor(st->st_rdev) : 0,
	};

	tar_head(&e, &p->out);
	return flush(p, FLUSH_BYTES);
}

/* The entries of the directories above, from the top. */
static int put_above(struct packer *p, struct pending *dir)
{
	if (!dir || dir->written)
		return 0;
	int r = put_above(p, (struct pending *)(uintptr_t)dir->above);
	cleanup_free char *path = str_printf("%.*s/", (int)dir->path_len, p->path.data);

	dir->written = true;
	if (r)
		return r;
	return path ? put_head(p, dir->st, TAR_DIR, path, NULL) : failed(p, ENOMEM);
}

static int put_zeros(struct packer *p, uint64_t n)
{
	static const char zeros[TAR_BLOCK];
	int r = 0;

	while (r == 0 && n > 0) {
		size_t part = n < TAR_BLOCK ? (size_t)n : TAR_BLOCK;

		buf_append(&p->out, zeros, part);
		n -= part;
		r = flush(p, FLUSH_BYTES);
	}
	return r;
}

static int put_data(struct packer *p, int fd, uint64_t size)
{
	uint64_t left = size;
	int r = 0;

	while (r == 0 && left > 0) {
		size_t want = left < FLUSH_BYTES ? (size_t)left : FLUSH_BYTES;

		if (buf_reserve(&p->out, want) < 0)
			return failed(p, ENOMEM);
		ssize_t n = read(fd, p->out.data + p->out.len, want);

		if (n < 0 && errno != EINTR)
			return failed(p, errno);
		if (n == 0)
			break;
		p->out.len += n > 0 ? (size_t)n : 0;
		left -= n > 0 ? (uint64_t)n : 0;
		r = flush(p, FLUSH_BYTES);
	}
	return r ? r : put_zeros(p, left + tar_padding(size));
}

static int put_file(struct packer *p, int dir_fd, const char *name)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(p, errno);
	int r = put_head(p, &st, TAR_FILE, p->path.data, NULL);

	return r ? r : put_data(p, fd, (uint64_t)st.st_size);
}

static int put_other(struct packer *p, int dir_fd, const char *name, const struct stat *st)
{
	char target[PATH_MAX] = "";

	switch (st->st_mode & S_IFMT) {
	case S_IFLNK:
		if (readlinkat(dir_fd, name, target, sizeof(target) - 1) < 0)
			return failed(p, errno);
		return put_head(p, st, TAR_SYMLINK, p->path.data, target);
	case S_IFIFO:
		return put_head(p, st, TAR_FIFO, p->path.data, NULL);
	case S_IFCHR:
		return put_head(p, st, TAR_CHAR, p->path.data, NULL);
	case S_IFBLK:
		return put_head(p, st, TAR_BLOCKDEV, p->path.data, NULL);
	default: /* archives have no sockets */
		return 0;
	}
}

static int put_below(struct packer *p, int fd, struct pending *self, int depth);

static int put_dir(struct packer *p, int dir_fd, const char *name, struct pending *self,
		   bool wanted, int depth)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return failed(p, errno);
	if (depth >= DEPTH_MAX)
		return failed(p, ELOOP);
	int r = wanted ? put_above(p, self) : 0;

	return r ? r : put_below(p, fd, self, depth + 1);
}

static int put_any(struct packer *p, int dir_fd, const char *name, struct pending *above, int depth)
{
	bool ignored = ignore_match(p->ignore, p->path.data);
	struct stat st;

	if (ignored && !p->ignore->exceptions)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(p, errno);
	if (S_ISDIR(st.st_mode)) {
		struct pending self = { above, &st, p->path.len, false };

		return put_dir(p, dir_fd, name, &self, !ignored, depth);
	}
	if (ignored)
		return 0;
	int r = put_above(p, above);

	if (r)
		return r;
	return S_ISREG(st.st_mode) ? put_file(p, dir_fd, name) : put_other(p, dir_fd, name, &st);
}

static int put_below(struct packer *p, int fd, struct pending *self, int depth)
{
	cleanup(listing_deinit) struct listing l = { 0 };
	size_t len = p->path.len;
	int r = listing_read(&l, fd);

	if (r < 0)
		return failed(p, r);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		buf_printf(&p->path, "%s%s", len ? "/" : "", l.v[i]);
		r = p->path.error ? failed(p, p->path.error) : put_any(p, fd, l.v[i], self, depth);
		p->path.len = len;
		p->path.data[len] = '\0';
	}
	return r;
}

int buildcontext_pack(int dir_fd, const struct ignore *ignore, buildcontext_sink *sink, void *ctx,
		      struct err *err)
{
	struct packer p = { .ignore = ignore, .sink = sink, .ctx = ctx, .err = err };
	int r = put_below(&p, dir_fd, NULL, 0);

	if (r == 0) {
		tar_end(&p.out);
		r = flush(&p, 1);
	}
	buf_deinit(&p.out);
	buf_deinit(&p.path);
	return r;
}
