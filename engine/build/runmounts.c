/* SPDX-License-Identifier: Apache-2.0 */
/* A table of keys, each with where its value goes and which types know it. */
#include "runmounts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "str.h"

enum { OF_BIND = 1, OF_CACHE = 2, OF_TMPFS = 4, OF_SECRET = 8, OF_SSH = 16, OF_ALL = 31 };
#define OF_FILES (OF_CACHE | OF_SECRET | OF_SSH)

static const char *const types[] = {
	[RUNMOUNT_BIND] = "bind",     [RUNMOUNT_CACHE] = "cache", [RUNMOUNT_TMPFS] = "tmpfs",
	[RUNMOUNT_SECRET] = "secret", [RUNMOUNT_SSH] = "ssh",
};

static int set_text(struct runmount *m, size_t at, const char *value)
{
	char **place = (char **)(void *)((char *)m + at);

	free(*place);
	*place = strdup(value);
	return *place ? 0 : -ENOMEM;
}

static int set_bool(struct runmount *m, size_t at, const char *value)
{
	bool *place = (bool *)((char *)m + at);

	if (!*value || !strcasecmp(value, "true") || !strcmp(value, "1"))
		*place = true;
	else if (!strcasecmp(value, "false") || !strcmp(value, "0"))
		*place = false;
	else
		return -EINVAL;
	return 0;
}

static int set_writable(struct runmount *m, size_t at, const char *value)
{
	int r = set_bool(m, at, value);

	m->read_only = r < 0 ? m->read_only : !m->read_only;
	return r;
}

static int set_number(struct runmount *m, size_t at, const char *value)
{
	int64_t n;

	if (str_int_in(value, 0, UINT32_MAX, &n) < 0)
		return -EINVAL;
	*(uint32_t *)(void *)((char *)m + at) = (uint32_t)n;
	return 0;
}

static int set_mode(struct runmount *m, size_t at, const char *value)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (*end || end == value || *value == '-' || mode > 07777)
		return -EINVAL;
	*(uint32_t *)(void *)((char *)m + at) = (uint32_t)mode;
	return 0;
}

static int set_size(struct runmount *m, size_t at, const char *value)
{
	(void)at;
	return str_size_bytes(value, &m->size_bytes);
}

static int set_sharing(struct runmount *m, size_t at, const char *value)
{
	static const char *const words[] = { "shared", "private", "locked" };

	(void)at;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], value) == 0) {
			m->sharing = (enum runmount_sharing)i;
			return 0;
		}
	return -EINVAL;
}

static const struct key {
	const char *name;
	int (*set)(struct runmount *m, size_t at, const char *value);
	size_t at;
	unsigned int types;
} keys[] = {
	{ "target", set_text, offsetof(struct runmount, target), OF_ALL },
	{ "dst", set_text, offsetof(struct runmount, target), OF_ALL },
	{ "destination", set_text, offsetof(struct runmount, target), OF_ALL },
	{ "source", set_text, offsetof(struct runmount, source), OF_BIND | OF_CACHE },
	{ "src", set_text, offsetof(struct runmount, source), OF_BIND | OF_CACHE },
	{ "from", set_text, offsetof(struct runmount, from), OF_BIND | OF_CACHE },
	{ "id", set_text, offsetof(struct runmount, id), OF_FILES },
	{ "env", set_text, offsetof(struct runmount, env), OF_SECRET },
	{ "readonly", set_bool, offsetof(struct runmount, read_only), OF_BIND | OF_CACHE },
	{ "ro", set_bool, offsetof(struct runmount, read_only), OF_BIND | OF_CACHE },
	{ "readwrite", set_writable, offsetof(struct runmount, read_only), OF_BIND | OF_CACHE },
	{ "rw", set_writable, offsetof(struct runmount, read_only), OF_BIND | OF_CACHE },
	{ "required", set_bool, offsetof(struct runmount, required), OF_SECRET | OF_SSH },
	{ "sharing", set_sharing, 0, OF_CACHE },
	{ "size", set_size, 0, OF_TMPFS },
	{ "mode", set_mode, offsetof(struct runmount, mode), OF_FILES },
	{ "uid", set_number, offsetof(struct runmount, uid), OF_FILES },
	{ "gid", set_number, offsetof(struct runmount, gid), OF_FILES },
};

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcasecmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* One key=value or key alone; `type` was read before. */
static int set_field(struct runmount *m, char *field, struct err *err)
{
	char *equals = strchr(field, '=');
	const char *value = equals ? equals + 1 : "";

	if (equals)
		*equals = '\0';
	if (strcasecmp(field, "type") == 0)
		return 0;
	const struct key *key = find_key(field);

	if (!key)
		return err_set(err, ERR_INVALID, "unexpected key '%.40s' in '%.40s=%.80s'", field,
			       field, value);
	if (!(key->types & (1u << m->type)))
		return err_set(err, ERR_INVALID, "unexpected key '%.40s' for mount type '%s'",
			       field, types[m->type]);
	if (!equals && key->set != set_bool && key->set != set_writable)
		return err_set(err, ERR_INVALID, "invalid field '%.40s' must be a key=value pair",
			       field);
	int r = key->set(m, key->at, value);

	return r == -ENOMEM ? err_sys(err, ENOMEM, "mount")
	       : r < 0 ? err_set(err, ERR_INVALID, "invalid value for %.40s: %.80s", field, value)
		       : 0;
}

