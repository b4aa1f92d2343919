/* SPDX-License-Identifier: Apache-2.0 */
#include "cgrouppath.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "str.h"

enum { SPEC_MAX_BYTES = 1 << 20 };

static bool is_plain(const char *parent)
{
	for (const char *part = parent; *part;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || n > NAME_MAX || part[0] == '.' || strncmp(part, "cgroup.", 7) == 0)
			return false;
		part += n;
		part += *part == '/';
	}
	return strpbrk(parent, "\n\t ") == NULL && strlen(parent) <= CGROUPPATH_PARENT_MAX;
}

int cgrouppath_make(const struct engine *engine, const char *id, const char *parent, char **path,
		    struct err *err)
{
	const char *plain = parent[0] == '/' ? parent + 1 : parent;

	if (parent[0] && (!plain[0] || !is_plain(plain) || str_has_prefix(plain, "cleat-")))
		return err_set(
			err, ERR_INVALID,
			"invalid cgroup parent \"%.80s\": expected the path of a group below "
			"the root of each hierarchy",
			parent);
	*path = str_printf("%s/%s", plain[0] ? plain : engine->cgroup, id);
	return *path ? 0 : err_sys(err, ENOMEM, "cgroup parent");
}

char *cgrouppath_of(const struct engine *engine, const char *id)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__ShimSpec *spec = NULL;
	char name[80], *path;

	(void)snprintf(name, sizeof(name), "%.64s/shim.pb", id);
	if (fd_read_file(engine->containers_fd, name, SPEC_MAX_BYTES, &bytes) == 0)
		spec = cleat__shim__v1__shim_spec__unpack(NULL, bytes.len,
							  (const uint8_t *)bytes.data);
	path = spec && spec->cgroup[0] ? strdup(spec->cgroup)
				       : str_printf("%s/%s", engine->cgroup, id);
	if (spec)
		cleat__shim__v1__shim_spec__free_unpacked(spec, NULL);
	return path;
}
