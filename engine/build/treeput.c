/* SPDX-License-Identifier: Apache-2.0 */
#include "treeput.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cancel.h"
#include "treepart.h"

enum { PART_BYTES = 1 << 30 };

static int failed(int r, const char *shown, struct err *err)
{
	return err_sys(err, r, "copy to \"%.120s\"", shown);
}

static int copy_xattr(void *ctx, const char *key, const void *value, size_t len)
{
	const int *fd = ctx;

	return fsetxattr(*fd, key, value, len, 0) < 0 && errno != ENOTSUP ? -errno : 0;
}

/* In the order in which one does not undo another. */
int treeput_like(const struct copy_rules *rules, const struct stat *st, int from, int to)
{
	const struct timespec times[] = { st->st_mtim, st->st_mtim };

	if (fchown(to, (uid_t)treepart_owner(rules->uid, st->st_uid),
		   (gid_t)treepart_owner(rules->gid, st->st_gid)) < 0 ||
	    fchmod(to, treepart_mode(rules, st)) < 0)
		return -errno;
	int r = from < 0 ? 0 : treepart_each_xattr(from, copy_xattr, &to);

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
static int make_room(int to_fd, const char *to, const char *shown, struct err *err)
{
	struct stat st;

	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(errno, shown, err);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "cannot replace to directory \"%.120s\" with file",
			       to);
	return unlinkat(to_fd, to, 0) < 0 ? failed(errno, shown, err) : 0;
}

int treeput_file(const struct copy_rules *rules, const struct stat *st, int bytes_fd, int from,
		 int to_fd, const char *to, const char *shown, struct err *err)
{
	int r = cancel_check(rules->cancel_fds, "the build", err);

	r = r ? r : make_room(to_fd, to, shown, err);
	if (r < 0)
		return r;
	cleanup_fd int out =
		openat(to_fd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (out < 0)
		return failed(errno, shown, err);
	r = copy_bytes(bytes_fd, out);
	r = r ? r : treeput_like(rules, st, from, out);
	return r < 0 ? failed(r, shown, err) : 0;
}

int treeput_dir(int to_fd, const char *to, bool *made, const char *shown, struct err *err)
{
	*made = mkdirat(to_fd, to, 0700) == 0;
	if (!*made && errno != EEXIST)
		return failed(errno, shown, err);
	int out = treepart_open_dir(to_fd, to);

	if (out == -ENOTDIR || out == -ELOOP)
		return err_set(err, ERR_INVALID, "cannot copy to non-directory: \"%.120s\"", shown);
	return out < 0 ? failed(out, shown, err) : out;
}

static int make_node(const struct copy_rules *rules, const struct stat *st, const char *target,
		     int to_fd, const char *to)
{
	const struct timespec times[] = { st->st_mtim, st->st_mtim };
	mode_t mode = (st->st_mode & S_IFMT) | treepart_mode(rules, st);
	int r = S_ISLNK(st->st_mode) ? symlinkat(target, to_fd, to)
				     : mknodat(to_fd, to, mode, st->st_rdev);

	if (r < 0 ||
	    fchownat(to_fd, to, (uid_t)treepart_owner(rules->uid, st->st_uid),
		     (gid_t)treepart_owner(rules->gid, st->st_gid), AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to_fd, to, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int treeput_node(const struct copy_rules *rules, const struct stat *st, const char *target,
		 int to_fd, const char *to, const char *shown, struct err *err)
{
	int r = make_room(to_fd, to, shown, err);

	if (r < 0)
		return r;
	r = make_node(rules, st, target, to_fd, to);
	return r < 0 ? failed(r, shown, err) : 0;
}