static int find_type(const char *text, struct runmount *m, struct err *err)
{
	for (const char *p = text; *p; p += strcspn(p, ","), p += *p == ',') {
		size_t n = strcspn(p, ",");

		if (n < 5 || strncasecmp(p, "type=", 5) != 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			if (strlen(types[i]) == n - 5 && strncasecmp(types[i], p + 5, n - 5) == 0) {
				m->type = (enum runmount_type)i;
				return 0;
			}
		return err_set(err, ERR_INVALID, "unsupported mount type \"%.*s\"",
			       (int)(n > 60 ? 55 : n - 5), p + 5);
	}
	return 0;
}

static void fill_defaults(struct runmount *m)
{
	m->read_only = m->type == RUNMOUNT_BIND;
	m->mode = m->type == RUNMOUNT_CACHE ? 0755 : m->type == RUNMOUNT_SECRET ? 0400 : 0600;
}

/* A secret is /run/secrets/ID unless something else is said; its id is its target's last part. */
static int finish_secret(struct runmount *m, struct err *err)
{
	const char *slash = m->target ? strrchr(m->target, '/') : NULL;

	if (!m->id && m->target)
		m->id = strdup(slash ? slash + 1 : m->target);
	if (!m->id || !m->id[0])
		return err_set(err, ERR_INVALID, "secret mount without id");
	if (!m->target && !m->env) {
		m->target = str_path("/run/secrets", m->id);
		if (!m->target)
			return err_sys(err, ENOMEM, "mount");
	}
	return 0;
}

static int finish(struct runmount *m, struct err *err)
{
	if (m->type == RUNMOUNT_SECRET)
		return finish_secret(m, err);
	if (!m->target && m->type != RUNMOUNT_SSH)
		return err_set(err, ERR_INVALID, "mount target is required for type %s",
			       types[m->type]);
	return 0;
}

int runmount_parse(const char *text, struct runmount *out, struct err *err)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *field;

	*out = (struct runmount){ 0 };
	int r = copy ? find_type(text, out, err) : err_sys(err, ENOMEM, "mount");

	fill_defaults(out);
	while (r == 0 && (field = strsep(&rest, ",")))
		if (*field)
			r = set_field(out, field, err);
	r = r ? r : finish(out, err);
	if (r < 0)
		runmount_deinit(out);
	return r;
}

void runmount_deinit(struct runmount *m)
{
	free(m->target);
	free(m->source);
	free(m->from);
	free(m->id);
	free(m->env);
	*m = (struct runmount){ 0 };
}
