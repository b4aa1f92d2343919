/* SPDX-License-Identifier: Apache-2.0 */
/* A shim that was killed leaves a running container behind, whose init now belongs to init or a
 * subreaper. The successor knows it by pid and start time, watches it through a pidfd (pidfd_open(2)) and
 * learns its exit status from PIDFD_GET_INFO, which tells it even after somebody else has reaped it
 * (kernel 6.15 on), or from /proc/PID/stat while it is a zombie. An engine that ran meanwhile has kept a
 * pidfd and the streams (keep.c); then not even an end between two shims is missed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "shim.h"

/* linux/pidfd.h of 6.15; older headers lack it. */
struct pidfd_exit_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};

#define PIDFD_WANT_EXIT  UINT64_C(8)
#define PIDFD_INFO_IOCTL _IOWR(0xFF, 11, struct pidfd_exit_info)

/* -1 = unknown */
static int exit_status_of(int pidfd, pid_t pid)
{
	struct pidfd_exit_info info = { .mask = PIDFD_WANT_EXIT };
	struct proc_stat stat;

	if (ioctl(pidfd, PIDFD_INFO_IOCTL, &info) == 0 && (info.mask & PIDFD_WANT_EXIT))
		return info.exit_code;
	if (proc_read_stat(pid, &stat) == 0 && stat.state == 'Z')
		return stat.exit_status;
	/* Reaped between the two. */
	info.mask = PIDFD_WANT_EXIT;
	if (ioctl(pidfd, PIDFD_INFO_IOCTL, &info) == 0 && (info.mask & PIDFD_WANT_EXIT))
		return info.exit_code;
	return -1;
}

int adopt_wait_status(int pidfd, pid_t pid)
{
	int status = exit_status_of(pidfd, pid);

	if (status >= 0)
		return status;
	log_warn("exit status unknown pid=%d", pid);
	return 255 << 8;
}

static void orphan_ready(struct source *src, uint32_t events)
{
	struct shim *shim = container_of(src, struct shim, orphan);
	int status = adopt_wait_status(src->fd, shim->status.pid);

	(void)events;
	loop_remove(&shim->loop, src);
	close(src->fd);
	src->fd = -1;
	life_exited(shim, status);
}

static int watch(struct shim *shim, int pidfd)
{
	shim->orphan = (struct source){ .fd = pidfd, .ready = orphan_ready };
	return pidfd < 0 ? -errno : loop_add(&shim->loop, &shim->orphan, EPOLLIN);
}

/* It ended while nobody watched, and its pid is gone or another's. */
static void ended_unseen(struct shim *shim)
{
	log_warn("container ended unseen id=%.12s", shim->id);
	life_exited(shim, 255 << 8);
}

/* The last shim was killed while the runtime was at work: nobody was told of a start. */
static void clear_half_start(struct shim *shim)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", shim->oci_root, shim->id);
	if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
		life_clear(shim);
}

int adopt(struct shim *shim)
{
	Cleat__Shim__V1__ShimStatus *s = &shim->status;
	struct proc_stat stat;
	int pidfd = shim->orphan.fd, r;

	probe_adopt(shim);
	switch (s->state) {
	case CLEAT__SHIM__V1__STATE__RUNNING:
		shim->state = ST_RUNNING;
		break;
	case CLEAT__SHIM__V1__STATE__PAUSED:
		shim->state = ST_PAUSED;
		break;
	case CLEAT__SHIM__V1__STATE__RESTARTING:
		shim->state = ST_RESTARTING;
		shim->delay_ms = shim->policy.delay_ms;
		loop_timer(&shim->loop, &shim->delay_timer, 0);
		return 0;
	default:
		shim->state = s->started_ns ? ST_EXITED : ST_CREATED;
		clear_half_start(shim);
		return 0;
	}
	names_open(shim);
	/* Without an engine's help a terminal is lost, and stdin is open even if it was not. */
	if (!shim->spec->tty && shim->io.out[0].src.fd < 0) {
		r = io_open_fifos(shim);
		if (r < 0)
			return r;
	}
	if (pidfd < 0 &&
	    (proc_read_stat(s->pid, &stat) < 0 || stat.start_ticks != s->pid_start_ticks)) {
		ended_unseen(shim);
		return 0;
	}
	r = watch(shim, pidfd < 0 ? pidfd_open(s->pid, 0) : pidfd);
	if (r < 0)
		return r;
	probe_watch(shim);
	status_publish(shim);
	oom_adopt(shim);
	life_watch(shim);
	return 1;
}
