/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel tells when the container's memory is out: v2 by an event on memory.events, v1 by an eventfd that it is given
 * with memory.oom_control. It tells before it has killed, so what counts is looked at when the container ends; and
 * as a container may run out of memory for as long as it lives, a storm of it is one event a second. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fd.h"
#include "shim.h"
#include "str.h"

enum { STORM_NS = 1000000000 };

static void tell(struct shim *shim)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;

	shim->oom_told_ns = fd_monotonic_ns();
	shim->status.oom_killed = true;
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_OOM;
	journal_write(shim, &event);
	status_publish(shim);
	journal_tell(shim, &event);
}

static bool is_storm(const struct shim *shim)
{
	return shim->oom_told_ns && fd_monotonic_ns() - shim->oom_told_ns < STORM_NS;
}

/* v1 tells the removal of the group as well, and v2 that a limit was only reached. */
static void oom_ready(struct source *src, uint32_t events)
{
	struct shim *shim = container_of(src, struct shim, oom);
	uint64_t kills = cgroup_oom_kills(shim->cgroup), count;

	(void)events;
	if (shim->oom_v1 && read(src->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	if (shim->oom_v1 ? !cgroup_is_there(shim->cgroup) : kills <= shim->oom_kills)
		return;
	shim->oom_kills = kills;
	if (!is_storm(shim))
		tell(shim);
}

static int open_v1(const char *cgroup)
{
	cleanup_free char *path = str_printf("/sys/fs/cgroup/memory/%s/memory.oom_control", cgroup);
	cleanup_free char *control =
		str_printf("/sys/fs/cgroup/memory/%s/cgroup.event_control", cgroup);
	cleanup_fd int oom = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	cleanup_fd int to = control ? open(control, O_WRONLY | O_CLOEXEC) : -1;
	cleanup_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];
	int n = snprintf(text, sizeof(text), "%d %d", fd, oom);

	if (oom < 0 || to < 0 || fd < 0 || write(to, text, (size_t)n) != n)
		return -ENOENT;
	return steal_fd(&fd);
}

static int open_v2(const char *cgroup)
{
	cleanup_free char *path = str_printf("/sys/fs/cgroup/%s/memory.events", cgroup);

	return path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

void oom_adopt(struct shim *shim)
{
	if (shim->status.oom_killed)
		shim->oom_told_ns = 1;
}

void oom_watch(struct shim *shim)
{
	int fd = open_v1(shim->cgroup);

	oom_forget(shim);
	shim->oom_v1 = fd >= 0;
	if (fd < 0)
		fd = open_v2(shim->cgroup);
	if (fd < 0)
		return; /* a kernel without a memory controller */
	shim->oom = (struct source){ .fd = fd, .ready = oom_ready };
	shim->oom_kills = cgroup_oom_kills(shim->cgroup);
	/* v2 is ready until this very descriptor is read, which nobody does: so only changes count. */
	if (loop_add(&shim->loop, &shim->oom, shim->oom_v1 ? EPOLLIN : EPOLLPRI | EPOLLET) < 0)
		oom_forget(shim);
}

void oom_forget(struct shim *shim)
{
	if (shim->oom.fd <= 0)
		return;
	loop_remove(&shim->loop, &shim->oom);
	close(shim->oom.fd);
	shim->oom.fd = -1;
}

bool oom_settle(struct shim *shim, Cleat__Shim__V1__ShimEvent *event)
{
	const bool killed = cgroup_oom_kills(shim->cgroup) > 0;
	const bool is_news = killed && !shim->oom_told_ns;

	oom_forget(shim);
	shim->oom_told_ns = 0;
	shim->status.oom_killed = killed;
	if (!is_news)
		return false;
	cleat__shim__v1__shim_event__init(event);
	event->kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_OOM;
	event->time_ns = shim->status.finished_ns;
	journal_write(shim, event);
	return true;
}
