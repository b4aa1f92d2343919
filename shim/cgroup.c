/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime makes the group, under the same path in every hierarchy of cgroup v1 or in the one of v2.
 * The shim freezes it, reads its OOM counter and removes it: plain files, no state. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "shim.h"
#include "str.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* KILL_PASSES: one may fork while it is looked for */
enum { KILL_WAIT_MS = 200, KILL_PASSES = 4 };

static int write_file(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_freeze(const char *path, bool frozen)
{
	cleanup_free char *v1 = str_printf(CGROUP_ROOT "/freezer/%s/freezer.state", path);
	cleanup_free char *v2 = str_printf(CGROUP_ROOT "/%s/cgroup.freeze", path);
	int r;

	if (!v1 || !v2)
		return -ENOMEM;
	r = write_file(v1, frozen ? "FROZEN" : "THAWED");
	return r == -ENOENT ? write_file(v2, frozen ? "1" : "0") : r;
}

/* The number behind `key` in a file of "key number" lines. */
static uint64_t counter(const char *path, const char *key)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	const char *at;

	if (!path || fd_read_file(AT_FDCWD, path, 4096, &b) < 0)
		return 0;
	at = strstr(b.data, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

uint64_t cgroup_oom_kills(const char *path)
{
	cleanup_free char *v1 = str_printf(CGROUP_ROOT "/memory/%s/memory.oom_control", path);
	cleanup_free char *v2 = str_printf(CGROUP_ROOT "/%s/memory.events", path);
	uint64_t kills = counter(v1, "oom_kill ");

	return kills ? kills : counter(v2, "oom_kill ");
}

bool cgroup_is_there(const char *path)
{
	cleanup_free char *v1 = str_printf(CGROUP_ROOT "/memory/%s", path);

	return v1 && access(v1, F_OK) == 0;
}

/* v1 throttles who writes, which from now on is the shim; v2 whose it was. */
void cgroup_unthrottle(const char *path)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup_free char *file = str_printf(CGROUP_ROOT "/%s/io.max", path);
	char *save = NULL;

	if (!file || fd_read_file(AT_FDCWD, file, 65536, &b) < 0)
		return;
	for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cleanup_free char *text = str_printf("%.*s rbps=max wbps=max riops=max wiops=max",
						     (int)strcspn(line, " "), line);

		if (text)
			(void)!write_file(file, text);
	}
}

static int each_member(int dir_fd, const char *file, void (*visit)(void *ctx, pid_t pid), void *ctx)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	char *save = NULL;
	int r = fd_read_file(dir_fd, file, 1 << 20, &b);

	if (r < 0 || b.len == 0)
		return r;
	for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t pid;

		if (str_u64(line, &pid) == 0 && pid > 0)
			visit(ctx, (pid_t)pid);
	}
	return 0;
}

struct hunt {
	uint64_t pipe;
	unsigned found;
};

static bool writes_to(pid_t pid, uint64_t pipe)
{
	char path[40], target[40], wanted[40];

	(void)snprintf(wanted, sizeof(wanted), "pipe:[%" PRIu64 "]", pipe);
	for (int fd = 1; fd <= 2; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, wanted) == 0)
			return true;
	}
	return false;
}

static void kill_if_piped(void *ctx, pid_t pid)
{
	struct hunt *hunt = ctx;

	if (!writes_to(pid, hunt->pipe))
		return;
	hunt->found++;
	/* its group first: what it began may have other streams */
	if (getpgid(pid) == pid)
		kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

void cgroup_kill_piped(const char *path, uint64_t pipe)
{
	cleanup_free char *v1 = str_printf(CGROUP_ROOT "/freezer/%s/cgroup.procs", path);
	cleanup_free char *v2 = str_printf(CGROUP_ROOT "/%s/cgroup.procs", path);
	struct hunt hunt = { .pipe = pipe, .found = 1 };

	for (int i = 0; i < KILL_PASSES && hunt.found && pipe && v1 && v2; i++) {
		hunt.found = 0;
		if (each_member(AT_FDCWD, v1, kill_if_piped, &hunt) == -ENOENT)
			(void)!each_member(AT_FDCWD, v2, kill_if_piped, &hunt);
	}
}

static void kill_one(void *ctx, pid_t pid)
{
	(void)ctx;
	kill(pid, SIGKILL);
}

/* Removes `name` below the hierarchy, its own sub-groups (made by a container that was given the
 * controllers) first. */
static void remove_group(int hierarchy_fd, const char *name, int depth)
{
	int fd;
	DIR *dir;
	struct dirent *entry;

	if (unlinkat(hierarchy_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT || depth > 16)
		return;
	fd = openat(hierarchy_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd_dir(fd);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			remove_group(fd, entry->d_name, depth + 1);
	/* What is killed takes a moment to leave, and one may have forked meanwhile. */
	for (int i = 0; i < KILL_WAIT_MS; i++) {
		(void)!each_member(fd, "cgroup.procs", kill_one, NULL);
		if (unlinkat(hierarchy_fd, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			break;
		usleep(1000);
	}
	closedir(dir);
}

void cgroup_remove(const char *path)
{
	int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(root);
	struct dirent *entry;

	if (!dir)
		return;
	while (*path == '/')
		path++;
	remove_group(root, path, 0);
	while ((entry = readdir(dir))) {
		int hierarchy;

		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
			continue;
		hierarchy = openat(root, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (hierarchy < 0)
			continue;
		remove_group(hierarchy, path, 0);
		close(hierarchy);
	}
	closedir(dir);
}
