/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "str.h"

enum { DIGITS = 20 };

void segment_name(uint64_t first, char out[SEGMENT_NAME_MAX])
{
	(void)snprintf(out, SEGMENT_NAME_MAX, "%020" PRIu64 ".ev", first);
}

static bool parse_name(const char *name, uint64_t *first)
{
	char digits[DIGITS + 1] = { 0 };

	if (strlen(name) != DIGITS + 3 || !str_has_suffix(name, ".ev"))
		return false;
	memcpy(digits, name, DIGITS);
	return str_u64(digits, first) == 0;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

int segment_list_of(DIR *dir, uint64_t **out, size_t *n)
{
	cleanup_free uint64_t *list = NULL;
	struct dirent *entry;
	uint64_t first;
	int r = 0;

	*n = 0;
	rewinddir(dir);
	while (r == 0 && (entry = readdir(dir))) {
		uint64_t *grown;

		if (!parse_name(entry->d_name, &first))
			continue;
		grown = realloc(list, (*n + 1) * sizeof(*list));
		if (!grown) {
			r = -ENOMEM;
			break;
		}
		list = grown;
		list[(*n)++] = first;
	}
	if (r < 0)
		return r;
	if (*n)
		qsort(list, *n, sizeof(*list), ascending);
	*out = steal(&list);
	return 0;
}

int segment_list(int dir_fd, uint64_t **out, size_t *n)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	int r = dir ? segment_list_of(dir, out, n) : -errno;

	if (dir)
		closedir(dir);
	return r;
}
