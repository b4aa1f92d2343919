/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory is 0711: others may pass through it, but not list it, and not into what holds files of images and
 * containers. The run directory is 0750: whoever may not enter it cannot reach the socket, whatever its mode. */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fd.h"
#include "store/store.h"
#include "str.h"

static int open_dir(int at, const char *path, mode_t mode, struct err *err)
{
	int r = fd_mkdir_all(at, path, mode);
	int fd = r < 0 ? r : openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && fd < 0)
		r = -errno;
	return r < 0 ? err_sys(err, r, "open directory %s", path) : fd;
}

static char *absolute(const char *path)
{
	return realpath(path, NULL);
}

/* FNV-1a: names the cgroup of this engine's containers after its run directory, so that two engines
 * never share one and a restarted one finds it again. */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

static char *program_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return strdup(path);
}

static int read_boot_id(char out[40], struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text);

	if (r < 0)
		return err_sys(err, r, "read the kernel's boot id");
	(void)snprintf(out, 40, "%.36s", text.data);
	return 0;
}

/* What lies in one container has nothing to do with what lies in the next: ext4 puts such directories in
 * groups of their own (chattr(1), T), else every new inode is searched behind all that were deleted
 * lately in the one group, and making and removing containers at full rate slows down by a fifth. Other
 * file systems refuse the flag. */
static void spread_children(int dir_fd)
{
	int flags = 0;

	if (ioctl(dir_fd, FS_IOC_GETFLAGS, &flags) == 0 && !(flags & FS_TOPDIR_FL)) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(dir_fd, FS_IOC_SETFLAGS, &flags);
	}
}

static int open_dirs(struct engine *engine, const char *state_dir, const char *run_dir,
		     struct err *err)
{
	int r;

	if ((engine->state_fd = open_dir(AT_FDCWD, state_dir, 0711, err)) < 0)
		return engine->state_fd;
	if ((engine->run_fd = open_dir(AT_FDCWD, run_dir, 0750, err)) < 0)
		return engine->run_fd;
	/* Whatever containers put there, their programs that become root are for nobody of the host to execute. Those of an
	 * earlier release are 0711. */
	if ((engine->containers_fd = open_dir(engine->state_fd, "containers", 0700, err)) < 0)
		return engine->containers_fd;
	if (fchmod(engine->containers_fd, 0700) < 0)
		return err_sys(err, errno, "make %s/containers root's own", state_dir);
	spread_children(engine->containers_fd);
	/* The mount point of every container's root, each in a mount namespace of its own: a directory made and removed
	 * for each would cost more than the mount. */
	r = fd_mkdir_all(engine->state_fd, "rootfs", 0755);
	if (r < 0)
		return err_sys(err, r, "make %s/rootfs", state_dir);
	/* A layer of images that have none. */
	r = fd_mkdir_all(engine->state_fd, "empty", 0755);
	if (r < 0)
		return err_sys(err, r, "make %s/empty", state_dir);
	/* Whatever images put there, their devices and programs are for nobody of the host to reach. */
	if ((engine->volumes_fd = open_dir(engine->state_fd, "volumes", 0700, err)) < 0)
		return engine->volumes_fd;
	if ((engine->shims_fd = open_dir(engine->run_fd, "shim", 0711, err)) < 0)
		return engine->shims_fd;
	engine->state_dir = absolute(state_dir);
	engine->run_dir = absolute(run_dir);
	engine->bin_dir = program_dir();
	if (!engine->state_dir || !engine->run_dir || !engine->bin_dir)
		return err_sys(err, ENOMEM, "resolve the engine's directories");
	return 0;
}

int engine_open(struct engine *engine, const char *state_dir, const char *run_dir, struct err *err)
{
	char random[65];
	int r;

	engine->state_fd = engine->run_fd = engine->containers_fd = engine->shims_fd = -1;
	engine->volumes_fd = -1;
	engine->started_ns = fd_realtime_ns();
	str_random_id(random);
	(void)snprintf(engine->instance, sizeof(engine->instance), "%.32s", random);
	r = open_dirs(engine, state_dir, run_dir, err);
	if (r == 0)
		r = read_boot_id(engine->boot_id, err);
	if (r < 0)
		return r;
	(void)snprintf(engine->cgroup, sizeof(engine->cgroup), "cleat-%08x", hash(engine->run_dir));

	cleanup_free char *db = str_path(engine->state_dir, "cleat.db");

	return db ? store_open(&engine->store, db, err) : err_sys(err, ENOMEM, "open the store");
}

void engine_close(struct engine *engine)
{
	engine->store = store_free(engine->store);
	closep(&engine->shims_fd);
	closep(&engine->volumes_fd);
	closep(&engine->containers_fd);
	closep(&engine->run_fd);
	closep(&engine->state_fd);
	free(engine->state_dir);
	free(engine->run_dir);
	free(engine->bin_dir);
	free(engine->config_path);
}
