/* SPDX-License-Identifier: Apache-2.0 */
#include "scope.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

void scope_deinit(struct scope *scope)
{
	strings_deinit(&scope->pairs);
}

static char **find(const struct scope *scope, const char *name)
{
	for (size_t i = 0; i + 1 < scope->pairs.n; i += 2)
		if (strcmp(scope->pairs.v[i], name) == 0)
			return &scope->pairs.v[i + 1];
	return NULL;
}

const char *scope_get(const struct scope *scope, const char *name)
{
	char **value = find(scope, name);

	return value ? *value : NULL;
}

int scope_set(struct scope *scope, const char *name, const char *value)
{
	char **place = find(scope, name);
	char *copy;

	if (!place)
		return strings_append(&scope->pairs, name) < 0
			       ? -ENOMEM
			       : strings_append(&scope->pairs, value);
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

int scope_add(struct scope *to, const struct scope *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < from->pairs.n; i += 2)
		r = scope_set(to, from->pairs.v[i], from->pairs.v[i + 1]);
	return r;
}

bool scope_is_proxy(const char *name)
{
	static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
					     "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}
