/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include <errno.h>
#include <string.h>

#include "str.h"

enum { LINKS_MAX = 8, PATH_BYTES = 4096 };

/* The text up to `end` cut off, *p behind it; NULL when there is no such byte. */
static char *cut(char **p, char end)
{
	char *start = *p, *at = strchr(start, end);

	if (!at)
		return NULL;
	*at = '\0';
	*p = at + 1;
	return start;
}

static int parse_numbers(char *line, struct result_entry *e)
{
	char *number = cut(&line, ' '), *size = number ? cut(&line, ' ') : NULL;
	char *sha = size ? cut(&line, ' ') : NULL, *diff = sha ? cut(&line, ' ') : NULL;
	uint64_t n;

	if (!diff || str_u64(number, &n) < 0 || n > UINT32_MAX || str_u64(size, &e->size) < 0 ||
	    !(str_is_id(sha) || (e->kind == RESULT_LAYER && strcmp(sha, "-") == 0)))
		return -EBADMSG;
	if (e->kind == RESULT_LAYER ? !str_is_id(diff) : strcmp(diff, "-") != 0)
		return -EBADMSG;
	e->number = (unsigned int)n;
	memcpy(e->sha, sha, strlen(sha) + 1);
	if (e->kind == RESULT_LAYER)
		memcpy(e->diff, diff, 65);
	e->path = line;
	return 0;
}

static int parse_line(char *line, struct result_entry *e)
{
	static const char *const words[] = { [RESULT_FILE] = "file ",
					     [RESULT_LAYER] = "layer ",
					     [RESULT_LINK] = "link ",
					     [RESULT_BAD] = "bad " };
	size_t kind = 0;

	while (kind < ARRAY_LEN(words) && !str_has_prefix(line, words[kind]))
		kind++;
	if (kind == ARRAY_LEN(words))
		return -EBADMSG;
	e->kind = (enum result_kind)kind;
	line += strlen(words[kind]);
	if (kind == RESULT_FILE || kind == RESULT_LAYER)
		return parse_numbers(line, e);
	const char *first = cut(&line, '\t');

	if (!first)
		return -EBADMSG;
	*(kind == RESULT_LINK ? &e->target : &e->path) = first;
	*(kind == RESULT_LINK ? &e->path : &e->reason) = line;
	return 0;
}

int result_parse(char *text, struct result *out)
{
	size_t lines = 0;
	int r = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	cleanup_free struct result_entry *v = calloc(lines + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (char *line; r == 0 && (line = cut(&text, '\n'));)
		r = parse_line(line, &v[n++]);
	if (r < 0 || *text)
		return r ? r : -EBADMSG;
	out->v = steal(&v);
	out->n = n;
	return 0;
}

void result_deinit(struct result *result)
{
	free(result->v);
	*result = (struct result){ 0 };
}

static const struct result_entry *last_of(const struct result *result, const char *path)
{
	for (size_t i = result->n; i-- > 0;)
		if (strcmp(result->v[i].path, path) == 0)
			return &result->v[i];
	return NULL;
}

/* The target as a path of the archive: relative to the link's directory, or (hard links) to the root. */
static int follow(const struct result_entry *link, char out[PATH_BYTES])
{
	const char *slash = strrchr(link->path, '/'), *target = link->target;
	size_t n = slash ? (size_t)(slash - link->path) : 0;

	if (!str_has_prefix(target, "../"))
		n = 0;
	while (str_has_prefix(target, "../")) {
		while (n > 0 && link->path[n - 1] != '/')
			n--;
		n -= n > 0;
		target += 3;
	}
	if (n + 1 + strlen(target) >= PATH_BYTES)
		return -EINVAL;
	memcpy(out, link->path, n);
	if (n)
		out[n++] = '/';
	memcpy(out + n, target, strlen(target) + 1);
	return 0;
}

const struct result_entry *result_find(const struct result *result, const char *path)
{
	const struct result_entry *e = last_of(result, path);
	char target[PATH_BYTES];

	for (int i = 0; e && e->kind == RESULT_LINK; i++)
		e = i < LINKS_MAX && follow(e, target) == 0 ? last_of(result, target) : NULL;
	return e;
}
