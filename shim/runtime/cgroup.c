/* SPDX-License-Identifier: Apache-2.0 */
/* What both versions share: directories are made and removed below one descriptor of the cgroup
 * mount point, and a process enters through files opened before, so that nobody's pid is written.
 * Which version it is follows from the file system type at /sys/fs/cgroup; the hybrid layout, where
 * v2 is mounted beside v1 without controllers, counts as v1. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "fd.h"
#include "str.h"

enum {
	DELETE_TRIES = 200,
	DELETE_PAUSE_NS = 10000000,
	DEPTH_MAX = 32,
	PROCS_MAX = 1 << 22,
	MOVE_PASSES = 100
};

int cgroup_open(struct cgroup *cg, const char *path, struct err *err)
{
	struct statfs fs;
	int r;

	cg->n = 0;
	path += strspn(path, "/");
	if (!*path || strlen(path) >= sizeof(cg->path) || strstr(path, ".."))
		return err_set(err, ERR_INVALID, "cgroup path \"%.80s\" is not usable", path);
	memcpy(cg->path, path, strlen(path) + 1);
	cg->root_fd = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cg->root_fd < 0 || fstatfs(cg->root_fd, &fs))
		return err_sys(err, errno, "open /sys/fs/cgroup");
	cg->ops = fs.f_type == CGROUP2_SUPER_MAGIC ? &cgroup_v2_ops : &cgroup_v1_ops;
	r = cg->ops->discover(cg, err);
	if (r)
		cgroup_close(cg);
	return r;
}

void cgroup_close(struct cgroup *cg)
{
	closep(&cg->root_fd);
	cg->root_fd = -1;
}

static void file_path(const struct cgroup *cg, const char *hierarchy, const char *file,
		      char out[CGROUP_PATH_MAX + 128])
{
	(void)snprintf(out, CGROUP_PATH_MAX + 128, "%s%s%s%s%s", hierarchy, *hierarchy ? "/" : "",
		       cg->path, *file ? "/" : "", file);
}

int cgroup_write(const struct cgroup *cg, const char *hierarchy, const char *file, const char *text,
		 struct err *err)
{
	char path[CGROUP_PATH_MAX + 128];
	size_t len = strlen(text);

	file_path(cg, hierarchy, file, path);
	cleanup_fd int fd = openat(cg->root_fd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open %s of the cgroup", file);
	if (write(fd, text, len) != (ssize_t)len)
		return err_sys(err, errno, "write \"%.60s\" to %s of the cgroup", text, file);
	return 0;
}

int cgroup_read(const struct cgroup *cg, const char *hierarchy, const char *file, int64_t *value)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[CGROUP_PATH_MAX + 128];
	int r;

	file_path(cg, hierarchy, file, path);
	r = fd_read_file(cg->root_fd, path, 4096, &text);
	if (r < 0)
		return r;
	*value = str_has_prefix(text.data, "max") ? INT64_MAX : strtoll(text.data, NULL, 10);
	return 0;
}

static bool exists(const struct cgroup *cg, const char *hierarchy, const char *file)
{
	char path[CGROUP_PATH_MAX + 128];

	file_path(cg, hierarchy, file, path);
	return faccessat(cg->root_fd, path, F_OK, 0) == 0;
}

bool cgroup_has(const struct cgroup *cg, const char *hierarchy)
{
	return exists(cg, hierarchy, "");
}

bool cgroup_has_file(const struct cgroup *cg, const char *file)
{
	return exists(cg, "", file);
}

/* Whoever mounts it in a cgroup namespace, maybe not as the host's root, has to get there (older kernels
 * look). */
static int make_dir(const struct cgroup *cg, const char *hierarchy, struct err *err)
{
	char path[CGROUP_PATH_MAX + 128];
	mode_t mask = umask(022);
	int r;

	file_path(cg, hierarchy, "", path);
	r = mkdirat(cg->root_fd, path, 0755) ? -errno : 0;
	r = r == -ENOENT ? fd_mkdir_all(cg->root_fd, path, 0755) : r;
	(void)umask(mask);
	r = r == -EEXIST ? 0 : r;
	return r ? err_sys(err, r, "make cgroup %s", path) : 0;
}

static bool wants_cpuset(const struct plan_resources *res)
{
	return str_or_empty(res->cpus)[0] || str_or_empty(res->mems)[0];
}

/* Whether the group above has fewer processors or memory nodes than the root. */
static bool above_is_confined(const struct cgroup *cg)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	const char *end = strrchr(cg->path, '/');

	for (size_t i = 0; end && i < ARRAY_LEN(files); i++) {
		cleanup(buf_deinit) struct buf all = BUF_NULL, above = BUF_NULL;
		char root[64], path[CGROUP_PATH_MAX + 64];

		(void)snprintf(root, sizeof(root), "cpuset/%s", files[i]);
		(void)snprintf(path, sizeof(path), "cpuset/%.*s/%s", (int)(end - cg->path),
			       cg->path, files[i]);
		if (fd_read_file(cg->root_fd, path, 65536, &above) == 0 && above.len > 1 &&
		    fd_read_file(cg->root_fd, root, 65536, &all) == 0 &&
		    strcmp(above.data, all.data) != 0)
			return true;
	}
	return false;
}

int cgroup_create(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < cg->n; i++) {
		/* Without a limit the caller's cpuset goes on to apply: no need for one more, unless the
		 * group above has one. */
		if (!strcmp(cg->names[i], "cpuset") && !wants_cpuset(res) && !above_is_confined(cg))
			continue;
		r = make_dir(cg, cg->names[i], err);
	}
	r = r ? r : cg->ops->limit(cg, res, err);
	if (r)
		(void)!cgroup_delete(cg, NULL);
	return r;
}

