/* SPDX-License-Identifier: Apache-2.0 */
/* Modes and times of directories come last, so that one that may not be written to can be filled. */
#include "cpextract.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"
#include "str.h"

enum { PATH_BYTES_MAX = 4095 };

struct later {
	char *path;
	uint32_t mode;
	struct timespec at;
};

struct extraction {
	const struct cp_extract *x;
	struct untar tar;
	struct later *dirs;
	size_t n_dirs;
	uint64_t bytes;
};

/* A path of the archive as one here: its first part becomes x->name. Without "." and empty parts; "" is the
 * directory itself. */
static int map_path(const struct cp_extract *x, const char *path, char out[PATH_BYTES_MAX + 1],
		    struct err *err)
{
	bool contents = strcmp(x->name, ".") == 0;
	size_t len = 0;

	if (strlen(path) + strlen(x->name) > PATH_BYTES_MAX)
		return err_set(err, ERR_INVALID, "a path of the archive is too long");
	const char *p = path + strcspn(path, "/");

	if (!contents)
		len = strlen(x->name);
	memcpy(out, x->name, len);
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return err_set(err, ERR_INVALID, "\"%.150s\": leads out of the directory",
				       path);
		if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n + (p[n] == '/');
	}
	out[len] = '\0';
	return 0;
}

/* The directory that holds `path`, made if nothing listed it; cuts the path, *name is its last part. */
static int open_parent(const struct extraction *e, char *path, const char **name)
{
	char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (!slash)
		return dup(e->x->dir);
	*slash = '\0';
	int fd = fd_open_beneath(e->x->dir, path, O_RDONLY | O_DIRECTORY);

	if (fd == -ENOENT && fd_mkdir_all(e->x->dir, path, 0755) == 0)
		fd = fd_open_beneath(e->x->dir, path, O_RDONLY | O_DIRECTORY);
	*slash = '/';
	return fd;
}

static struct timespec time_of(const struct tar_entry *t)
{
	return (struct timespec){ t->mtime_s, t->mtime_ns };
}

