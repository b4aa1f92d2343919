/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar as a directory that overlayfs can use as it is: whiteouts become 0:0 devices, opaque
 * directories an attribute. No symbolic link is followed and nothing above the directory can be named:
 * parents are opened with openat2(2) RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS. */
#include "jobs.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "fd.h"
#include "str.h"

/* Directories get their times when nothing is put into them any more. */
struct dir_time {
	char *path;
	struct timespec times[2];
};

struct unpack {
	struct tarball t;
	int root;
	struct dir_time *dirs;
	size_t n_dirs, cap_dirs, n_entries;
	uint64_t size;
};

static int open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* The entry's path without "./" and trailing '/', checked. "" is the root itself. */
static int clean_path(const char *raw, char out[JOB_PATH_MAX + 1], struct err *err)
{
	size_t len = 0;

	if (!raw || strlen(raw) > JOB_PATH_MAX)
		return err_set(err, ERR_INVALID,
			       "an entry's name is missing or longer than %d bytes", JOB_PATH_MAX);
	if (raw[0] == '/')
		return err_set(err, ERR_INVALID, "entry \"%.100s\": an absolute path", raw);
	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");

		if (n > JOB_NAME_MAX)
			return err_set(err, ERR_INVALID, "entry \"%.100s\": a name of %zu bytes",
				       raw, n);
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return err_set(err, ERR_INVALID,
				       "entry \"%.100s\": \"..\" leads out of the layer", raw);
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

/* Descriptor of the directory that holds `path`, made if the tar does not list it. */
static int open_parent(struct unpack *u, char *path, const char **name, struct err *err)
{
	char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (!slash)
		return open_beneath(u->root, ".", O_RDONLY | O_DIRECTORY);
	*slash = '\0';
	int fd = open_beneath(u->root, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT) {
		const char *last;
		char copy[JOB_PATH_MAX + 1];

		strcpy(copy, path);
		cleanup_fd int up = open_parent(u, copy, &last, err);

		if (up < 0)
			return up;
		if (mkdirat(up, last, 0755) == 0 || errno == EEXIST)
			fd = open_beneath(up, last, O_RDONLY | O_DIRECTORY);
	}
	int e = errno;

	*slash = '/';
	if (fd < 0 && (e == ELOOP || e == ENOTDIR))
		return err_set(err, ERR_INVALID,
			       "entry \"%.100s\": its directory is a link or a file", path);
	return fd < 0 ? err_sys(err, e, "entry \"%.100s\"", path) : fd;
}

static int whiteout(int parent, const char *name, struct err *err)
{
	if (strcmp(name, ".wh..wh..opq") == 0)
		return fsetxattr(parent, "trusted.overlay.opaque", "y", 1, 0) == 0
			       ? 0
			       : err_sys(err, errno, "mark an opaque directory");
	if (str_has_prefix(name, ".wh..wh."))
		return 0;
	name += strlen(".wh.");
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_INVALID, "a whiteout of nothing");
	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST)
		return err_sys(err, errno, "make the whiteout of \"%.100s\"", name);
	return 0;
}

static int copy_data(struct unpack *u, int fd)
{
	const void *data;
	size_t n;
	off_t at = 0, end = 0;
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
		end = at + (off_t)n;
	}
	if (r != ARCHIVE_EOF)
		return -EBADMSG;
	return at > end && ftruncate(fd, at) < 0 ? -errno : 0;
}

static int hardlink(struct unpack *u, const char *target, int parent, const char *name,
		    struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	const char *last;
	int r = clean_path(target[0] == '/' ? target + 1 : target, path, err);
	cleanup_fd int from = r ? r : open_parent(u, path, &last, err);

	if (from < 0)
		return from;
	if (linkat(from, last, parent, name, 0) < 0)
		return err_sys(err, errno, "hard link to \"%.100s\"", target);
	return 0;
}

