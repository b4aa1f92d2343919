/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar is that of the distribution project's references: a path of lower-case components, a
 * domain in front when the first component looks like a host, docker.io otherwise. */
#include "reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

/* All lengths were checked before. */
static void set(char *field, size_t size, const char *text)
{
	snprintf(field, size, "%s", text);
}

static bool lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One path component: runs of letters and digits joined by '.', '_', '__' or dashes. */
static bool component(const char *p, size_t n)
{
	size_t i = 0;

	if (n == 0 || !lower_alnum(p[0]) || !lower_alnum(p[n - 1]))
		return false;
	while (i < n) {
		size_t run = 0;

		while (i + run < n && !lower_alnum(p[i + run]))
			run++;
		if (run == 0) {
			i++;
			continue;
		}
		bool dashes = strspn(p + i, "-") >= run;
		bool dot = run == 1 && (p[i] == '.' || p[i] == '_');

		if (!dashes && !dot && !(run == 2 && p[i] == '_' && p[i + 1] == '_'))
			return false;
		i += run;
	}
	return true;
}

static bool path_ok(const char *path)
{
	for (const char *p = path;;) {
		size_t n = strcspn(p, "/");

		if (!component(p, n))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

bool reference_tag_ok(const char *tag)
{
	size_t n = strlen(tag);

	if (n == 0 || n > 128 || tag[0] == '.' || tag[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)tag[i]) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

static bool domain_ok(const char *domain)
{
	for (const char *p = domain; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".-:[]", *p))
			return false;
	return isalnum((unsigned char)domain[0]) || domain[0] == '[';
}

/* The length of a leading component that is a host and not part of the path; 0 = there is none. */
static size_t host_length(const char *path)
{
	const char *slash = strchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	for (size_t i = 0; i < n; i++)
		if (path[i] == '.' || path[i] == ':' || (path[i] >= 'A' && path[i] <= 'Z'))
			return n;
	return str_has_prefix(path, "localhost/") ? n : 0;
}

/* Moves a leading host out of `path`, or gives the default one. */
static int split_domain(char *path, struct reference *ref)
{
	size_t n = host_length(path);

	if (n > 0) {
		if (n >= sizeof(ref->domain))
			return -EINVAL;
		memcpy(ref->domain, path, n);
		ref->domain[n] = '\0';
		path += n + 1;
	} else {
		set(ref->domain, sizeof(ref->domain), "docker.io");
	}
	if (strcmp(ref->domain, "index.docker.io") == 0)
		set(ref->domain, sizeof(ref->domain), "docker.io");
	bool library = strcmp(ref->domain, "docker.io") == 0 && !strchr(path, '/');
	int length =
		snprintf(ref->path, sizeof(ref->path), "%s%s", library ? "library/" : "", path);

	size_t full = strlen(ref->domain) + (size_t)length + sizeof("/:latest") + strlen(ref->tag);

	if ((size_t)length >= sizeof(ref->path) || full > REFERENCE_MAX)
		return -EINVAL;
	return domain_ok(ref->domain) && path_ok(path) ? 0 : -EINVAL;
}

static int parse(const char *text, struct reference *ref)
{
	char work[REFERENCE_MAX];

	if (strlen(text) >= sizeof(work) || str_is_id(text))
		return -EINVAL;
	set(work, sizeof(work), text);
	char *at = strchr(work, '@');

	if (at) {
		*at++ = '\0';
		if (!str_is_digest(at))
			return -EINVAL;
		set(ref->digest, sizeof(ref->digest), at);
	}
	char *slash = strrchr(work, '/');
	char *colon = strchr(slash ? slash : work, ':');

	if (colon) {
		*colon++ = '\0';
		if (!reference_tag_ok(colon))
			return -EINVAL;
		set(ref->tag, sizeof(ref->tag), colon);
	}
	return split_domain(work, ref);
}

int reference_parse(const char *text, struct reference *ref, struct err *err)
{
	memset(ref, 0, sizeof(*ref));
	if (parse(text, ref) == 0)
		return 0;
	for (const char *p = text; *p && strlen(text) < REFERENCE_MAX; p++)
		if (*p >= 'A' && *p <= 'Z' && !strchr(text, ':'))
			return err_set(err, ERR_INVALID,
				       "invalid reference format: repository name (%.120s) must be "
				       "lowercase",
				       text);
	return err_set(err, ERR_INVALID, "invalid reference format: \"%.120s\"", text);
}

void reference_full(const struct reference *ref, char out[REFERENCE_MAX])
{
	snprintf(out, REFERENCE_MAX, "%s/%s:%s", ref->domain, ref->path,
		 ref->tag[0] ? ref->tag : "latest");
}

void reference_familiar(const char *full, char out[REFERENCE_MAX])
{
	const char *path = full;

	if (str_has_prefix(full, "docker.io/"))
		path += strlen("docker.io/");
	if (path != full && str_has_prefix(path, "library/") &&
	    !strchr(path + strlen("library/"), '/'))
		path += strlen("library/");
	snprintf(out, REFERENCE_MAX, "%s", host_length(path) > 0 ? full : path);
}

void reference_repository(const char *name, char out[REFERENCE_MAX])
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash : name;

	(void)snprintf(out, REFERENCE_MAX, "%.*s", (int)(last - name + (long)strcspn(last, ":@")),
		       name);
}