static int set_owner(const struct extraction *e, int parent, const char *name)
{
	const struct tar_entry *t = &e->tar.entry;

	if (!e->x->owner)
		return 0;
	return fchownat(parent, name, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* What the file system or the user's rights do not allow is left out. */
static void set_xattrs(const struct tar_entry *t, int fd)
{
	for (size_t i = 0; i < t->n_xattrs; i++)
		(void)fsetxattr(fd, t->xattrs[i].name, t->xattrs[i].value, t->xattrs[i].len, 0);
}

static int make_file(struct extraction *e, int parent, const char *name, struct err *err)
{
	const struct tar_entry *t = &e->tar.entry;
	const struct timespec at[] = { time_of(t), time_of(t) };
	const void *data;
	ssize_t n;
	cleanup_fd int fd =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, errno, "create %.150s", t->path);
	if (t->sparse) /* the engine writes none */
		return err_set(err, ERR_INVALID, "%.150s: a file with holes", t->path);
	while ((n = untar_data(&e->tar, &data, err)) > 0) {
		int r = fd_write_all(fd, data, (size_t)n);

		if (r < 0)
			return err_sys(err, r, "write %.150s", t->path);
		e->bytes += (uint64_t)n;
	}
	if (n < 0)
		return (int)n;
	set_xattrs(t, fd);
	int r = set_owner(e, parent, name);

	if (r == 0 && (fchmod(fd, t->mode) < 0 || futimens(fd, at) < 0))
		r = -errno;
	return r < 0 ? err_sys(err, r, "create %.150s", t->path) : 0;
}

static int remember(struct extraction *e, const char *path)
{
	const struct tar_entry *t = &e->tar.entry;

	if ((e->n_dirs & (e->n_dirs - 1)) == 0) {
		size_t cap = e->n_dirs ? 2 * e->n_dirs : 1;
		struct later *grown = reallocarray(e->dirs, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		e->dirs = grown;
	}
	e->dirs[e->n_dirs] = (struct later){ strdup(path), t->mode, time_of(t) };
	return e->dirs[e->n_dirs].path ? (e->n_dirs++, 0) : -ENOMEM;
}

static int make_dir(struct extraction *e, int parent, const char *name, const char *path,
		    struct err *err)
{
	int r = mkdirat(parent, name, 0700) < 0 && errno != EEXIST ? -errno : 0;

	r = r ? r : set_owner(e, parent, name);
	r = r ? r : remember(e, path);
	return r < 0 ? err_sys(err, r, "create %.150s", path) : 0;
}

static int make_hardlink(const struct extraction *e, int parent, const char *name, struct err *err)
{
	const struct tar_entry *t = &e->tar.entry;
	char target[PATH_BYTES_MAX + 1];
	const char *last;
	int r = map_path(e->x, str_or_empty(t->link), target, err);

	if (r < 0)
		return r;
	cleanup_fd int from = open_parent(e, target, &last);

	if (from < 0 || linkat(from, last, parent, name, 0) < 0)
		return err_sys(err, from < 0 ? from : errno, "link %.150s", t->path);
	return 0;
}

static int make_node(const struct extraction *e, int parent, const char *name, struct err *err)
{
	static const struct {
		enum tar_type type;
		mode_t mode;
	} kinds[] = { { TAR_CHAR, S_IFCHR }, { TAR_BLOCKDEV, S_IFBLK }, { TAR_FIFO, S_IFIFO } };
	const struct tar_entry *t = &e->tar.entry;
	const struct timespec at[] = { time_of(t), time_of(t) };
	int r = -EINVAL;

	if (t->type == TAR_SYMLINK)
		r = symlinkat(str_or_empty(t->link), parent, name);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (t->type == kinds[i].type)
			r = mknodat(parent, name, kinds[i].mode | t->mode,
				    makedev(t->major, t->minor));
	if (r == -EINVAL)
		return err_set(err, ERR_INVALID, "%.150s: a type of file that is not known",
			       t->path);
	r = r < 0 ? -errno : set_owner(e, parent, name);
	if (r == 0 && t->type != TAR_SYMLINK && fchmodat(parent, name, t->mode, 0) < 0)
		r = -errno;
	if (r == 0)
		(void)utimensat(parent, name, at, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? err_sys(err, r, "create %.150s", t->path) : 0;
}

/* What is there and is no directory goes; a directory takes directories only. */
static int make_room(int parent, const char *name, bool dir, const char *path, struct err *err)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "%.150s", path);
	if (S_ISDIR(st.st_mode) != dir)
		return err_set(err, ERR_INVALID, "cannot overwrite %s \"%.100s\" with %s",
			       dir ? "non-directory" : "directory", path,
			       dir ? "a directory" : "a non-directory");
	if (!dir && unlinkat(parent, name, 0) < 0)
		return err_sys(err, errno, "replace %.150s", path);
	return 0;
}

static int make(struct extraction *e, char *path, struct err *err)
{
	enum tar_type type = e->tar.entry.type;
	const char *name;
	cleanup_fd int parent = open_parent(e, path, &name);
	int r = parent < 0 ? err_sys(err, parent, "%.150s", path)
			   : make_room(parent, name, type == TAR_DIR, path, err);

	if (r < 0)
		return r;
	switch (type) {
	case TAR_FILE:
		return make_file(e, parent, name, err);
	case TAR_DIR:
		return make_dir(e, parent, name, path, err);
	case TAR_HARDLINK:
		return make_hardlink(e, parent, name, err);
	default:
		return make_node(e, parent, name, err);
	}
}

static int finish_dirs(struct extraction *e, struct err *err)
{
	int r = 0;

	for (size_t i = e->n_dirs; i-- > 0;) {
		const struct later *d = &e->dirs[i];
		cleanup_fd int fd = fd_open_beneath(e->x->dir, d->path, O_RDONLY | O_DIRECTORY);

		if (r == 0 && (fd < 0 || fchmod(fd, d->mode) < 0))
			r = err_sys(err, fd < 0 ? fd : errno, "%.150s", d->path);
		if (fd >= 0)
			(void)!futimens(fd, (const struct timespec[]){ d->at, d->at });
		free(d->path);
	}
	free(e->dirs);
	return r;
}

int cpextract(const struct cp_extract *x, uint64_t *bytes, struct err *err)
{
	struct extraction e = { .x = x, .tar = { .read = x->read, .ctx = x->ctx } };
	char path[PATH_BYTES_MAX + 1];
	struct err later = ERR_NULL;
	int r;

	while ((r = untar_next(&e.tar, err)) == 1) {
		r = map_path(x, e.tar.entry.path, path, err);
		if (r == 0 && path[0])
			r = make(&e, path, err);
		if (r < 0)
			break;
	}
	int finished = finish_dirs(&e, r < 0 ? &later : err);

	untar_deinit(&e.tar);
	*bytes = e.bytes;
	return r < 0 ? r : finished;
}
