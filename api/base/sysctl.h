/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespace a sysctl belongs to: one that belongs to none is the host's, whoever writes it. Pure. */
#pragma once

enum sysctl_space {
	SYSCTL_HOST, /* none, or no name of a sysctl at all */
	SYSCTL_IPC,
	SYSCTL_NETWORK,
	SYSCTL_UTS,
};

/* Of a name with dots or slashes between its parts. */
enum sysctl_space sysctl_space(const char *name);
