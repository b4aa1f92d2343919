/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of stat follow the last ')': a program may put anything into its own name. The cgroup
 * is looked for in the v2 tree first and then in v1's hierarchies, any of which holds all pids. */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

enum { STAT_MAX_BYTES = 4096, PROCS_MAX_BYTES = 1 << 20, DEPTH_MAX = 16 };

int proc_parse_stat(const char *text, size_t len, struct proc_stat *stat)
{
	const char *open = memchr(text, '(', len);
	const char *close = memrchr(text, ')', len);
	struct proc_stat s = { 0 };
	char fields[1024];
	size_t rest;

	if (!open || !close || close <= open)
		return -EBADMSG;
	(void)snprintf(s.comm, sizeof(s.comm), "%.*s", (int)(close - open - 1), open + 1);
	rest = len - (size_t)(close + 1 - text);
	(void)snprintf(fields, sizeof(fields), "%.*s", (int)rest, close + 1);
	if (sscanf(fields,
		   " %c %" SCNd64 " %*d %*d %" SCNd64 " %*d %*u %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64 " %*d %*d %" SCNd64 " %" SCNd64 " %" SCNd64 " %*d %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &s.state, &s.ppid, &s.tty, &s.user_ticks, &s.system_ticks, &s.priority, &s.nice,
		   &s.threads, &s.start_ticks, &s.vsize_bytes, &s.rss_pages) != 11)
		return -EBADMSG;
	*stat = s;
	return 0;
}

struct pids {
	pid_t *pids;
	size_t n, cap;
};

static int add_pid(struct pids *list, pid_t pid)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		pid_t *grown = reallocarray(list->pids, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->pids = grown;
		list->cap = cap;
	}
	list->pids[list->n++] = pid;
	return 0;
}

static int read_procs(int dir_fd, struct pids *list)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(dir_fd, "cgroup.procs", PROCS_MAX_BYTES, &text);
	char *rest = text.data, *line;

	while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
		int64_t pid;

		if (str_int_in(line, 1, INT32_MAX, &pid) == 0)
			r = add_pid(list, (pid_t)pid);
	}
	return r;
}

static int walk(int dir_fd, struct pids *list, int depth)
{
	DIR *dir;
	struct dirent *entry;
	int r = read_procs(dir_fd, list);

	if (r < 0 || depth >= DEPTH_MAX || !(dir = fd_dir(dup(dir_fd))))
		return r;
	while (r == 0 && (entry = readdir(dir))) {
		cleanup_fd int child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			r = walk(child, list, depth + 1);
	}
	closedir(dir);
	return r;
}

int proc_cgroup_pids(const char *cgroup, pid_t **pids, size_t *n)
{
	static const char *const roots[] = { "/sys/fs/cgroup",      "/sys/fs/cgroup/unified",
					     "/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory",
					     "/sys/fs/cgroup/cpu",  "/sys/fs/cgroup/systemd" };
	struct pids list = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		cleanup_free char *path = str_path(roots[i], cgroup);
		cleanup_fd int fd = -1;
		int r;

		if (!path)
			return -ENOMEM;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		list.n = 0;
		r = walk(fd, &list, 0);
		if (r == 0 && list.n) {
			*pids = list.pids;
			*n = list.n;
			return 0;
		}
	}
	free(list.pids);
	return -ENOENT;
}

int proc_dir(pid_t pid, uint64_t start_ticks)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct proc_stat stat;
	char path[24];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fd_read_file(fd, "stat", STAT_MAX_BYTES, &text) < 0 ||
	    proc_parse_stat(text.data, text.len, &stat) < 0 || stat.start_ticks != start_ticks)
		return -ESRCH;
	return steal_fd(&fd);
}
