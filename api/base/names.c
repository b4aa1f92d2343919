/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fd.h"
#include "pack.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_deinit(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct names){ 0 };
}

/* The room is the next power of two. */
static int add(struct names *names, const char *name)
{
	if ((names->n & (names->n - 1)) == 0) {
		size_t cap = names->n ? 2 * names->n : 1;
		char **grown = reallocarray(names->v, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->v = grown;
	}
	names->v[names->n] = strdup(name);
	return names->v[names->n] ? (names->n++, 0) : -ENOMEM;
}

int names_read(int dir_fd, struct names *out)
{
	int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(own);
	struct dirent *entry;
	int r = dir ? 0 : -errno;

	while (r == 0 && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add(out, entry->d_name);
	r = r ? r : -errno;
	if (dir)
		closedir(dir);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return r;
}
