/* SPDX-License-Identifier: Apache-2.0 */
/* A file of an overlay without mounting it: the first layer from the top that has the path decides, a
 * whiteout (a character device 0/0) or an opaque directory ends the search (the kernel's
 * overlayfs.rst). Links are resolved inside one layer, which is where images have them. */
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"

enum { FILE_MAX_BYTES = 4 << 20 };

/* 1 = read, 0 = not here, -errno. */
static int read_in_root(int root_fd, const char *path, struct buf *out)
{
	cleanup_fd int fd = fd_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	ssize_t n;

	/* A whiteout is a device without a driver, and a layer's mount lets nobody open devices. */
	if (fd == -ENXIO || fd == -EACCES)
		return 0;
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_size > FILE_MAX_BYTES)
		return -EFBIG;
	if (buf_reserve(out, (size_t)st.st_size + 1) < 0)
		return out->error;
	while ((n = read(fd, out->data + out->len, (size_t)st.st_size - out->len)) > 0)
		out->len += (size_t)n;
	return n < 0 ? -errno : 1;
}

/* Whether nothing of the layers below shows at /etc/NAME. */
static bool hidden(int layer_fd, const char *path)
{
	cleanup_fd int etc = -1;
	struct stat st;
	char value;

	if (fstatat(layer_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (fstatat(layer_fd, "etc", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISDIR(st.st_mode))
		return true;
	etc = openat(layer_fd, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return etc >= 0 && fgetxattr(etc, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int read_from_layers(const int *layers, size_t n, const char *path, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		int r = read_in_root(layers[i], path, out);

		if (r)
			return r < 0 ? r : 0;
		if (hidden(layers[i], path))
			return 0;
	}
	return 0;
}

static int resolve(const struct buf *passwd, const struct buf *group, const char *spec,
		   char *const *extra, size_t n_extra, struct passwd_user *out, struct err *err)
{
	const struct passwd_files files = {
		.passwd = passwd->data,
		.passwd_len = passwd->len,
		.group = group->data,
		.group_len = group->len,
	};

	return passwd_resolve(&files, spec, extra, n_extra, out, err);
}

int user_of_layers(const int *layers, size_t n_layers, const char *spec, char *const *extra,
		   size_t n_extra, struct passwd_user *out, struct err *err)
{
	cleanup(buf_deinit) struct buf passwd = BUF_NULL, group = BUF_NULL;
	int r = read_from_layers(layers, n_layers, "etc/passwd", &passwd);

	if (r == 0)
		r = read_from_layers(layers, n_layers, "etc/group", &group);
	if (r < 0)
		return err_sys(err, r, "read the users of the image");
	return resolve(&passwd, &group, spec, extra, n_extra, out, err);
}

int user_of_root(int root_fd, const char *spec, char *const *extra, size_t n_extra,
		 struct passwd_user *out, struct err *err)
{
	cleanup(buf_deinit) struct buf passwd = BUF_NULL, group = BUF_NULL;
	int r = read_in_root(root_fd, "etc/passwd", &passwd);

	if (r >= 0)
		r = read_in_root(root_fd, "etc/group", &group);
	if (r < 0)
		return err_sys(err, r, "read the users of the container");
	return resolve(&passwd, &group, spec, extra, n_extra, out, err);
}
