/* SPDX-License-Identifier: Apache-2.0 */
#include "cpplan.h"

#include <errno.h>
#include <string.h>

#include "str.h"

int cpplan_side(const char *argument, struct cp_side *out)
{
	const char *colon = strchr(argument, ':');

	*out = (struct cp_side){ .path = argument };
	if (argument[0] == '/' || argument[0] == '.' || !colon)
		return 0;
	out->container = strndup(argument, (size_t)(colon - argument));
	out->path = colon + 1;
	return out->container ? 0 : -ENOMEM;
}

bool cpplan_means_contents(const char *path)
{
	return strcmp(path, ".") == 0 || str_has_suffix(path, "/.");
}

bool cpplan_means_dir(const char *path)
{
	return cpplan_means_contents(path) || str_has_suffix(path, "/");
}

char *cpplan_trim(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
		n--;
	return strndup(path, n);
}

char *cpplan_base(const char *path)
{
	cleanup_free char *trimmed = cpplan_trim(path);
	const char *slash = trimmed ? strrchr(trimmed, '/') : NULL;

	if (!trimmed)
		return NULL;
	if (cpplan_means_contents(path) || strcmp(trimmed, "/") == 0)
		return strdup(".");
	return strdup(slash ? slash + 1 : trimmed);
}

/* The directory that holds what the path names. */
static char *parent_of(const char *path)
{
	char *trimmed = cpplan_trim(path);
	char *slash = trimmed ? strrchr(trimmed, '/') : NULL;

	if (!trimmed)
		return NULL;
	if (!slash) {
		free(trimmed);
		return strdup(".");
	}
	slash[slash == trimmed ? 1 : 0] = '\0';
	return trimmed;
}

static char *own_name(const char *path)
{
	cleanup_free char *trimmed = cpplan_trim(path);

	return trimmed ? cpplan_base(trimmed) : NULL;
}

int cpplan(const struct cp_thing *source, const struct cp_thing *target, struct cp_plan *out,
	   struct err *err)
{
	*out = (struct cp_plan){ 0 };
	if (target->exists && target->is_dir) {
		out->dir = strdup(target->path);
		out->name = cpplan_base(source->path);
	} else {
		if (target->exists && source->is_dir)
			return err_set(err, ERR_INVALID, "cannot copy directory");
		if (!source->is_dir && cpplan_means_dir(target->path))
			return err_set(err, ERR_INVALID, "no such directory");
		out->dir = parent_of(target->path);
		out->name = own_name(target->path);
	}
	if (out->dir && out->name)
		return 0;
	cpplan_deinit(out);
	return err_sys(err, ENOMEM, "copy");
}

void cpplan_deinit(struct cp_plan *plan)
{
	free(plan->dir);
	free(plan->name);
	*plan = (struct cp_plan){ 0 };
}
