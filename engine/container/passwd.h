/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container runs as: Docker's "user[:group]" looked up in the text of the container's own
 * /etc/passwd and /etc/group (passwd(5), group(5)). Pure; a line that is no entry is passed over. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum { PASSWD_GROUPS_MAX = 256 };

struct passwd_user {
	uint32_t uid, gid;
	uint32_t groups[PASSWD_GROUPS_MAX]; /* additional ones, the primary group first */
	size_t n_groups;
	char home[256]; /* "" = none known */
};

/* Borrowed texts, not NUL-terminated; NULL with length 0 = there is no such file. */
struct passwd_files {
	const char *passwd, *group;
	size_t passwd_len, group_len;
};

/* `spec` is "", name, uid, name:group, uid:gid and mixtures; "" is root. A number need not be listed.
 * `extra` are additional groups by name or number (--group-add). -EINVAL names what is not found. */
int passwd_resolve(const struct passwd_files *files, const char *spec, char *const *extra,
		   size_t n_extra, struct passwd_user *out, struct err *err) must_check;