/* Makes the object; 1 when it is a hard link, whose metadata is its target's. */
static int make(struct unpack *u, struct archive_entry *e, int parent, const char *name,
		struct err *err)
{
	const char *link = archive_entry_hardlink(e);
	struct stat st;
	int r = 0;
	bool dir = archive_entry_filetype(e) == AE_IFDIR && !link;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (dir && S_ISDIR(st.st_mode))
			return 0;
		r = fd_remove_tree(parent, name);
		if (r < 0)
			return err_sys(err, r, "replace");
	}
	if (link)
		return (r = hardlink(u, link, parent, name, err)) < 0 ? r : 1;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG: {
		cleanup_fd int fd = openat(
			parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		r = fd < 0 ? -errno : copy_data(u, fd);
		break;
	}
	case AE_IFDIR:
		r = mkdirat(parent, name, 0700) < 0 ? -errno : 0;
		break;
	case AE_IFLNK:
		r = symlinkat(str_or_empty(archive_entry_symlink(e)), parent, name) < 0 ? -errno
											: 0;
		break;
	case AE_IFIFO:
		r = mknodat(parent, name, S_IFIFO | 0600, 0) < 0 ? -errno : 0;
		break;
	case AE_IFCHR:
		if (archive_entry_rdevmajor(e) == 0 && archive_entry_rdevminor(e) == 0) {
			r = mknodat(parent, name, S_IFCHR, 0) < 0 ? -errno : 0;
			break;
		}
		/* fall through */
	default:
		return err_set(err, ERR_INVALID, "a device is not allowed in a layer");
	}
	return r == -EBADMSG ? err_set(err, ERR_INVALID, "%s",
				       str_or_empty(archive_error_string(u->t.tar)))
	       : r < 0       ? err_sys(err, r, "write")
			     : 0;
}

static int set_xattrs(struct archive_entry *e, int parent, const char *name)
{
	const char *key;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &key, &value, &size) == ARCHIVE_OK) {
		if (strcmp(key, "security.capability") != 0 && !str_has_prefix(key, "user."))
			continue;
		cleanup_fd int fd =
			openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || (fsetxattr(fd, key, value, size, 0) < 0 && errno != ENOTSUP))
			return -errno;
	}
	return 0;
}

static int remember_dir(struct unpack *u, const char *path, const struct timespec times[2])
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

	*d = (struct dir_time){ .path = strdup(path), .times = { times[0], times[1] } };
	u->n_dirs += d->path != NULL;
	return d->path ? 0 : -ENOMEM;
}

/* Owner before mode, as chown(2) clears set-user-ID bits, and before attributes, as it clears those. */
static int set_metadata(struct unpack *u, struct archive_entry *e, const char *path, int parent,
			const char *name)
{
	struct timespec at = { archive_entry_mtime(e), archive_entry_mtime_nsec(e) };
	struct timespec times[2] = { at, at };

	if (fchownat(parent, name, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (archive_entry_filetype(e) == AE_IFLNK)
		return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (fchmodat(parent, name, archive_entry_perm(e), 0) < 0)
		return -errno;
	int r = set_xattrs(e, parent, name);

	if (r < 0 || archive_entry_filetype(e) == AE_IFDIR)
		return r ? r : remember_dir(u, path, times);
	return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int unpack_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
	char path[JOB_PATH_MAX + 1];
	const char *name;
	int r = clean_path(archive_entry_pathname(e), path, err);

	if (r < 0)
		return r;
	if (!path[0])
		return fchownat(u->root, "", (uid_t)archive_entry_uid(e),
				(gid_t)archive_entry_gid(e), AT_EMPTY_PATH) < 0 ||
				       fchmod(u->root, archive_entry_perm(e)) < 0
			       ? err_sys(err, errno, "set the root directory's mode")
			       : 0;
	cleanup_fd int parent = open_parent(u, path, &name, err);

	if (parent < 0)
		return parent;
	if (str_has_prefix(name, ".wh."))
		return whiteout(parent, name, err);
	r = make(u, e, parent, name, err);
	if (r < 0)
		return err_wrap(err, r, "entry \"%.100s\"", path);
	r = r == 1 ? 0 : set_metadata(u, e, path, parent, name);
	return r < 0 ? err_sys(err, r, "entry \"%.100s\": set its metadata", path) : 0;
}

static void finish_dirs(struct unpack *u)
{
	for (size_t i = u->n_dirs; i-- > 0;) {
		int fd = open_beneath(u->root, u->dirs[i].path, O_RDONLY | O_DIRECTORY);

		if (fd >= 0) {
			(void)!futimens(fd, u->dirs[i].times);
			close(fd);
		}
		free(u->dirs[i].path);
	}
	free(u->dirs);
}

int job_unpack(int in, int dir_fd, FILE *out, struct err *err)
{
	static struct unpack u;
	struct archive_entry *e;
	char hex[65];
	int r = tarball_open(&u.t, in, err);

	u.root = dir_fd;
	while (r == 0 && (r = tarball_next(&u.t, &e, err)) == 1)
		r = ++u.n_entries > JOB_ENTRIES_MAX
			    ? err_set(err, ERR_INVALID, "more than %d entries", JOB_ENTRIES_MAX)
			    : unpack_entry(&u, e, err);
	finish_dirs(&u);
	r = r ? r : tarball_finish(&u.t, hex, err);
	if (r == 0)
		fprintf(out, "layer %s %llu\n", hex, (unsigned long long)u.size);
	tarball_deinit(&u.t);
	return r;
}
