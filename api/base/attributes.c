/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "str.h"
#include "tar.h"

/* The kernel's own limits (xattr(7)). */
enum { LIST_MAX = 65536, VALUE_MAX = 65536 };

bool attributes_keep(const char *key)
{
	return strcmp(key, "security.capability") == 0 ||
	       (str_has_prefix(key, "user.") && !str_has_prefix(key, "user.overlay."));
}

void attributes_deinit(struct attributes *a)
{
	for (size_t i = 0; i < a->n; i++)
		free((void *)(uintptr_t)a->v[i].value);
	free(a->v);
	free(a->names);
	*a = (struct attributes){ 0 };
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

/* One that went away meanwhile is left out. */
static int add(int fd, const char *name, struct attributes *a)
{
	ssize_t n = fgetxattr(fd, name, NULL, 0);

	if (n < 0)
		return 0;
	char *value = malloc(VALUE_MAX);

	if (!value)
		return -ENOMEM;
	n = fgetxattr(fd, name, value, VALUE_MAX);
	if (n < 0) {
		free(value);
		return 0;
	}
	char *fitting = realloc(value, (size_t)n + 1);

	a->v[a->n++] = (struct tar_xattr){ name, fitting ? fitting : value, (size_t)n };
	return 0;
}

int attributes_read(int fd, struct attributes *out)
{
	cleanup(attributes_deinit) struct attributes a = { 0 };
	ssize_t n = flistxattr(fd, NULL, 0);
	size_t most = 0;
	int r = 0;

	*out = (struct attributes){ 0 };
	if (n <= 0)
		return n == 0 || errno == ENOTSUP ? 0 : -errno;
	a.names = malloc(LIST_MAX);
	n = a.names ? flistxattr(fd, a.names, LIST_MAX) : 0;
	if (!a.names || n < 0)
		return a.names ? -errno : -ENOMEM;
	for (const char *p = a.names; p < a.names + n; p += strlen(p) + 1)
		most += attributes_keep(p);
	a.v = calloc(most + 1, sizeof(*a.v));
	if (!a.v)
		return -ENOMEM;
	for (const char *p = a.names; r == 0 && p < a.names + n; p += strlen(p) + 1)
		if (attributes_keep(p))
			r = add(fd, p, &a);
	if (r < 0)
		return r;
	qsort(a.v, a.n, sizeof(*a.v), compare);
	*out = a;
	a = (struct attributes){ 0 };
	return 0;
}

int attributes_opaque(int fd)
{
	char value[2] = "";

	if (fgetxattr(fd, "trusted.overlay.redirect", NULL, 0) >= 0)
		return -ENOTSUP;
	if (fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) < 0)
		return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
	return value[0] == 'y';
}
