/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar as a directory that overlayfs can use as it is: whiteouts become 0:0 devices, opaque
 * directories an attribute. A whiteout is about the layers below alone, so a directory that takes its
 * place in the same layer is opaque. Device nodes are made like everything else: nobody but root
 * reaches the directory, and a container's device rules do not let it open what it was not given.
 * System calls are what this costs, so whatever a new file has already is not set again. */
#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attributes.h"
#include "fault.h"
#include "fd.h"
#include "str.h"

/* Of what may have been there before, or has inherited some of it. */
#define MODE_UNKNOWN ((mode_t)-1)

/* Directories get their times when nothing is put into them any more. */
struct dir_time {
	char *path;
	struct timespec at;
};

struct unpack {
	struct tarball t;
	struct place place;
	struct dir_time *dirs;
	size_t n_dirs, cap_dirs, n_entries;
	uint64_t size, max_bytes; /* 0 = no limit */
	int copy_fd;              /* gets the tar; -1 = none does */
	bool files;               /* no layer: names mean what they say */
	bool keep_kind;           /* a directory stays one, and what is none stays none */
	bool no_devices;
	bool inherits; /* there are directories that give their group to what is made in them */
	bool damaged;  /* it is the tar itself that is wrong, not an entry */
};

/* One entry as it goes to its place. */
struct item {
	const struct tar_entry *e;
	const char *path, *name;
	int parent;
	mode_t mode; /* with the type; 0 of a hard link and of what no layer can have */
};

static int make_opaque(int parent, const char *name)
{
	cleanup_fd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0 ? -errno : 0;
}

/* What it hides is in the layers below; what this layer itself has of that name stays. */
static int whiteout(int parent, const char *name, struct err *err)
{
	struct stat st;

	if (strcmp(name, ".wh..wh..opq") == 0)
		return make_opaque(parent, ".") == 0
			       ? 0
			       : err_sys(err, errno, "mark an opaque directory");
	if (str_has_prefix(name, ".wh..wh."))
		return 0;
	name += strlen(".wh.");
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_INVALID, "a whiteout of nothing");
	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) == 0)
		/* without it the devices would show where the directory is not merged */
		return fsetxattr(parent, "trusted.overlay.origin", "", 0, 0) == 0
			       ? 0
			       : err_sys(err, errno, "mark a directory with whiteouts");
	int r = errno == EEXIST && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 0
											: -errno;

	if (r == 0 && S_ISDIR(st.st_mode))
		r = make_opaque(parent, name);
	return r < 0 ? err_sys(err, r, "make the whiteout of \"%.100s\"", name) : 0;
}

/* Nothing is written where the file has holes. */
static int copy_data(struct unpack *u, int fd, struct err *err)
{
	const struct tar_entry *e = &u->t.tar.entry;
	const char *data;
	ssize_t n;

	while ((n = untar_data(&u->t.tar, (const void **)&data, err)) > 0) {
		int r = e->sparse && lseek(fd, (off_t)u->t.tar.at, SEEK_SET) < 0
				? -errno
				: fd_write_all(fd, data, (size_t)n);

		if (r < 0)
			return err_sys(err, r, "write");
		u->size += (uint64_t)n;
	}
	u->damaged = n < 0;
	if (n < 0)
		return (int)n;
	return e->sparse && ftruncate(fd, (off_t)e->size_bytes) < 0 ? err_sys(err, errno, "write")
								    : 0;
}

static int hardlink(struct unpack *u, const char *target, const struct item *item, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	int r = place_clean(target, path, err);

	if (r < 0)
		return r;
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	cleanup_fd int dir = place_open(&u->place, slash ? path : "", O_PATH | O_DIRECTORY);

	if (dir >= 0 && linkat(dir, slash ? slash + 1 : path, item->parent, item->name, 0) == 0)
		return 0;
	if (errno == ENOENT || errno == EPERM || errno == ELOOP || errno == ENOTDIR)
		return err_set(err, ERR_INVALID, "hard link to \"%.100s\", which is no file here",
			       target);
	return err_sys(err, errno, "hard link to \"%.100s\"", target);
}

/* Attributes of files and directories alone: to open a device could do anything. */
static int set_xattrs(const struct tar_entry *e, int fd)
{
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (attributes_keep(x->name) && fsetxattr(fd, x->name, x->value, x->len, 0) < 0 &&
		    errno != ENOTSUP)
			return -errno;
	}
	return 0;
}

