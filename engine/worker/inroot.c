/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel resolves by openat2(2) with RESOLVE_IN_ROOT, so that nothing a container does meanwhile leads out.
 * inroot_resolve() is for showing where a link leads: what it gives is a text that is resolved anew by whoever
 * uses it. */
#include "inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cleanpath.h"
#include "fd.h"
#include "str.h"

enum { LINKS_MAX = 40 }; /* as the kernel has it */

int inroot_clean(const char *raw, struct inroot_path *out, struct err *err)
{
	size_t raw_len = strlen(raw);

	if (raw_len >= JOB_PATH_MAX)
		return err_set(err, ERR_INVALID, "a path is longer than %d bytes", JOB_PATH_MAX);
	size_t len = cleanpath_append(out->text, 0, raw);
	bool dot = strcmp(raw, ".") == 0 || str_has_suffix(raw, "/.");

	if (len == 0)
		memcpy(out->text, "/", 2);
	out->directory = len == 0 || dot || raw[raw_len - 1] == '/';
	const char *name = dot ? "." : len ? strrchr(out->text, '/') + 1 : "/";

	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

int inroot_failed(int error, const char *path, struct err *err)
{
	if (error == -ENOENT)
		return err_set(err, ERR_NOT_FOUND,
			       "Could not find the file %.160s in the container", path);
	if (error == -ENOTDIR)
		return err_set(err, ERR_INVALID, "%.160s: not a directory", path);
	if (error == -ELOOP)
		return err_set(err, ERR_INVALID, "%.160s: too many levels of symbolic links", path);
	return err_sys(err, error, "%.160s", path);
}

int inroot_open(int root, const struct inroot_path *path, int flags, struct err *err)
{
	int fd = fd_open_in_root(root, path->text, flags | O_CLOEXEC, 0);

	return fd < 0 ? inroot_failed(fd, path->text, err) : fd;
}

int inroot_locate(int root, const struct inroot_path *path, int *dir, const char **name,
		  struct stat *st, struct err *err)
{
	char parent[JOB_PATH_MAX + 1];
	const char *slash = strrchr(path->text, '/');
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	memcpy(parent, path->text, sizeof(parent));
	parent[slash == path->text ? 1 : slash - path->text] = '\0';
	*name = path->directory ? "." : slash + 1;
	cleanup_fd int fd = fd_open_in_root(root, path->directory ? path->text : parent, flags, 0);

	if (fd < 0)
		return inroot_failed(fd, path->text, err);
	if (fstatat(fd, *name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return inroot_failed(-errno, path->text, err);
	*dir = steal_fd(&fd);
	return 0;
}

/* The target of a link, owned; NULL when it is none, or nothing is there. */
static char *read_link(int root, const char *path)
{
	char target[JOB_PATH_MAX + 1];
	cleanup_fd int fd = fd_open_in_root(root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, JOB_PATH_MAX);

	if (n <= 0)
		return NULL;
	target[n] = '\0';
	return strdup(target);
}

/* `rest` with its first part, at `text`, replaced by where that leads. */
static char *follow(const char *target, const char *rest)
{
	return str_printf("%s%s%s", target, rest[0] ? "/" : "", rest);
}

int inroot_resolve(int root, const char *path, char **out, struct err *err)
{
	char done[2 * JOB_PATH_MAX + 2] = "";
	cleanup_free char *todo = strdup(path);
	size_t len = 0, links = 0;

	for (char *p = todo; p && *p;) {
		char *end = p + strcspn(p, "/");
		bool last = !*end;

		*end = '\0';
		if (len + strlen(p) + 1 > JOB_PATH_MAX)
			return err_set(err, ERR_INVALID, "%.100s: leads to a path that is too long",
				       path);
		size_t before = len;

		len = cleanpath_append(done, len, p);
		char *rest = last ? end : end + 1;
		cleanup_free char *target = len > before ? read_link(root, done) : NULL;

		p = rest;
		if (!target)
			continue;
		if (++links > LINKS_MAX)
			return inroot_failed(-ELOOP, path, err);
		len = target[0] == '/' ? 0 : before;
		done[len] = '\0';
		char *joined = follow(target, rest);

		free(todo);
		p = todo = joined;
	}
	*out = todo ? strdup(len ? done : "/") : NULL;
	return *out ? 0 : err_sys(err, ENOMEM, "resolve a link");
}
