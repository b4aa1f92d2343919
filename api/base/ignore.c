/* SPDX-License-Identifier: Apache-2.0 */
/* As Docker reads it: blanks around a line and a '/' in front mean nothing, '#' must be the first byte
 * of its line, paths are cleaned before they are matched, and a pattern also speaks of all that is
 * below what it matches. Order counts: the last pattern decides. */
#include "ignore.h"

#include <errno.h>
#include <string.h>

#include "glob.h"

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **from, const char **to)
{
	while (*from < *to && is_blank(**from))
		++*from;
	while (*to > *from && is_blank((*to)[-1]))
		--*to;
}

/* Removes the last part of out[0..len); parts that lead up stay where nothing is left to leave. */
static size_t up(char *out, size_t len)
{
	const char *slash = len ? memrchr(out, '/', len) : NULL;
	size_t at = slash ? (size_t)(slash - out) : 0;
	size_t part = slash ? at + 1 : 0;

	if (len && !(len - part == 2 && memcmp(out + part, "..", 2) == 0))
		return at;
	if (len)
		out[len++] = '/';
	memcpy(out + len, "..", 2);
	return len + 2;
}

/* Go's filepath.Clean() without a leading '/'. `out` has n + 3 bytes. */
static void clean(const char *path, size_t n, char *out)
{
	size_t len = 0;

	for (const char *p = path, *end = path + n; p < end;) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		size_t part = (size_t)((slash ? slash : end) - p);

		if (part == 2 && memcmp(p, "..", 2) == 0) {
			len = up(out, len);
		} else if (part && !(part == 1 && *p == '.')) {
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, part);
			len += part;
		}
		p += part + (slash != NULL);
	}
	if (len == 0 && n)
		out[len++] = '.';
	out[len] = '\0';
}

static int add(struct ignore *ignore, const char *from, const char *to, struct err *err)
{
	bool exception = *from == '!';
	const char *begin = from + exception;

	trim(&begin, &to);
	if (begin == to)
		return err_set(err, ERR_INVALID, "illegal exclusion pattern: \"!\"");
	if (ignore->n == IGNORE_PATTERNS_MAX)
		return err_set(err, ERR_INVALID, "more than %d patterns", IGNORE_PATTERNS_MAX);
	struct ignore_pattern *grown = realloc(ignore->v, (ignore->n + 1) * sizeof(*grown));

	if (!grown)
		return err_sys(err, ENOMEM, "read .dockerignore");
	ignore->v = grown;
	char *glob = malloc((size_t)(to - begin) + 3);

	if (!glob)
		return err_sys(err, ENOMEM, "read .dockerignore");
	clean(begin, (size_t)(to - begin), glob);
	grown[ignore->n++] = (struct ignore_pattern){ glob, exception };
	ignore->exceptions |= exception;
	return glob_valid(glob)
		       ? 0
		       : err_set(err, ERR_INVALID, "syntax error in pattern: \"%s\"", glob);
}

int ignore_parse(const char *text, size_t len, struct ignore *out, struct err *err)
{
	const char *end = text + len;
	int r = 0;

	*out = IGNORE_NULL;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (const char *p = text; r == 0 && p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *from = p, *to = newline ? newline : end;

		p = newline ? newline + 1 : end;
		if (*from == '#' || memchr(from, '\0', (size_t)(to - from)))
			continue;
		trim(&from, &to);
		if (from < to)
			r = add(out, from, to, err);
	}
	if (r < 0)
		ignore_deinit(out);
	return r;
}

void ignore_deinit(struct ignore *ignore)
{
	for (size_t i = 0; i < ignore->n; i++)
		free(ignore->v[i].glob);
	free(ignore->v);
	*ignore = IGNORE_NULL;
}

/* The path itself or a directory above it. */
static bool speaks_of(const char *glob, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
		if (glob_match(glob, path, (size_t)(slash - path), GLOB_DEEP))
			return true;
	return glob_match(glob, path, strlen(path), GLOB_DEEP);
}

bool ignore_match(const struct ignore *ignore, const char *path)
{
	bool ignored = false;

	for (size_t i = 0; i < ignore->n; i++)
		if (ignore->v[i].exception == ignored && speaks_of(ignore->v[i].glob, path))
			ignored = !ignored;
	return ignored;
}
