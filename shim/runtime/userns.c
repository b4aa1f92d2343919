/* SPDX-License-Identifier: Apache-2.0 */
/* A namespace comes with a process and lives as long as a descriptor of it. Only who is outside may write maps of
 * more than one id, so the process just waits meanwhile. */
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "buf.h"
#include "fd.h"
#include "privs.h"

bool userns_wanted(const struct plan *p)
{
	return p->ns_new & 1u << NS_USER || p->ns_path[NS_USER];
}

uint32_t userns_host_id(const struct plan_idmaps *map, uint32_t id)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct plan_idmap *m = &map->item[i];

		if (id >= m->container && id - m->container < m->size)
			return m->host + (id - m->container);
	}
	return UINT32_MAX;
}

static int write_map(pid_t pid, const char *file, const struct plan_idmaps *m, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[64];
	ssize_t n;

	for (size_t i = 0; i < m->n; i++)
		buf_printf(&text, "%u %u %u\n", m->item[i].container, m->item[i].host,
			   m->item[i].size);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : write(fd, text.data, text.len);
	return n == (ssize_t)text.len ? 0 : err_sys(err, errno, "write %s", file);
}

static int open_of(pid_t pid, struct err *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(err, errno, "open a user namespace");
}

int userns_make(const struct plan_idmaps *uid, const struct plan_idmaps *gid, struct err *err)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t self = getpid(), pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int r;

	if (pid < 0)
		return err_sys(err, errno, "make a user namespace");
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == self)
			pause();
		_exit(1);
	}
	r = write_map(pid, "uid_map", uid, err);
	r = r ? r : write_map(pid, "gid_map", gid, err);
	r = r ? r : open_of(pid, err);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}

int userns_open(const char *path, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	int kind = fd < 0 ? -1 : ioctl(fd, NS_GET_NSTYPE), owner;

	if (kind < 0)
		return err_sys(err, errno, "open namespace %s", path);
	if (kind == CLONE_NEWUSER)
		return steal_fd(&fd);
	owner = ioctl(fd, NS_GET_USERNS);
	return owner >= 0 ? owner : err_sys(err, errno, "find who owns namespace %s", path);
}

int userns_map_mount(int tree, int userns, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (unsigned int)userns };
	unsigned int flags = AT_EMPTY_PATH | (recursive ? (unsigned int)AT_RECURSIVE : 0);

	return mount_setattr(tree, "", flags, &attr, sizeof(attr)) ? -errno : 0;
}

struct told {
	pid_t pid;
	struct err err;
};

/* The one inside; 0 in its child alone. */
static int enter(const struct clone_args *args, int userns, const struct plan_process *process,
		 struct told *told)
{
	struct clone_args inner = *args;
	struct err *err = &told->err;
	int r = privs_oom(process, err);

	inner.flags = (args->flags | CLONE_PARENT) & ~(uint64_t)(CLONE_PIDFD | CLONE_NEWUSER);
	inner.exit_signal = 0;
	privs_raise(process);
	if (!r && setns(userns, CLONE_NEWUSER))
		r = err_sys(err, errno, "join the user namespace");
	if (r)
		return r;
	told->pid = (pid_t)syscall(SYS_clone3, &inner, sizeof(inner));
	if (told->pid < 0)
		return err_sys(err, errno, "make the container's namespaces");
	return told->pid;
}

pid_t userns_clone(const struct clone_args *args, int userns, const struct plan_process *process,
		   struct err *err)
{
	struct told told = { .pid = -1 };
	int ends[2];
	pid_t middle;

	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, errno, "make a pipe");
	middle = fork();
	if (middle == 0) {
		if (!enter(args, userns, process, &told)) {
			/* so that whoever waits for the number hears when the one that knows it was killed */
			close(ends[1]);
			close(ends[0]);
			return 0;
		}
		(void)!write(ends[1], &told, sizeof(told));
		_exit(0);
	}
	close(ends[1]);
	cleanup_fd int from = ends[0];
	if (middle < 0)
		return err_sys(err, errno, "fork");
	if (read(from, &told, sizeof(told)) != sizeof(told))
		err_sys(&told.err, EIO, "make the container's namespaces");
	(void)waitpid(middle, NULL, 0);
	if (told.pid > 0)
		return told.pid;
	if (err)
		*err = told.err;
	return -told.err.sys;
}
