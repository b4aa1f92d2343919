/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of entries, resolved by openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: whatever was
 * unpacked before, a later entry cannot leave the root through it. Entries of one directory mostly
 * follow each other, so its descriptor is kept, until something is replaced that the directory may be in. With
 * `follow` the bounds are those of the root the worker is confined to. */
#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int open_beneath(const struct place *p, int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve =
			p->follow ? RESOLVE_NO_MAGICLINKS : RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int place_open(const struct place *p, const char *path, int flags)
{
	return open_beneath(p, p->root, path[0] ? path : ".", flags);
}

void place_forget(struct place *p)
{
	if (p->fd >= 0 && p->fd != p->root)
		close(p->fd);
	p->fd = -1;
	free(p->path);
	p->path = NULL;
}

int place_clean(const char *raw, char out[JOB_PATH_MAX + 1], struct err *err)
{
	size_t len = 0, depth = 0;

	if (!raw || strlen(raw) > JOB_PATH_MAX)
		return err_set(err, ERR_INVALID,
			       "an entry's name is missing or longer than %d bytes", JOB_PATH_MAX);
	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");

		if (n > JOB_NAME_MAX)
			return err_set(err, ERR_INVALID, "entry \"%.100s\": a name of %zu bytes",
				       raw, n);
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return err_set(err, ERR_INVALID,
				       "entry \"%.100s\": \"..\" leads out of the layer", raw);
		if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (++depth > JOB_DEPTH_MAX)
				return err_set(err, ERR_INVALID,
					       "entry \"%.100s\": more than %d directories deep",
					       raw, JOB_DEPTH_MAX);
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

/* Opens the directory `path`, part by part, and makes what is missing. */
static int make_path(const struct place *p, char *path)
{
	int fd = p->root;

	for (char *part = path; part && fd >= 0;) {
		char *slash = strchr(part, '/');

		if (slash)
			*slash = '\0';
		bool made = mkdirat(fd, part, 0755) == 0;
		int next = !made && errno != EEXIST
				   ? -1
				   : open_beneath(p, fd, part, O_RDONLY | O_DIRECTORY);

		/* the one it is in may have given it its group */
		if (made && next >= 0 && (fchown(next, 0, 0) < 0 || fchmod(next, 0755) < 0))
			closep(&next);
		int e = errno;

		if (fd != p->root)
			close(fd);
		fd = next;
		errno = e;
		if (slash)
			*slash = '/';
		part = slash ? slash + 1 : NULL;
	}
	return fd;
}

static int open_dir(struct place *p, char *path, struct err *err)
{
	int fd = open_beneath(p, p->root, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		fd = make_path(p, path);
	if (fd >= 0)
		return fd;
	if (errno == ELOOP || errno == ENOTDIR)
		return err_set(err, ERR_INVALID,
			       "entry \"%s/...\": its directory is a link or a file", path);
	return err_sys(err, errno, "entry \"%.100s/...\"", path);
}

int place_parent(struct place *p, char *path, const char **name, struct err *err)
{
	char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (!slash)
		return p->root;
	*slash = '\0';
	if (p->fd < 0 || strcmp(p->path, path) != 0) {
		place_forget(p);
		int fd = open_dir(p, path, err);

		p->path = fd >= 0 ? strdup(path) : NULL;
		if (fd >= 0 && !p->path) {
			close(fd);
			fd = err_sys(err, ENOMEM, "unpack");
		}
		*slash = '/';
		if (fd < 0)
			return fd;
		p->fd = fd;
	}
	*slash = '/';
	return p->fd;
}
