/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/xattr.h>

/* The first that works. */
static const char *const namespaces[] = { "user", "trusted" };

static void full_name(char out[NOTE_NAME_MAX + 16], size_t space, const char *name)
{
	(void)snprintf(out, NOTE_NAME_MAX + 16, "%s.%s", namespaces[space], name);
}

int note_set(int fd, const char *name, const void *data, size_t n)
{
	char full[NOTE_NAME_MAX + 16];
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		full_name(full, i, name);
		if (fsetxattr(fd, full, data, n, 0) == 0)
			return 0;
		r = -errno;
	}
	return r;
}

bool note_get(int fd, const char *name, void *data, size_t n)
{
	char full[NOTE_NAME_MAX + 16];

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		full_name(full, i, name);
		if (fgetxattr(fd, full, data, n) == (ssize_t)n)
			return true;
	}
	return false;
}
