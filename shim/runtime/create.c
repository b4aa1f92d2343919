/* SPDX-License-Identifier: Apache-2.0 */
/* create and run, the parent's side. The child is cloned before the cgroup is made, because both
 * take about a millisecond and need not wait for each other (not so on v2, where the child is born
 * inside). The cgroup's files reach it with the word to go on. In a pid namespace that is joined it is
 * another child that becomes the container: birth.c. Whatever fails, the child is killed and everything
 * made so far removed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "console.h"
#include "creation.h"
#include "fd.h"
#include "hooks.h"
#include "str.h"
#include "userns.h"

static void close_all(struct creation *c)
{
	int *fds[] = { &c->dir,   &c->sock,  &c->child_sock, &c->console,
		       &c->relay, &c->pidfd, &c->fifo,       &c->go };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		closep(fds[i]);
		*fds[i] = -1;
	}
	for (size_t i = 0; i < NS_COUNT; i++)
		closep(&c->ns_fd[i]);
	outside_close(&c->outside);
	cgroup_close(&c->cgroup);
	bundle_unload(&c->bundle);
}

/* Takes back what was made; also the regular end of a container in the foreground. */
static void undo(struct creation *c)
{
	if (c->made_cgroup) {
		if (!(c->bundle.plan.ns_new & 1u << NS_PID))
			(void)!cgroup_kill(&c->cgroup, SIGKILL, NULL);
		(void)!cgroup_delete(&c->cgroup, NULL);
	}
	if (c->made_state)
		(void)!state_remove(c->o->root, c->o->id, NULL);
}

static int check(const struct creation *c, struct err *err)
{
	const struct plan *p = &c->bundle.plan;

	if (!p->has_process)
		return err_set(err, ERR_INVALID, "config.json: process: is missing");
	if (p->process.terminal && !c->o->console_socket && (!c->run || c->o->detach))
		return err_set(err, ERR_INVALID, "a detached terminal needs --console-socket");
	if (!p->process.terminal && c->o->console_socket)
		return err_set(err, ERR_INVALID, "--console-socket without process.terminal");
	return 0;
}

static bool is_hosts(int ns, const char *file)
{
	char path[32];
	struct stat joined, own;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	return fstat(ns, &joined) < 0 || stat(path, &own) < 0 ||
	       (joined.st_dev == own.st_dev && joined.st_ino == own.st_ino);
}

/* A namespace that is joined may be the host's. */
static int check_joined(const struct creation *c, struct err *err)
{
	const struct plan *p = &c->bundle.plan;

	for (size_t i = 0; i < p->n_sysctl; i++) {
		enum plan_ns kind = plan_sysctl_ns(p->sysctl[i].key);

		if (c->ns_fd[kind] >= 0 && is_hosts(c->ns_fd[kind], plan_ns_kinds[kind].file))
			return err_set(err, ERR_INVALID,
				       "config.json: linux.sysctl: %.80s is not allowed in the "
				       "host's namespace",
				       p->sysctl[i].key);
	}
	return 0;
}

static int open_namespaces(struct creation *c, struct err *err)
{
	const struct plan *p = &c->bundle.plan;
	int r;

	for (size_t k = 0; k < NS_COUNT; k++) {
		if (!p->ns_path[k] || k == NS_USER)
			continue;
		c->ns_fd[k] = open(p->ns_path[k], O_RDONLY | O_CLOEXEC);
		if (c->ns_fd[k] < 0)
			return err_sys(err, errno, "open namespace %s", p->ns_path[k]);
	}
	r = check_joined(c, err);
	if (r < 0)
		return r;
	if (userns_wanted(p)) {
		c->ns_fd[NS_USER] = p->ns_path[NS_USER]
					    ? userns_open(p->ns_path[NS_USER], err)
					    : userns_make(&p->uid_map, &p->gid_map, err);
		return c->ns_fd[NS_USER] < 0 ? c->ns_fd[NS_USER] : 0;
	}
	return 0;
}

