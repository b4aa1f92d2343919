/* SPDX-License-Identifier: Apache-2.0 */
#include "sysctl.h"

#include <string.h>

#include "mem.h"

static char plain(char c)
{
	return c == '/' ? '.' : c;
}

/* `name` begins with `prefix`, whatever is between the parts. */
static int begins(const char *name, const char *prefix)
{
	while (*prefix && plain(*name) == *prefix)
		name++, prefix++;
	return !*prefix;
}

/* Parts that are not empty, and none that leads elsewhere. */
static int is_name(const char *name)
{
	char last = '.';

	for (; *name; name++) {
		if (plain(*name) == '.' && last == '.')
			return 0;
		last = plain(*name);
	}
	return last != '.';
}

enum sysctl_space sysctl_space(const char *name)
{
	static const struct {
		const char *name;
		enum sysctl_space space;
	} known[] = {
		{ "kernel.msgmax", SYSCTL_IPC },     { "kernel.msgmnb", SYSCTL_IPC },
		{ "kernel.msgmni", SYSCTL_IPC },     { "kernel.sem", SYSCTL_IPC },
		{ "kernel.shmall", SYSCTL_IPC },     { "kernel.shmmax", SYSCTL_IPC },
		{ "kernel.shmmni", SYSCTL_IPC },     { "kernel.shm_rmid_forced", SYSCTL_IPC },
		{ "kernel.domainname", SYSCTL_UTS },
	};

	if (!is_name(name))
		return SYSCTL_HOST;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (begins(name, known[i].name) && strlen(name) == strlen(known[i].name))
			return known[i].space;
	if (begins(name, "fs.mqueue."))
		return SYSCTL_IPC;
	return begins(name, "net.") ? SYSCTL_NETWORK : SYSCTL_HOST;
}
