/* SPDX-License-Identifier: Apache-2.0 */
#include "contextignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "copytree.h"
#include "fd.h"
#include "ignore.h"
#include "str.h"

enum { IGNORE_BYTES_MAX = 4 << 20 };

/* 1 when there is no such file. */
static int read_file(int context_fd, const char *name, struct ignore *out, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_fd int fd = fd_open_in_root(context_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	char path[40];

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int r = fd < 0 ? fd : fd_read_file(AT_FDCWD, path, IGNORE_BYTES_MAX, &text);

	if (r < 0)
		return err_sys(err, r, "read %.100s", name);
	r = ignore_parse(str_or_empty(text.data), text.len, out, err);
	return r < 0 ? err_wrap(err, r, "%.100s", name) : 0;
}

struct sweep {
	const struct ignore *ignore;
	struct buf path;
};

static int sweep_below(struct sweep *s, int fd, int depth);

/* A directory that is left out goes whole, unless an exception could speak of what is below it: then it goes
 * only once it is empty. */
static int sweep_one(struct sweep *s, int fd, const struct dirent *e, int depth)
{
	bool ignored = ignore_match(s->ignore, s->path.data);
	int r = 0;

	if (e->d_type == DT_DIR && (!ignored || s->ignore->exceptions)) {
		cleanup_fd int sub =
			openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		r = sub < 0 ? -errno : sweep_below(s, sub, depth + 1);
		if (r == 0 && ignored)
			(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
		return r;
	}
	return ignored ? fd_remove_tree(fd, e->d_name) : 0;
}

static int sweep_below(struct sweep *s, int dir_fd, int depth)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = depth < COPYTREE_DEPTH_MAX ? 0 : -ELOOP;
	DIR *dir = fd_dir(fd);
	size_t len = s->path.len;

	if (!dir)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		buf_printf(&s->path, "%s%s", len ? "/" : "", e->d_name);
		r = s->path.error ? s->path.error : sweep_one(s, dir_fd, e, depth);
		s->path.len = len;
	}
	closedir(dir);
	return r;
}

int contextignore_apply(int context_fd, const char *dockerfile, struct err *err)
{
	cleanup(ignore_deinit) struct ignore ignore = IGNORE_NULL;
	cleanup_free char *own = str_printf("%s.dockerignore", dockerfile);
	struct sweep sweep = { .ignore = &ignore };
	int r = own ? read_file(context_fd, own, &ignore, err) : err_sys(err, ENOMEM, "build");

	r = r == 1 ? read_file(context_fd, ".dockerignore", &ignore, err) : r;
	if (r)
		return r < 0 ? r : 0;
	r = sweep_below(&sweep, context_fd, 0);
	buf_deinit(&sweep.path);
	return r < 0 ? err_sys(err, r, "apply .dockerignore") : 0;
}