/* Owner before mode, as chown(2) clears set-user-ID bits, and before attributes, as it clears those. */
static int set_owner(struct unpack *u, const struct tar_entry *e, int fd, mode_t has)
{
	bool chowned = e->uid != 0 || e->gid != 0 || u->inherits;

	u->inherits = u->inherits || (e->type == TAR_DIR && (e->mode & S_ISGID));

	if (chowned && fchown(fd, e->uid, e->gid) < 0)
		return -errno;
	if ((e->mode != has || (chowned && (e->mode & 06000))) && fchmod(fd, e->mode) < 0)
		return -errno;
	return set_xattrs(e, fd);
}

static int make_file(struct unpack *u, const struct item *item, struct err *err)
{
	mode_t mode = item->mode & 0777;
	struct timespec at = tarentry_time(item->e);
	cleanup_fd int fd = openat(item->parent, item->name,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r = fd < 0 ? err_sys(err, errno, "write") : copy_data(u, fd, err);

	if (r < 0)
		return r;
	r = set_owner(u, item->e, fd, mode);
	if (r == 0 && futimens(fd, (const struct timespec[]){ at, at }) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, r, "write") : 0;
}

static int remember_dir(struct unpack *u, const char *path, struct timespec at)
{
	if (u->n_dirs == u->cap_dirs) {
		size_t cap = u->cap_dirs ? u->cap_dirs * 2 : 256;
		struct dir_time *grown = realloc(u->dirs, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		u->dirs = grown;
		u->cap_dirs = cap;
	}
	struct dir_time *d = &u->dirs[u->n_dirs];

	*d = (struct dir_time){ .path = strdup(path), .at = at };
	u->n_dirs += d->path != NULL;
	return d->path ? 0 : -ENOMEM;
}

/* A directory, new or listed again. */
static int make_dir(struct unpack *u, const struct item *item)
{
	if (mkdirat(item->parent, item->name, 0700) < 0 && errno != EEXIST)
		return -errno;
	cleanup_fd int fd =
		openat(item->parent, item->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : set_owner(u, item->e, fd, MODE_UNKNOWN);

	return r ? r : remember_dir(u, item->path, tarentry_time(item->e));
}

/* Links and nodes, by name, as they cannot be opened. */
static int make_node(const struct item *item)
{
	const struct tar_entry *e = item->e;
	struct timespec at = tarentry_time(e);
	bool link = S_ISLNK(item->mode), fifo = S_ISFIFO(item->mode);
	int r = link ? symlinkat(e->link, item->parent, item->name)
		     : mknodat(item->parent, item->name, item->mode,
			       fifo ? 0 : makedev(e->major, e->minor));

	if (r < 0 || fchownat(item->parent, item->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!link && (e->mode & 06000) && fchmodat(item->parent, item->name, e->mode, 0) < 0)
		return -errno;
	return utimensat(item->parent, item->name, (const struct timespec[]){ at, at },
			 AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}

static int make(struct unpack *u, const struct item *item, struct err *err)
{
	if (item->e->type == TAR_HARDLINK)
		return hardlink(u, item->e->link, item, err);
	if (u->no_devices && (S_ISCHR(item->mode) || S_ISBLK(item->mode)))
		return err_set(err, ERR_INVALID, "a device, which no build context can have");
	if (S_ISREG(item->mode))
		return make_file(u, item, err);

	int r = S_ISDIR(item->mode) ? make_dir(u, item) : make_node(item);

	return r < 0 ? err_sys(err, r, "write") : 0;
}

static int check_kind(const struct unpack *u, const struct item *item, bool dir,
		      const struct stat *there, struct err *err)
{
	if (!u->keep_kind || dir == S_ISDIR(there->st_mode))
		return 0;
	return err_set(err, ERR_INVALID, "cannot overwrite %s \"%.80s\" with %s",
		       dir ? "non-directory" : "directory", item->path,
		       dir ? "a directory" : "a non-directory");
}

/* Makes the entry; what is there already goes first, but directories, which only change. */
static int replace(struct unpack *u, const struct item *item, struct err *err)
{
	bool dir = S_ISDIR(item->mode), hidden = false;
	struct stat st;

	if (fstatat(item->parent, item->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !(dir && S_ISDIR(st.st_mode))) {
		int kind = check_kind(u, item, dir, &st, err);

		if (kind < 0)
			return kind;
		hidden = !u->files && S_ISCHR(st.st_mode) && st.st_rdev == 0;
		if (S_ISDIR(st.st_mode) && item->parent != u->place.fd)
			place_forget(&u->place); /* what it keeps may be in there */
		int r = fd_remove_tree(item->parent, item->name);

		if (r < 0)
			return err_sys(err, r, "replace");
	}
	int r = make(u, item, err);

	if (r < 0 || !dir || !hidden)
		return r;
	r = make_opaque(item->parent, item->name);
	return r < 0 ? err_sys(err, r, "mark an opaque directory") : 0;
}

static int root_entry(struct unpack *u, const struct tar_entry *e, struct err *err)
{
	if (e->type != TAR_DIR)
		return tarentry_is_root(err);
	int r = set_owner(u, e, u->place.root, MODE_UNKNOWN);

	r = r ? r : remember_dir(u, "", tarentry_time(e));
	return r < 0 ? err_sys(err, r, "set the root directory's mode") : 0;
}

static int unpack_entry(struct unpack *u, const struct tar_entry *e, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	struct item item = { .e = e, .path = path, .mode = tarentry_mode(e) };
	int r = place_clean(e->path, path, err);

	if (r < 0)
		return r;
	if (!path[0])
		return u->files ? 0 : root_entry(u, e, err);
	r = tarentry_check(e, err);
	if (r < 0)
		return err_wrap(err, r, "entry \"%.100s\"", path);
	int parent = place_parent(&u->place, path, &item.name, err);

	if (parent < 0)
		return parent;
	if (!u->files && str_has_prefix(item.name, ".wh."))
		return whiteout(parent, item.name, err);
	item.parent = parent;
	r = replace(u, &item, err);
	fault_point(FAULT_WORKER_LAYER_GREW);
	return r < 0 && !u->damaged ? err_wrap(err, r, "entry \"%.100s\"", path) : r;
}

static void finish_dirs(struct unpack *u)
{
	for (size_t i = 0; i < u->n_dirs; i++) { /* of one that was listed twice the last counts */
		int fd = place_open(&u->place, u->dirs[i].path, O_RDONLY | O_DIRECTORY);

		if (fd >= 0) {
			(void)!futimens(fd,
					(const struct timespec[]){ u->dirs[i].at, u->dirs[i].at });
			close(fd);
		}
		free(u->dirs[i].path);
	}
	free(u->dirs);
	place_forget(&u->place);
}

static int unpack(struct unpack *u, tarball_read_fn *read, void *ctx, char *hex, struct err *err)
{
	const struct tar_entry *e;
	int r = tarball_open(&u->t, read, ctx, hex != NULL, err);

	u->t.max_bytes = u->max_bytes;
	u->t.copy_fd = u->copy_fd;
	while (r == 0 && (r = tarball_next(&u->t, &e, err)) == 1)
		r = ++u->n_entries > JOB_ENTRIES_MAX
			    ? err_set(err, ERR_INVALID, "more than %d entries", JOB_ENTRIES_MAX)
			    : unpack_entry(u, e, err);
	finish_dirs(u);
	r = r ? r : tarball_finish(&u->t, hex, err);
	tarball_deinit(&u->t);
	return r;
}

int unpack_files(tarball_read_fn *read, void *ctx, int dir_fd, bool keep_kind, struct err *err)
{
	struct unpack u = { .place = { .root = dir_fd, .follow = true, .fd = -1 },
			    .copy_fd = -1,
			    .files = true,
			    .inherits = true,
			    .keep_kind = keep_kind };

	return unpack(&u, read, ctx, NULL, err);
}

int unpack_tree(tarball_read_fn *read, void *ctx, int dir_fd, struct err *err)
{
	struct unpack u = { .place = { .root = dir_fd, .fd = -1 },
			    .copy_fd = -1,
			    .files = true,
			    .no_devices = true };

	return unpack(&u, read, ctx, NULL, err);
}

int layer_unpack(const struct job_tools *tools, tarball_read_fn *read, void *ctx, int job_fd,
		 unsigned int number, char hex[65], uint64_t *size, struct err *err)
{
	char name[24], copy[24];

	(void)snprintf(name, sizeof(name), "%u/fs", number);
	(void)snprintf(copy, sizeof(copy), "%u.blob", number);
	int r = fd_mkdir_all(job_fd, name, 0755);
	cleanup_fd int fs = r ? -1 : openat(job_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int copy_fd =
		fs < 0 || !tools->keep_tar
			? -1
			: openat(job_fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fs < 0 || (tools->keep_tar && copy_fd < 0))
		return err_sys(err, r ? r : errno, "make a layer's directory");
	fault_point(FAULT_WORKER_LAYER_BEGUN);

	struct unpack u = { .place = { .root = fs, .fd = -1 },
			    .copy_fd = copy_fd,
			    .max_bytes = tools->max_bytes };

	r = unpack(&u, read, ctx, hex, err);
	*size = u.size;
	return r;
}
