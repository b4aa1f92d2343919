/* SPDX-License-Identifier: Apache-2.0 */
#include "treesize.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "pack.h"

enum { DEPTH_MAX = 255 };

struct sum {
	struct links seen;
	uint64_t bytes;
};

/* Directories of the file system itself are not counted, as with Docker. */
static int add_file(struct sum *sum, const struct stat *st)
{
	static const char name[] = "";
	const char *first = st->st_nlink > 1 ? links_first(&sum->seen, st, name) : name;

	if (!first)
		return -ENOMEM;
	sum->bytes += first == name && S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	return 0;
}

/* Consumes the descriptor. */
static int walk(struct sum *sum, int fd, int depth)
{
	DIR *dir = fd_dir(fd);
	struct dirent *entry;
	struct stat st;
	int r = dir ? 0 : -errno;

	while (r == 0 && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		int below = S_ISDIR(st.st_mode) && depth < DEPTH_MAX
				    ? openat(fd, entry->d_name,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				    : -1;

		r = below >= 0 ? walk(sum, below, depth + 1) : add_file(sum, &st);
	}
	if (dir)
		closedir(dir);
	return r;
}

int treesize(int fd, uint64_t *bytes)
{
	struct sum sum = { .bytes = 0 };
	int r = walk(&sum, fd, 0);

	links_deinit(&sum.seen);
	*bytes = sum.bytes;
	return r;
}
