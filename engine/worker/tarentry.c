/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "jobs.h"

enum { NS_PER_S = 1000000000 };

mode_t tarentry_mode(const struct tar_entry *e)
{
	switch (e->type) {
	case TAR_FILE:
		return S_IFREG | e->mode;
	case TAR_SYMLINK:
		return S_IFLNK | 0777;
	case TAR_CHAR:
		return S_IFCHR | e->mode;
	case TAR_BLOCKDEV:
		return S_IFBLK | e->mode;
	case TAR_DIR:
		return S_IFDIR | e->mode;
	case TAR_FIFO:
		return S_IFIFO | e->mode;
	case TAR_HARDLINK:
		break;
	}
	return 0;
}

struct timespec tarentry_time(const struct tar_entry *e)
{
	if (e->mtime_s < 0 || e->mtime_s >= INT64_MAX / NS_PER_S)
		return (struct timespec){ 0, 0 };
	return (struct timespec){ e->mtime_s, e->mtime_ns };
}