static int open_console(struct creation *c, struct err *err)
{
	int pair[2];

	if (!c->bundle.plan.process.terminal)
		return 0;
	if (c->o->console_socket) {
		c->console = console_connect(c->o->console_socket, err);
		return c->console < 0 ? c->console : 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	c->console = pair[0];
	c->relay = pair[1];
	return 0;
}

/* Open both ways: the child's end of one that it waits at is there without anybody at the other end, and
 * it needs no way to the directory. */
static int make_fifo(const struct creation *c, const char *name, int *fd, struct err *err)
{
	if (mkfifoat(c->dir, name, 0600))
		return err_sys(err, errno, "make %s", name);
	*fd = openat(c->dir, name, O_RDWR | O_CLOEXEC);
	return *fd >= 0 ? 0 : err_sys(err, errno, "open %s", name);
}

static int make_record(struct creation *c, struct err *err)
{
	const struct options *o = c->o;
	struct state *s = &c->state;
	const struct plan *p = &c->bundle.plan;
	int r;

	c->dir = state_make(o->root, o->id, err);
	if (c->dir < 0)
		return c->dir;
	c->made_state = true;
	(void)snprintf(s->id, sizeof(s->id), "%s", o->id);
	(void)snprintf(s->bundle, sizeof(s->bundle), "%s", c->bundle.dir);
	s->created_ns = fd_realtime_ns();
	s->annotations = (json_t *)(uintptr_t)p->annotations;
	if (c->run)
		return 0;
	r = make_fifo(c, "start.fifo", &c->go, err);
	return r ? r : make_fifo(c, "exec.fifo", &c->fifo, err);
}

static int name_cgroup(struct creation *c, struct err *err)
{
	const char *path = c->o->cgroup ? c->o->cgroup : c->bundle.plan.cgroup;
	char fallback[STATE_ID_MAX + 16];

	(void)snprintf(fallback, sizeof(fallback), "cleat-oci-%s", c->o->id);
	(void)snprintf(c->state.cgroup, sizeof(c->state.cgroup), "%s",
		       path && *path ? path : fallback);
	return cgroup_open(&c->cgroup, c->state.cgroup, err);
}

static int make_cgroup(struct creation *c, struct err *err)
{
	int r = cgroup_create(&c->cgroup, &c->bundle.plan.res, err);

	c->made_cgroup = !r;
	return r;
}

/* As fork(2), with the error in *err and the pidfd noted. */
static pid_t clone_child(struct creation *c, struct clone_args *args, struct err *err)
{
	pid_t pid;

	if (c->ns_fd[NS_USER] < 0) {
		args->pidfd = (uint64_t)(uintptr_t)&c->pidfd;
		pid = (pid_t)syscall(SYS_clone3, args, sizeof(*args));
		return pid >= 0 ? pid : err_sys(err, errno, "make the container's namespaces");
	}
	pid = userns_clone(args, c->ns_fd[NS_USER], &c->bundle.plan.process, err);
	if (pid > 0)
		c->pidfd = pidfd_open(pid, 0);
	return pid;
}

struct init_args creation_init(const struct creation *c)
{
	return (struct init_args){ .bundle = &c->bundle,
				   .cgroup = &c->cgroup,
				   .options = c->o,
				   .console = c->console,
				   .fifo = c->fifo,
				   .go = c->go,
				   .outside = c->outside,
				   .in_userns = c->ns_fd[NS_USER] >= 0,
				   .part = c->ns_fd[NS_PID] >= 0 ? INIT_BUILD : INIT_ALL };
}

static int spawn(struct creation *c, struct err *err)
{
	const struct plan *p = &c->bundle.plan;
	struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	struct init_args init = creation_init(c);
	cleanup_free char *doc = NULL;
	cleanup_fd int into = -1;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	c->sock = pair[0];
	c->child_sock = init.sock = pair[1];
	memcpy(init.ns_fd, c->ns_fd, sizeof(init.ns_fd));
	for (size_t k = 0; k < NS_COUNT; k++)
		if (p->ns_new & 1u << k && k != NS_CGROUP)
			args.flags |= plan_ns_kinds[k].flag & ~(uint64_t)CLONE_NEWTIME;
	for (size_t k = 0; k < HOOK_POSTSTART; k++)
		init.hooks = init.hooks || p->hooks[k].n;
	if (c->cgroup.ops->version == 2) {
		into = cgroup_dir(&c->cgroup, err);
		if (into < 0)
			return into;
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)into;
	}
	pid = clone_child(c, &args, err);
	if (pid < 0)
		return pid;
	if (!pid) {
		char self[16] = "0";

		(void)!readlink("/proc/self", self, sizeof(self) - 1);
		c->state.pid = (pid_t)strtol(self, NULL, 10);
		if (init.hooks)
			init.state = doc = state_json(&c->state, STATUS_CREATED);
		close(c->sock);
		close(c->dir);
		init_main(&init);
	}
	c->pid = pid;
	close(c->child_sock);
	c->child_sock = -1;
	return 0;
}

int creation_record(struct creation *c, struct err *err)
{
	c->state.pid = c->pid;
	c->state.start_ticks = state_ticks(c->pid);
	return state_save(c->dir, &c->state, err);
}

static int release(struct creation *c, struct err *err)
{
	int fds[FD_PASS_MAX];
	size_t n = 0;
	int r = 0;

	if (!c->made_cgroup) {
		r = make_cgroup(c, err);
		r = r ? r : cgroup_entries(&c->cgroup, fds, &n, err);
	}
	/* Should the child be gone already, its own error is the one to tell: see await(). */
	if (!r)
		(void)!sync_send(c->sock, SYNC_GO, fds, n, NULL);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	if (r)
		return r;
	c->state.pid = c->pid;
	return c->ns_fd[NS_PID] < 0 ? creation_record(c, err) : 0;
}

