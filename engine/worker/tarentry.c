/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "jobs.h"

enum { NS_PER_S = 1000000000, XATTRS_BYTES_MAX = 64 << 10, XATTR_NAME_BYTES = 255 };

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

/* What the kernel would take as a file's capabilities: versions 2 and 3 (linux/capability.h). */
static bool is_capability(const struct tar_xattr *x)
{
	const unsigned char *v = x->value;

	return (x->len == 20 && v[3] == 2) || (x->len == 24 && v[3] == 3);
}

static int check_xattrs(const struct tar_entry *e, struct err *err)
{
	size_t bytes = 0;

	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (!attributes_keep(x->name))
			continue;
		bytes += strlen(x->name) + x->len + 8;
		if (strlen(x->name) > XATTR_NAME_BYTES || bytes > XATTRS_BYTES_MAX)
			return err_set(err, ERR_INVALID, "extended attributes that are too long");
		if (!strcmp(x->name, "security.capability") && !is_capability(x))
			return err_set(err, ERR_INVALID, "capabilities that cannot be read");
	}
	return 0;
}

int tarentry_check(const struct tar_entry *e, struct err *err)
{
	if (e->type == TAR_HARDLINK)
		return 0;
	if (!tarentry_mode(e))
		return err_set(err, ERR_INVALID, "a type of file no layer can have");
	if (e->type == TAR_SYMLINK && (!e->link || strlen(e->link) > JOB_PATH_MAX))
		return err_set(err, ERR_INVALID, "a symbolic link to %s",
			       e->link ? "a name that is too long" : "nothing");
	return check_xattrs(e, err);
}

int tarentry_is_root(struct err *err)
{
	return err_set(err, ERR_INVALID, "an entry without a name that is no directory");
}