int cgroup_entries(const struct cgroup *cg, int *fds, size_t *n, struct err *err)
{
	*n = 0;
	for (size_t i = 0; i < cg->n; i++) {
		char path[CGROUP_PATH_MAX + 128];

		file_path(cg, cg->names[i], cg->ops->entry, path);
		fds[*n] = openat(cg->root_fd, path, O_WRONLY | O_CLOEXEC);
		if (fds[*n] >= 0)
			(*n)++;
		else if (errno != ENOENT)
			return err_sys(err, errno, "open cgroup %s", path);
	}
	return 0;
}

int cgroup_enter(const int *fds, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (write(fds[i], "0", 1) != 1)
			return err_sys(err, errno, "enter the cgroup");
	return 0;
}

int cgroup_dir(const struct cgroup *cg, struct err *err)
{
	int fd = openat(cg->root_fd, cg->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, errno, "open cgroup %s", cg->path);
}

static int list_pids(const struct cgroup *cg, const char *hierarchy, pid_t **pids, size_t *n,
		     struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[CGROUP_PATH_MAX + 128];
	size_t lines = 0;
	int r;

	*n = 0;
	*pids = NULL;
	file_path(cg, hierarchy, "cgroup.procs", path);
	r = fd_read_file(cg->root_fd, path, PROCS_MAX, &text);
	if (r == -ENOENT || (!r && !text.len))
		return 0;
	if (r)
		return err_sys(err, r, "read cgroup %s", path);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	*pids = calloc(lines + 1, sizeof(**pids));
	if (!*pids)
		return err_sys(err, ENOMEM, "list processes");
	for (char *p = text.data, *end; *n < lines; p = end + 1) {
		(*pids)[(*n)++] = (pid_t)strtol(p, &end, 10);
		if (*end != '\n')
			break;
	}
	return 0;
}

int cgroup_pids(const struct cgroup *cg, pid_t **pids, size_t *n, struct err *err)
{
	return list_pids(cg, cg->ops->procs_in, pids, n, err);
}

static bool has_pid(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* One pass: who is not there yet goes there. *moved counts them. */
static int move_rest(const struct cgroup *cg, const char *hierarchy, size_t *moved, struct err *err)
{
	cleanup_free pid_t *all = NULL, *there = NULL;
	size_t n = 0, n_there = 0;
	int r = cgroup_pids(cg, &all, &n, err);

	r = r ? r : list_pids(cg, hierarchy, &there, &n_there, err);
	for (size_t i = 0; !r && i < n; i++) {
		char text[16];

		if (has_pid(there, n_there, all[i]))
			continue;
		(void)snprintf(text, sizeof(text), "%d", all[i]);
		r = cgroup_write(cg, hierarchy, "cgroup.procs", text, err);
		r = r == -ESRCH ? 0 : r; /* it has ended */
		(*moved)++;
	}
	return r;
}

/* Into a hierarchy whose directory is new. Who is forked meanwhile by one that was not moved yet is found in
 * the next pass. */
static int move_all(const struct cgroup *cg, const char *hierarchy, struct err *err)
{
	for (int pass = 0; pass < MOVE_PASSES; pass++) {
		size_t moved = 0;
		int r = move_rest(cg, hierarchy, &moved, err);

		if (r || !moved)
			return r;
	}
	return err_set(err, ERR_UNAVAILABLE, "the container makes processes too fast");
}

int cgroup_update(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	bool adopt = false;
	int r = 0;

	for (size_t i = 0; !r && i < cg->n; i++)
		if (!strcmp(cg->names[i], "cpuset") && wants_cpuset(res) &&
		    !cgroup_has(cg, "cpuset")) {
			r = make_dir(cg, "cpuset", err);
			adopt = true;
		}
	r = r ? r : cg->ops->limit(cg, res, err);
	return r || !adopt ? r : move_all(cg, "cpuset", err);
}

int cgroup_kill(const struct cgroup *cg, int sig, struct err *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t n = 0;
	int r = cgroup_pids(cg, &pids, &n, err);

	for (size_t i = 0; !r && i < n; i++)
		if (pids[i] > 0 && kill(pids[i], sig) && errno != ESRCH)
			r = err_sys(err, errno, "signal process %d", (int)pids[i]);
	return r;
}

int cgroup_freeze(struct cgroup *cg, bool frozen, struct err *err)
{
	return cg->ops->freeze(cg, frozen, err);
}

/* Removes nested directories first; a cgroup's files go with it. */
static int remove_dir(int at, const char *name, int depth)
{
	int r, fd;
	DIR *dir;

	if (!unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	r = -errno;
	if (depth >= DEPTH_MAX)
		return r;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd_dir(fd);
	if (!dir)
		return r;
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			(void)remove_dir(fd, e->d_name, depth + 1);
	(void)closedir(dir);
	return !unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT ? 0 : -errno;
}

int cgroup_delete(struct cgroup *cg, struct err *err)
{
	static const struct timespec pause = { 0, DELETE_PAUSE_NS };

	for (size_t i = 0; i < cg->n; i++) {
		char path[CGROUP_PATH_MAX + 128];
		int r;

		file_path(cg, cg->names[i], "", path);
		for (int try = 0; (r = remove_dir(cg->root_fd, path, 0)) == -EBUSY; try++) {
			if (try == DELETE_TRIES)
				break;
			(void)nanosleep(&pause, NULL);
		}
		if (r)
			return err_sys(err, r, "remove cgroup %s", path);
	}
	return 0;
}
