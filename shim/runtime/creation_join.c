/* SPDX-License-Identifier: Apache-2.0 */
/* A container in the pid namespace of another one is built by a process outside of it. Another one is born into it
 * (birth.c), waits until it is recorded and the builder gone, and goes on as any container's first process does. To
 * hooks before that the builder is the container's process: it is in all of its other namespaces. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "birth.h"
#include "creation.h"
#include "fd.h"

struct newborn {
	struct creation *c;
	struct init_args init;
};

static void be_born(const void *ctx)
{
	const struct newborn *n = ctx;
	struct init_args init = n->init;

	n->c->state.pid = (pid_t)syscall(SYS_getpid);
	if (init.hooks)
		init.state = state_json(&n->c->state, STATUS_CREATED);
	init_main(&init);
}

/* The container is built, by a process that is outside of the pid namespace: here is who takes its place. */
static int take_place(struct creation *c, int *entries, size_t n_entries, struct outcome *out,
		      struct err *err)
{
	struct newborn n = { .c = c, .init = creation_init(c) };
	const struct launch l = init_launch(&n.init);
	int keep[CGROUP_HIERARCHIES_MAX + 2] = { c->fifo, c->go }, pair[2], r;
	struct birth b = { .plan = &c->bundle.plan,
			   .launch = &l,
			   .target = c->pidfd,
			   .pidns = c->ns_fd[NS_PID],
			   .console = c->console,
			   .bind = true,
			   .keep = keep,
			   .n_keep = n_entries + 2,
			   .child = be_born,
			   .ctx = &n };
	pid_t pid;
	int pidfd;

	memcpy(keep + 2, entries, n_entries * sizeof(*entries));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");

	const int builders[] = { c->sock, c->pidfd };

	c->sock = b.parents = pair[0];
	n.init.sock = b.sock = pair[1];
	n.init.part = INIT_BORN;
	n.init.entries = entries;
	n.init.n_entries = n_entries;
	n.init.hooks = c->bundle.plan.hooks[HOOK_START_CONTAINER].n;
	c->pidfd = -1;
	r = birth_give(&b, &pid, &pidfd, out, err);
	if (!r) {
		/* it counts in the container's cgroup, so the program begins when it is gone */
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
		c->pid = pid;
		c->pidfd = pidfd;
	}
	close(builders[0]);
	close(builders[1]);
	return r;
}

int creation_let_in(struct creation *c, struct outcome *out, struct err *err)
{
	int entries[CGROUP_HIERARCHIES_MAX];
	size_t n = 0;
	int r = cgroup_entries(&c->cgroup, entries, &n, err);

	out->stage = "namespaces";
	r = r ? r : take_place(c, entries, n, out, err);
	for (size_t i = 0; i < n; i++)
		close(entries[i]);
	out->stage = r ? out->stage : "state";
	r = r ? r : creation_record(c, err);
	r = r ? r : sync_send(c->sock, SYNC_GO, NULL, 0, err);
	r = r ? r : container_handshake(c->sock, out, err);
	return r < 0 ? r : 0;
}
