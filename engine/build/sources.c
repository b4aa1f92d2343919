/* SPDX-License-Identifier: Apache-2.0 */
/* Part by part: a part without wildcards is only looked up, for one with them its directory is read. What
 * a path leads to is found by the kernel (openat2(2), RESOLVE_IN_ROOT). */
#include "sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "glob.h"
#include "str.h"

enum { MATCHES_MAX = 100000 };

static int open_in(int root_fd, const char *path, int flags)
{
	return fd_open_in_root(root_fd, path[0] ? path : ".", flags | O_CLOEXEC, 0);
}

static int not_found(const char *path, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND,
		       "file not found in build context or excluded by .dockerignore: stat "
		       "%.150s: file does not exist",
		       path);
}

/* The pattern's parts, "." and ".." taken out. */
static int split(const char *pattern, struct strings *parts)
{
	int r = 0;

	while (r == 0 && *pattern) {
		size_t n = strcspn(pattern, "/");
		cleanup_free char *part = strndup(pattern, n);

		if (!part)
			return -ENOMEM;
		if (strcmp(part, "..") == 0) {
			if (parts->n)
				free(parts->v[--parts->n]);
		} else if (n && strcmp(part, ".") != 0) {
			r = strings_append(parts, part);
		}
		pattern += n + (pattern[n] == '/');
	}
	return r;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct search {
	const struct sources_root *root;
	const struct strings *parts;
	struct strings *out;
};

static int search(struct search *s, const char *dir, size_t at);

static char *join(const char *dir, const char *name)
{
	return dir[0] ? str_printf("%s/%s", dir, name) : strdup(name);
}

static int search_name(struct search *s, const char *path, const char *name, size_t at)
{
	if (!glob_match(s->parts->v[at], name, strlen(name), GLOB_PATH))
		return 0;
	cleanup_free char *next = join(path, name);

	return next ? search(s, next, at + 1) : -ENOMEM;
}

static int search_wild_files(struct search *s, const char *path, size_t at)
{
	int fd = open_in(s->root->fd, path, O_RDONLY | O_DIRECTORY), r = 0;
	DIR *dir = fd_dir(fd);

	if (!dir)
		r = fd < 0 ? fd : -errno;
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = search_name(s, path, e->d_name, at);
	closedir(dir);
	return r;
}

static int search_wild_listed(struct search *s, const char *path, size_t at)
{
	const struct listing *l = s->root->listing;
	int64_t dir = listing_resolve(l, path, true);
	struct listing_file f;
	int r = 0;

	if (dir < 0)
		return dir == -ENOENT || dir == -ENOTDIR ? 0 : (int)dir;
	uint32_t end = listing_next(l, (uint32_t)dir);

	for (uint32_t i = (uint32_t)dir + 1; r == 0 && i < end; i = listing_next(l, i)) {
		listing_get(l, i, &f);
		r = search_name(s, path, f.name, at);
	}
	return r;
}

/* Whether there is something of that path: 1, 0, -errno. */
static int look_up(const struct sources_root *root, const char *path)
{
	cleanup_fd int fd = root->listing ? -1 : open_in(root->fd, path, O_PATH | O_NOFOLLOW);
	int64_t r = root->listing ? listing_resolve(root->listing, path, false) : fd;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? (int)r : 1;
}

static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		p += *p == '\\' && p[1];
		*to++ = *p;
	}
	*to = '\0';
}

/* `dir` is what the parts before `at` have become. */
static int search(struct search *s, const char *dir, size_t at)
{
	if (at == s->parts->n)
		return s->out->n < MATCHES_MAX ? strings_append(s->out, dir) : -E2BIG;
	if (glob_has_wildcard(s->parts->v[at]))
		return s->root->listing ? search_wild_listed(s, dir, at)
					: search_wild_files(s, dir, at);
	cleanup_free char *next = join(dir, s->parts->v[at]);

	if (!next)
		return -ENOMEM;
	unescape(next + (dir[0] ? strlen(dir) + 1 : 0));
	int r = look_up(s->root, next);

	return r == 1 ? search(s, next, at + 1) : r;
}

int sources_find(const struct sources_root *root, const char *pattern, struct strings *out,
		 struct err *err)
{
	cleanup(strings_deinit) struct strings parts = { 0 };
	struct search s = { root, &parts, out };
	size_t before = out->n;
	int r = split(pattern, &parts);

	if (!glob_valid(pattern))
		return err_set(err, ERR_INVALID, "syntax error in pattern: %.150s", pattern);
	r = r ? r : search(&s, "", 0);
	if (r < 0)
		return err_sys(err, r, "look for \"%.120s\"", pattern);
	if (out->n == before && !glob_has_wildcard(pattern))
		return not_found(pattern, err);
	if (out->n > before)
		qsort(out->v + before, out->n - before, sizeof(*out->v), by_text);
	return 0;
}

/* Where the link at the end of `path` leads, as a path of the same root. Owned. */
static char *follow(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');

	if (target[0] == '/' || !slash)
		return strdup(target);
	return str_printf("%.*s/%s", (int)(slash - path), path, target);
}

static int split_open(int root_fd, const char *path, char **name)
{
	cleanup_free char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (!copy)
		return -ENOMEM;
	if (slash)
		*slash = '\0';
	const char *last = slash ? slash + 1 : copy;
	bool root = !*last || !strcmp(last, ".") || !strcmp(last, "..");

	*name = strdup(root ? "." : last);
	return *name ? open_in(root_fd,
			       root    ? path
			       : slash ? copy
				       : "",
			       O_RDONLY | O_DIRECTORY)
		     : -ENOMEM;
}

int sources_open(int root_fd, const char *path, char **name, struct err *err)
{
	cleanup_free char *at = strdup(path);
	int fd = at ? 0 : -ENOMEM;

	for (int links = 0; fd >= 0 && links < 40; links++) {
		char target[PATH_MAX];
		cleanup_free char *last = NULL;

		fd = split_open(root_fd, at, &last);
		ssize_t n = fd < 0 ? -1 : readlinkat(fd, last, target, sizeof(target) - 1);

		if (fd >= 0 && n < 0) {
			*name = steal(&last);
			return fd;
		}
		if (fd < 0)
			break;
		close(fd);
		target[n] = '\0';
		char *next = follow(at, target);

		free(at);
		at = next;
		fd = at ? 0 : -ENOMEM;
	}
	if (fd == -ENOENT || fd == -ENOTDIR)
		return not_found(path, err);
	return err_sys(err, fd < 0 ? fd : -ELOOP, "open \"%.120s\"", path);
}

int64_t sources_listed(const struct listing *listing, const char *path, struct err *err)
{
	int64_t file = listing_resolve(listing, path, true);

	if (file == -ENOENT || file == -ENOTDIR)
		return not_found(path, err);
	return file < 0 ? err_sys(err, (int)file, "open \"%.120s\"", path) : file;
}
