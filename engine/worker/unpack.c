/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar as a directory that overlayfs can use as it is: whiteouts become 0:0 devices, opaque
 * directories an attribute. A whiteout is about the layers below alone, so a directory that takes its
 * place in the same layer is opaque. Device nodes are made like everything else: nobody but root
 * reaches the directory, and a container's device rules do not let it open what it was not given.
 * System calls are what this costs, so whatever a new file has already is not set again. */
#include "jobs.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "attributes.h"
#include "fd.h"
#include "str.h"

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
	bool files;               /* no layer: names mean what they say */
	bool keep_kind;           /* a directory stays one, and what is none stays none */
	bool no_devices;
};

/* One entry as it goes to its place. */
struct item {
	struct archive_entry *e;
	const char *path, *name;
	int parent;
	mode_t type;
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

static int copy_data(struct unpack *u, int fd)
{
	const void *data;
	size_t n;
	int64_t at = 0, end = 0;
	int r;

	while ((r = archive_read_data_block(u->t.tar, &data, &n, &at)) == ARCHIVE_OK) {
		for (size_t done = 0; done < n;) {
			ssize_t w =
				pwrite(fd, (const char *)data + done, n - done, at + (off_t)done);

			if (w < 0 && errno != EINTR)
				return -errno;
			done += w > 0 ? (size_t)w : 0;
		}
		u->size += n;
		end = at + (int64_t)n;
	}
	if (r != ARCHIVE_EOF)
		return -EBADMSG;
	return at > end && ftruncate(fd, at) < 0 ? -errno : 0;
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
static int set_xattrs(struct archive_entry *e, int fd)
{
	const char *key;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &key, &value, &size) == ARCHIVE_OK)
		if (key && attributes_keep(key) && fsetxattr(fd, key, value, size, 0) < 0 &&
		    errno != ENOTSUP)
			return -errno;
	return 0;
}

static struct timespec entry_time(struct archive_entry *e)
{
	return (struct timespec){ archive_entry_mtime(e), archive_entry_mtime_nsec(e) };
}

/* Owner before mode, as chown(2) clears set-user-ID bits, and before attributes, as it clears those. */
static int set_owner(struct archive_entry *e, int fd, mode_t has)
{
	bool chowned = archive_entry_uid(e) != 0 || archive_entry_gid(e) != 0;
	mode_t mode = archive_entry_perm(e);

	if (chowned && fchown(fd, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e)) < 0)
		return -errno;
	if ((mode != has || (chowned && (mode & 06000))) && fchmod(fd, mode) < 0)
		return -errno;
	return set_xattrs(e, fd);
}

static int make_file(struct unpack *u, const struct item *item)
{
	mode_t mode = archive_entry_perm(item->e) & 0777;
	struct timespec at = entry_time(item->e);
	cleanup_fd int fd = openat(item->parent, item->name,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r = fd < 0 ? -errno : copy_data(u, fd);

	r = r ? r : set_owner(item->e, fd, mode);
	if (r == 0 && futimens(fd, (const struct timespec[]){ at, at }) < 0)
		r = -errno;
	return r;
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
	int r = fd < 0 ? -errno : set_owner(item->e, fd, 0);

	return r ? r : remember_dir(u, item->path, entry_time(item->e));
}

/* Links and nodes, by name, as they cannot be opened. */
static int make_node(const struct item *item)
{
	struct archive_entry *e = item->e;
	struct timespec at = entry_time(e);
	dev_t rdev = item->type == AE_IFIFO ? 0
					    : makedev((unsigned int)archive_entry_rdevmajor(e),
						      (unsigned int)archive_entry_rdevminor(e));
	int r = item->type == AE_IFLNK ? symlinkat(str_or_empty(archive_entry_symlink(e)),
						   item->parent, item->name)
				       : mknodat(item->parent, item->name,
						 item->type | archive_entry_perm(e), rdev);

	if (r < 0 || fchownat(item->parent, item->name, (uid_t)archive_entry_uid(e),
			      (gid_t)archive_entry_gid(e), AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (item->type != AE_IFLNK && (archive_entry_perm(e) & 06000) &&
	    fchmodat(item->parent, item->name, archive_entry_perm(e), 0) < 0)
		return -errno;
	return utimensat(item->parent, item->name, (const struct timespec[]){ at, at },
			 AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}

static int make(struct unpack *u, const struct item *item, struct err *err)
{
	const char *link = archive_entry_hardlink(item->e);
	int r;

	if (link)
		return hardlink(u, link, item, err);
	if (u->no_devices && (item->type == AE_IFCHR || item->type == AE_IFBLK))
		return err_set(err, ERR_INVALID, "a device, which no build context can have");
	switch (item->type) {
	case AE_IFREG:
		r = make_file(u, item);
		break;
	case AE_IFDIR:
		r = make_dir(u, item);
		break;
	case AE_IFLNK:
	case AE_IFIFO:
	case AE_IFCHR:
	case AE_IFBLK:
		r = make_node(item);
		break;
	default:
		return err_set(err, ERR_INVALID, "a type of file no layer can have");
	}
	if (r == -EBADMSG)
		return tarball_fail(&u->t, u->t.tar, err);
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
	bool dir = item->type == AE_IFDIR && !archive_entry_hardlink(item->e), hidden = false;
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

static int root_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
	int r = archive_entry_filetype(e) == AE_IFDIR ? set_owner(e, u->place.root, 0) : 0;

	r = r ? r : remember_dir(u, "", entry_time(e));
	return r < 0 ? err_sys(err, r, "set the root directory's mode") : 0;
}

static int unpack_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	struct item item = { .e = e, .path = path, .type = archive_entry_filetype(e) };
	int r = place_clean(archive_entry_pathname(e), path, err);

	if (r < 0)
		return r;
	if (!path[0])
		return u->files ? 0 : root_entry(u, e, err);
	int parent = place_parent(&u->place, path, &item.name, err);

	if (parent < 0)
		return parent;
	if (!u->files && str_has_prefix(item.name, ".wh."))
		return whiteout(parent, item.name, err);
	item.parent = parent;
	r = replace(u, &item, err);
	return r < 0 ? err_wrap(err, r, "entry \"%.100s\"", path) : 0;
}

static void finish_dirs(struct unpack *u)
{
	for (size_t i = u->n_dirs; i-- > 0;) {
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
	struct archive_entry *e;
	int r = tarball_open(&u->t, read, ctx, hex != NULL, err);

	u->t.max_bytes = u->max_bytes;
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
			    .files = true,
			    .keep_kind = keep_kind };

	return unpack(&u, read, ctx, NULL, err);
}

int unpack_tree(tarball_read_fn *read, void *ctx, int dir_fd, struct err *err)
{
	struct unpack u = { .place = { .root = dir_fd, .fd = -1 },
			    .files = true,
			    .no_devices = true };

	return unpack(&u, read, ctx, NULL, err);
}

int layer_unpack(const struct job_tools *tools, tarball_read_fn *read, void *ctx, int job_fd,
		 unsigned int number, char hex[65], uint64_t *size, struct err *err)
{
	char name[24];

	snprintf(name, sizeof(name), "%u/fs", number);
	int r = fd_mkdir_all(job_fd, name, 0755);
	cleanup_fd int fs = r ? -1 : openat(job_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fs < 0)
		return err_sys(err, r ? r : errno, "make a layer's directory");

	struct unpack u = { .place = { .root = fs, .fd = -1 }, .max_bytes = tools->max_bytes };

	r = unpack(&u, read, ctx, hex, err);
	*size = u.size;
	return r;
}
