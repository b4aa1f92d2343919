/* SPDX-License-Identifier: Apache-2.0 */
#include "userns.h"

#include <string.h>

#include "str.h"
#include "usernsmode.h"

/* What its own root may do in the host's namespaces is nothing, and in another container's neither. */
static int check_others(const Cleat__V1__ContainerConfig *c, struct err *err)
{
	const struct {
		const char *sentence;
		bool asked;
	} conflicts[] = {
		{ "privileged mode is incompatible with user namespaces.  You must run the "
		  "container in the host namespace when running privileged mode",
		  c->privileged },
		{ "cannot share the host's network namespace when user namespaces are enabled",
		  strcmp(c->network_mode, "host") == 0 },
		{ "cannot share the host PID namespace when user namespaces are enabled",
		  strcmp(c->pid_mode, "host") == 0 },
		{ "cannot share the host IPC namespace when user namespaces are enabled",
		  strcmp(c->ipc_mode, "host") == 0 },
		{ "cannot share another container's network namespace when user namespaces are "
		  "enabled",
		  str_has_prefix(c->network_mode, "container:") },
		{ "cannot share another container's PID namespace when user namespaces are enabled",
		  str_has_prefix(c->pid_mode, "container:") },
		{ "cannot share another container's IPC namespace when user namespaces are enabled",
		  str_has_prefix(c->ipc_mode, "container:") },
	};

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++)
		if (conflicts[i].asked)
			return err_set(err, ERR_INVALID, "%s", conflicts[i].sentence);
	return 0;
}

int userns_check(const Cleat__V1__ContainerConfig *config, const char *runtime, uint32_t *size,
		 struct err *err)
{
	int r = usernsmode_parse(str_or_empty(config->userns_mode), size, err);

	if (r < 0 || !*size)
		return r;
	if (runtime[0] || str_or_empty(config->runtime)[0])
		return err_set(err, ERR_UNIMPLEMENTED,
			       "--userns auto with a runtime other than cleat-oci is not supported "
			       "by this release");
	return check_others(config, err);
}

int userns_check_user(const struct passwd_user *user, uint32_t size, struct err *err)
{
	uint32_t highest = user->uid > user->gid ? user->uid : user->gid;

	for (size_t i = 0; i < user->n_groups; i++)
		if (user->groups[i] > highest)
			highest = user->groups[i];
	if (size && highest >= size)
		return err_set(err, ERR_INVALID,
			       "user or group %u: the container's user namespace has ids up to %u: "
			       "choose a larger one with --userns auto:size=N",
			       highest, size - 1);
	return 0;
}