static int await(struct creation *c, struct outcome *out, struct err *err)
{
	const struct plan *p = &c->bundle.plan;
	cleanup_free char *doc = NULL;
	int r = container_handshake(c->sock, out, err);

	if (r)
		return r < 0 ? r : 0;
	out->stage = "hooks";
	doc = state_json(&c->state, STATUS_CREATED);
	r = hooks_run(p, HOOK_PRESTART, doc, err);
	r = r ? r : hooks_run(p, HOOK_CREATE_RUNTIME, doc, err);
	r = r ? r : sync_send(c->sock, SYNC_CONTINUE, NULL, 0, err);
	r = r ? r : container_handshake(c->sock, out, err);
	return r < 0 ? r : 0;
}

static void choose_size(struct plan_process *p, const struct options *o)
{
	if (o->rows < 1 || o->columns < 1 || o->rows > UINT16_MAX || o->columns > UINT16_MAX)
		return;
	p->rows = (uint16_t)o->rows;
	p->cols = (uint16_t)o->columns;
}

static int build(struct creation *c, struct outcome *out, struct err *err)
{
	int r;

	out->stage = "bundle";
	r = bundle_load(&c->bundle, c->o->bundle ? c->o->bundle : ".", c->o, err);
	r = r ? r : check(c, err);
	if (r)
		return r;
	choose_size(&c->bundle.plan.process, c->o);
	out->stage = "state";
	r = make_record(c, err);
	out->stage = r ? out->stage : "console";
	r = r ? r : open_console(c, err);
	out->stage = r ? out->stage : "cgroup";
	r = r ? r : name_cgroup(c, err);
	r = r || c->cgroup.ops->version == 1 ? r : make_cgroup(c, err);
	out->stage = r ? out->stage : "namespaces";
	r = r ? r : open_namespaces(c, err);
	if (!r && chdir(c->bundle.dir))
		r = err_sys(err, errno, "enter bundle %s", c->bundle.dir);
	out->stage = r ? out->stage : "rootfs";
	r = r ? r
	      : outside_prepare(&c->outside, &c->bundle.plan, c->ns_fd[NS_USER], c->ns_fd[NS_PID],
				err);
	out->stage = r ? out->stage : "namespaces";
	container_block_signals();
	r = r ? r : spawn(c, err);
	out->stage = r ? out->stage : "cgroup";
	r = r ? r : release(c, err);
	r = r ? r : await(c, out, err);
	return r || c->ns_fd[NS_PID] < 0 ? r : creation_let_in(c, out, err);
}

static int foreground(struct creation *c, int *code, struct err *err)
{
	int master = -1, r = 0;

	if (c->relay >= 0) {
		closep(&c->console);
		c->console = -1;
		master = console_receive(c->relay, err);
		r = master < 0 ? master : 0;
	}
	r = r ? r : container_wait(c->pid, c->pidfd, master, code, err);
	closep(&master);
	undo(c);
	if (c->bundle.plan.hooks[HOOK_POSTSTOP].n) {
		cleanup_free char *doc = state_json(&c->state, STATUS_STOPPED);

		(void)!hooks_run(&c->bundle.plan, HOOK_POSTSTOP, doc, NULL);
	}
	return r;
}

int container_create(const struct options *o, bool run, int *code, struct outcome *out,
		     struct err *err)
{
	struct creation c = { .o = o,
			      .run = run,
			      .dir = -1,
			      .sock = -1,
			      .child_sock = -1,
			      .console = -1,
			      .relay = -1,
			      .pidfd = -1,
			      .fifo = -1,
			      .go = -1,
			      .outside = OUTSIDE_NULL,
			      .cgroup = { .root_fd = -1 } };
	int r = state_check_id(o->id, err);

	memset(c.ns_fd, 0xff, sizeof(c.ns_fd));
	*code = 0;
	r = r ? r : build(&c, out, err);
	if (!r) {
		out->stage = "report";
		out->pid = c.pid;
		r = container_report(o, c.pid, c.pidfd, err);
	}
	if (!r && run && c.bundle.plan.hooks[HOOK_POSTSTART].n) {
		cleanup_free char *doc = state_json(&c.state, STATUS_RUNNING);

		(void)!hooks_run(&c.bundle.plan, HOOK_POSTSTART, doc, NULL);
	}
	if (r) {
		if (c.pid > 0) {
			(void)kill(c.pid, SIGKILL);
			(void)waitpid(c.pid, NULL, 0);
		}
		undo(&c);
	} else if (run && !o->detach) {
		r = foreground(&c, code, err);
	}
	close_all(&c);
	return r;
}
