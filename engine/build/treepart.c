/* SPDX-License-Identifier: Apache-2.0 */
#include "treepart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "copymode.h"
#include "str.h"

enum { XATTR_NAMES_MAX = 64 << 10, XATTR_VALUE_MAX = 64 << 10 };

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

int treelist_read(struct treelist *l, int fd)
{
	l->n = scandirat(fd, ".", &l->v, no_dots, by_name);
	return l->n < 0 ? -errno : 0;
}

void treelist_deinit(struct treelist *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

int treepart_open_dir(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int treepart_open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- attributes */

static bool keeps(const char *key)
{
	return strcmp(key, "security.capability") == 0 ||
	       (str_has_prefix(key, "user.") && !str_has_prefix(key, "user.overlay."));
}

int treepart_each_xattr(int fd, treepart_xattr_fn *one, void *ctx)
{
	char few[256];
	cleanup_free char *many = NULL, *value = NULL;
	const char *names = few;
	ssize_t n = flistxattr(fd, few, sizeof(few));
	int r = 0;

	if (n < 0 && errno == ERANGE) {
		many = malloc(XATTR_NAMES_MAX);
		n = many ? flistxattr(fd, many, XATTR_NAMES_MAX) : -1;
		names = many;
	}
	if (n <= 0)
		return n == 0 || errno == ENOTSUP ? 0 : -errno;
	value = malloc(XATTR_VALUE_MAX);
	if (!value)
		return -ENOMEM;
	for (const char *key = names; r == 0 && key < names + n; key += strlen(key) + 1) {
		ssize_t len = keeps(key) ? fgetxattr(fd, key, value, XATTR_VALUE_MAX) : -1;

		if (len >= 0)
			r = one(ctx, key, value, (size_t)len);
	}
	return r;
}

char *treepart_link(int dir_fd, const char *name)
{
	cleanup_free char *target = malloc(PATH_MAX);
	ssize_t n = target ? readlinkat(dir_fd, name, target, PATH_MAX - 1) : -1;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return steal(&target);
}

bool treepart_excluded(const struct copy_rules *rules, const char *path)
{
	return rules->exclude && path && *path && ignore_match(rules->exclude, path);
}

long long treepart_owner(int64_t rule, unsigned int source)
{
	return rule >= 0 ? rule : source;
}

unsigned int treepart_mode(const struct copy_rules *rules, const struct stat *st)
{
	return rules->mode && !S_ISLNK(st->st_mode) ? copymode_apply(rules->mode, st->st_mode)
						    : st->st_mode & 07777;
}
