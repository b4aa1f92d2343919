/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a directory of ext4 takes as long as creating it, and a container has six; one that wrote
 * much may have thousands. */
#include "remains.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cgrouppath.h"
#include "chores.h"
#include "fd.h"
#include "log.h"
#include "quota.h"
#include "str.h"

/* v1 has a directory for each hierarchy below /sys/fs/cgroup, v2 is there itself. */
static void clear_group(const char *name)
{
	DIR *dir = opendir("/sys/fs/cgroup");
	struct dirent *entry;

	if (!dir)
		return;
	(void)unlinkat(dirfd(dir), name, AT_REMOVEDIR);
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", entry->d_name, name);
		(void)unlinkat(dirfd(dir), path, AT_REMOVEDIR);
	}
	closedir(dir);
}

void remains_clear_group(const struct engine *engine)
{
	clear_group(engine->cgroup);
}

int remains_clear(const struct engine *engine, const char *id, struct err *err)
{
	cleanup_free char *oci = str_printf("oci/%s", id);
	cleanup_free char *group = cgrouppath_of(engine, id);
	/* of the two with the limit, the one that the container does not see: it can give its own another number */
	cleanup_free char *work = str_printf("%s/work", id);
	uint32_t project = work ? quota_project(engine->containers_fd, work) : 0;
	int r = oci && group && work ? 0 : -ENOMEM;

	if (r == 0) {
		clear_group(group);
		r = fd_remove_tree(engine->shims_fd, id);
	}
	r = r ? r : fd_remove_tree(engine->run_fd, oci);
	r = r ? r : fd_remove_tree(engine->containers_fd, id);
	if (r == 0)
		quota_forget(engine->containers_fd, project);
	return r < 0 ? err_sys(err, r, "remove the files of container %.12s", id) : 0;
}

static void clear(struct engine *engine, const char *id)
{
	struct err err = ERR_NULL;

	if (remains_clear(engine, id, &err) < 0)
		log_error("%s", err.message);
}

void remains_queue(struct engine *engine, const char *id)
{
	chores_queue(engine, clear, id);
}
