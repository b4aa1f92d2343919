/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that goes is renamed to a name no volume can have, so that a volume made anew a moment later begins
 * empty however long the files of the old one take. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "chores.h"
#include "engine.h"
#include "fd.h"
#include "log.h"
#include "quota.h"
#include "store/store.h"
#include "str.h"
#include "treesize.h"
#include "volume.h"
#include "volumecheck.h"

enum { NAME_ROOM = 300 };
#define GONE ".gone-"
#define BOOT ".boot"

int volumedir_lock(const struct engine *engine, struct err *err)
{
	int fd = fd_lock_file(engine->volumes_fd, ".lock", true);

	return fd < 0 ? err_sys(err, fd, "lock the volumes") : fd;
}

char *volume_path(const struct engine *engine, const char *name)
{
	return str_printf("%s/volumes/%s/_data", engine->state_dir, name);
}

static void data_of(const char *name, char data[NAME_ROOM])
{
	(void)snprintf(data, NAME_ROOM, "%s/_data", name);
}

/* The whole of the volume is what its limit is about, so that files can be moved into _data. */
static int limit(const struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		 struct err *err)
{
	uint64_t bytes;
	int r = volumecheck_size(request, &bytes);

	if (r < 0 || !bytes || volumecheck_is_mounted(request))
		return r;
	cleanup_fd int dir =
		openat(engine->volumes_fd, request->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? err_sys(err, errno, "open the directory of volume %.80s", request->name)
		       : quota_limit(&dir, 1, bytes, err);
}

int volumedir_ensure(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		     struct err *err)
{
	char data[NAME_ROOM];
	int r = mkdirat(engine->volumes_fd, request->name, 0701) < 0 && errno != EEXIST ? -errno
											: 0;

	data_of(request->name, data);
	/* what an engine that was killed has begun may have its limit or not */
	if (r == 0 && faccessat(engine->volumes_fd, data, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    quota_project(engine->volumes_fd, request->name) == 0 &&
	    (r = limit(engine, request, err)) < 0) {
		volumedir_discard(engine, request->name);
		return r;
	}
	if (r == 0)
		r = mkdirat(engine->volumes_fd, data, 0755) < 0 && errno != EEXIST ? -errno : 0;
	return r < 0 ? err_sys(err, r, "make the directory of volume %.80s", request->name) : 0;
}

int volumedir_make(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		   struct err *err)
{
	volumedir_discard(engine, request->name);
	return volumedir_ensure(engine, request, err);
}

static void clear(struct engine *engine, const char *name)
{
	uint32_t project = quota_project(engine->volumes_fd, name);
	int r = fd_remove_tree(engine->volumes_fd, name);

	if (r < 0 && r != -ENOENT)
		log_error("cannot remove the files of a volume name=%s: %s", name, strerror(-r));
	else
		quota_forget(engine->volumes_fd, project);
}

void volumedir_discard(struct engine *engine, const char *name)
{
	char random[65], gone[NAME_ROOM];

	str_random_id(random);
	(void)snprintf(gone, sizeof(gone), GONE "%.32s", random);
	if (renameat(engine->volumes_fd, name, engine->volumes_fd, gone) == 0)
		chores_queue(engine, clear, gone);
	else if (errno != ENOENT)
		log_error("cannot remove the directory of a volume name=%s: %s", name,
			  strerror(errno));
}

int volume_size(const struct engine *engine, const char *name, uint64_t *bytes)
{
	char data[NAME_ROOM];

	data_of(name, data);
	int fd = openat(engine->volumes_fd, data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : treesize(fd, bytes);
}

static int note(const struct store_row *row, void *ctx)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

/* In doubt it stays. */
static bool has_row(const struct engine *engine, const char *name)
{
	bool found = false;
	int r = store_query(engine->store, NULL, note, &found,
			    "SELECT 1 FROM volumes WHERE name = ?", "s", name);

	return r < 0 || found;
}

/* Whether this engine's boot is that of the last sweep: then the store has lost nothing. */
static bool swept_this_boot(const struct engine *engine)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	return fd_read_file(engine->volumes_fd, BOOT, sizeof(engine->boot_id), &text) == 0 &&
	       str_equal(text.data, engine->boot_id);
}

static bool has_files(const struct engine *engine, const char *name)
{
	cleanup_free char *path = volume_path(engine, name);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir)
		closedir(dir);
	return found;
}

/* Its labels are lost. One whose name is a random one was anonymous. */
static void adopt(struct engine *engine, const char *name)
{
	Cleat__V1__CreateVolumeRequest request = CLEAT__V1__CREATE_VOLUME_REQUEST__INIT;
	struct err err = ERR_NULL;

	request.name = (char *)(uintptr_t)name;
	if (volume_insert(engine, &request, str_is_id(name), &err) < 0)
		log_error("%s", err.message);
	else
		log_warn("a volume that the store had lost is back name=%s", name);
}

static void sweep_one(struct engine *engine, const char *name, bool lost_nothing)
{
	if (str_has_prefix(name, GONE))
		chores_queue(engine, clear, name);
	else if (name[0] == '.' || has_row(engine, name))
		return;
	else if (!lost_nothing && str_is_name(name) && has_files(engine, name))
		adopt(engine, name);
	else
		volumedir_discard(engine, name);
}

static bool sweep(struct engine *engine, bool lost_nothing)
{
	cleanup_fd int lock = volumedir_lock(engine, NULL);
	int fd =
		lock < 0 ? -1 : openat(engine->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		sweep_one(engine, entry->d_name, lost_nothing);
	closedir(dir);
	return true;
}

void volume_recover(struct engine *engine)
{
	if (!swept_this_boot(engine) && sweep(engine, false))
		(void)!fd_replace_file(engine->volumes_fd, BOOT, engine->boot_id,
				       strlen(engine->boot_id), 0600, false);
}

void volume_sweep(struct engine *engine)
{
	(void)sweep(engine, swept_this_boot(engine));
}
