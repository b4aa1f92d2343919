/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a further process in a running container, with the privileges config.json gives its first
 * one. Whoever in the container may trace its processes (CAP_SYS_PTRACE) may do so from their birth on,
 * and look at what they have open and at their root. So one that nobody there sees goes first: it joins
 * the namespaces through the init's pidfd, all in one call, lets go of all that is the host's and, where
 * the container has that capability, of its privileges; then it clones the one that executes. That one is
 * not dumpable until it does: without the capability nothing in the container can look into it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "apparmor.h"
#include "bundle.h"
#include "console.h"
#include "container.h"
#include "fd.h"
#include "launch.h"
#include "privs.h"
#include "state.h"
#include "str.h"
#include "userns.h"

struct execution {
	const struct options *o;
	struct bundle bundle;
	struct plan own; /* of --process */
	struct plan_process process;
	struct state state;
	int dir, target, sock, child_sock, console, relay, pidfd;
	int entries[CGROUP_HIERARCHIES_MAX];
	size_t n_entries;
	const char **env; /* owned array when --env added to it */
	pid_t pid;
};

static int find_running(struct execution *x, struct err *err)
{
	enum state_status status;
	int r;

	x->dir = state_dir(x->o->root, x->o->id, err);
	r = x->dir < 0 ? x->dir : state_load(x->dir, &x->state, err);
	if (r)
		return r;
	x->target = pidfd_open(x->state.pid, 0);
	status = x->target < 0 ? STATUS_STOPPED : state_status(x->dir, &x->state);
	if (status == STATUS_STOPPED)
		return err_set(err, ERR_PRECONDITION, "container %s is not running", x->o->id);
	if (status == STATUS_PAUSED)
		return err_set(err, ERR_PRECONDITION, "container %s is paused", x->o->id);
	return 0;
}

static int read_process(struct execution *x, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, x->o->process, BUNDLE_SIZE_MAX, &text);

	if (r)
		return err_sys(err, r, "read %s", x->o->process);
	r = bundle_parse_process(&x->own, text.data, text.len, err);
	x->process = x->own.process;
	return r;
}

static int set_user(struct plan_process *p, const char *text, struct err *err)
{
	int64_t uid, gid = 0;
	char first[16];
	size_t n = strcspn(text, ":");

	(void)snprintf(first, sizeof(first), "%.*s", (int)n, text);
	if (str_int_in(first, 0, UINT32_MAX - 1, &uid) ||
	    (text[n] && str_int_in(text + n + 1, 0, UINT32_MAX - 1, &gid)))
		return err_set(err, ERR_INVALID, "--user %.40s: expected UID or UID:GID", text);
	p->uid = (uint32_t)uid;
	p->gid = (uint32_t)gid;
	p->n_gids = 0;
	return 0;
}

static int add_env(struct execution *x, struct err *err)
{
	size_t n = x->process.env.n, more = (size_t)x->o->n_env;

	if (!more)
		return 0;
	x->env = calloc(n + more + 1, sizeof(*x->env));
	if (!x->env)
		return err_sys(err, ENOMEM, "add to the environment");
	if (n)
		memcpy(x->env, x->process.env.item, n * sizeof(*x->env));
	memcpy(x->env + n, x->o->env, more * sizeof(*x->env));
	x->process.env = (struct plan_strings){ x->env, n + more };
	return 0;
}

static int plan_process(struct execution *x, struct err *err)
{
	const struct options *o = x->o;
	size_t n = 0;
	int r;

	if (o->process)
		return read_process(x, err);
	while (o->rest[n])
		n++;
	if (!n)
		return err_set(err, ERR_INVALID, "exec needs a program, or --process");
	x->process = x->bundle.plan.process;
	x->process.args = (struct plan_strings){ (const char **)(void *)o->rest, n };
	x->process.terminal = o->tty;
	x->process.cwd = o->cwd ? o->cwd : x->process.cwd;
	x->process.no_new_privileges |= o->no_new_privs;
	r = o->user ? set_user(&x->process, o->user, err) : 0;
	return r ? r : add_env(x, err);
}

static int open_console(struct execution *x, struct err *err)
{
	int pair[2];

	if (!x->process.terminal)
		return 0;
	if (x->o->console_socket) {
		x->console = console_connect(x->o->console_socket, err);
		return x->console < 0 ? x->console : 0;
	}
	if (x->o->detach)
		return err_set(err, ERR_INVALID, "a detached terminal needs --console-socket");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	x->console = pair[0];
	x->relay = pair[1];
	return 0;
}

static int open_cgroup(struct execution *x, struct err *err)
{
	struct cgroup cg;
	int r = cgroup_open(&cg, x->state.cgroup, err);

	if (r)
		return r;
	r = cgroup_entries(&cg, x->entries, &x->n_entries, err);
	cgroup_close(&cg);
	return r;
}

static int join(const struct execution *x, struct err *err)
{
	const struct plan *p = &x->bundle.plan;
	int flags = 0;

	for (size_t k = 0; k < NS_COUNT; k++)
		if (k != NS_TIME && (p->ns_new & 1u << k || p->ns_path[k]))
			flags |= (int)plan_ns_kinds[k].flag;
	if (setns(x->target, flags))
		return err_sys(err, errno, "join the container's namespaces");
	if (flags & CLONE_NEWUSER && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		return err_sys(err, errno, "become root of the user namespace");
	return 0;
}

static int terminal(const struct execution *x, struct err *err)
{
	cleanup_fd int root = -1;

	if (!x->process.terminal)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, errno, "open /");
	return console_open(&x->process, root, x->console, false, err);
}

/* Whether processes of the container may trace one that has more privileges than they. */
static bool is_tracing(const struct plan_process *p)
{
	return !p->has_caps || p->caps[CAP_BOUNDING_] & UINT64_C(1) << CAP_SYS_PTRACE;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All descriptors from `first` on but these, which are sorted. */
static void close_but(int first, int *keep, size_t n)
{
	qsort(keep, n, sizeof(*keep), compare);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > first)
			(void)syscall(SYS_close_range, first, keep[i] - 1, 0u);
		if (keep[i] >= first)
			first = keep[i] + 1;
	}
	(void)syscall(SYS_close_range, first, ~0u, 0u);
}

static void let_go(const struct execution *x, int told)
{
	int keep[CGROUP_HIERARCHIES_MAX + 3] = { x->child_sock, x->console, told };
	size_t n = 3;

	for (size_t i = 0; i < x->n_entries; i++)
		keep[n++] = x->entries[i];
	close_but(3 + x->o->preserve, keep, n);
}

static void failed(const struct execution *x, int code, const struct err *err)
{
	(void)!sync_fail(x->child_sock, "exec", code, err);
	_exit(code);
}

static void child(const struct execution *x, const struct launch *l, bool prepared)
{
	struct err err = ERR_NULL;
	int code = EXIT_RUNTIME, r = cgroup_enter(x->entries, x->n_entries, &err);

	if (!r && setsid() < 0)
		r = err_sys(&err, errno, "make a session");
	r = r ? r : terminal(x, &err);
	r = r || prepared ? r : launch_prepare(l, &code, &err);
	if (!r)
		(void)!launch_exec(l, &code, &err);
	failed(x, code, &err);
}

/* As a process nobody in the container sees; `told` is told the pid of the one that executes. */
static void between(const struct execution *x, int told)
{
	const struct plan *p = &x->bundle.plan;
	struct launch l = { .process = &x->process,
			    .filter = &x->bundle.filter,
			    .preserve = (unsigned)x->o->preserve,
			    .proc = -1 };
	const bool prepared = !userns_wanted(p) && is_tracing(&p->process);
	struct err err = ERR_NULL;
	int code = EXIT_RUNTIME, r;
	pid_t pid;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = privs_oom(&x->process, &err);
	r = r ? r : apparmor_open(x->process.apparmor, &l.proc, &err);
	if (userns_wanted(p))
		privs_raise(&x->process);
	r = r ? r : join(x, &err);
	/* whoever joined the pid namespace later may trace, too, and finds no descriptor of the host's /proc */
	r = r ? r : apparmor_apply(x->process.apparmor, &l.proc, &err);
	r = r || !prepared ? r : launch_prepare(&l, &code, &err);
	if (r)
		failed(x, code, &err);
	let_go(x, told);
	/* by the older call: filters know its flags, and refuse clone3(2) */
	pid = (pid_t)syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL);
	if (!pid) {
		close(told);
		child(x, &l, prepared);
	}
	if (pid < 0) {
		(void)err_sys(&err, errno, "fork");
		failed(x, code, &err);
	}
	_exit(write(told, &pid, sizeof(pid)) != sizeof(pid));
}

/* The child's pid is told, or its sock why there is none. */
static int await_birth(struct execution *x, int told, struct outcome *out, struct err *err)
{
	pid_t pid;
	int r;

	if (read(told, &pid, sizeof(pid)) == sizeof(pid)) {
		x->pid = pid;
		x->pidfd = pidfd_open(pid, 0);
		if (x->pidfd >= 0)
			return 0;
		r = err_sys(err, errno, "open a pidfd");
		(void)kill(pid, SIGKILL);
		return r;
	}
	r = container_handshake(x->sock, out, err);
	return r < 0 ? r : err_sys(err, ECHILD, "enter the container");
}

static int spawn(struct execution *x, struct outcome *out, struct err *err)
{
	int pair[2], told[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	x->sock = pair[0];
	x->child_sock = pair[1];
	if (pipe2(told, O_CLOEXEC))
		return err_sys(err, errno, "make a pipe");
	pid = fork();
	if (!pid)
		between(x, told[1]);
	close(told[1]);
	closep(&x->child_sock);
	x->child_sock = -1;
	r = pid < 0 ? err_sys(err, errno, "fork") : await_birth(x, told[0], out, err);
	close(told[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return r;
}

static int start(struct execution *x, struct outcome *out, struct err *err)
{
	int r = find_running(x, err);

	r = r ? r : bundle_load(&x->bundle, x->state.bundle, x->o, err);
	r = r ? r : plan_process(x, err);
	r = r ? r : open_console(x, err);
	r = r ? r : open_cgroup(x, err);
	container_block_signals();
	r = r ? r : spawn(x, out, err);
	if (r)
		return r;
	r = container_handshake(x->sock, out, err);
	if (r < 0) {
		(void)waitpid(x->pid, NULL, 0);
		return r;
	}
	out->pid = x->pid;
	r = container_report(x->o, x->pid, x->pidfd, err);
	/* who asked for it is gone, and would not know that it runs */
	if (r < 0)
		(void)!pidfd_send_signal(x->pidfd, SIGKILL, NULL, 0);
	return r;
}

static int finish(struct execution *x, int *code, struct err *err)
{
	int master = -1, r;

	if (x->o->detach)
		return 0;
	if (x->relay >= 0) {
		closep(&x->console);
		x->console = -1;
		master = console_receive(x->relay, err);
		if (master < 0)
			return master;
	}
	r = container_wait(x->pid, x->pidfd, master, code, err);
	closep(&master);
	return r;
}

int container_exec(const struct options *o, int *code, struct outcome *out, struct err *err)
{
	struct execution x = { .o = o,
			       .dir = -1,
			       .target = -1,
			       .sock = -1,
			       .child_sock = -1,
			       .console = -1,
			       .relay = -1,
			       .pidfd = -1 };
	int r = state_check_id(o->id, err);

	out->stage = "exec";
	*code = 0;
	r = r ? r : start(&x, out, err);
	r = r ? r : finish(&x, code, err);
	int fds[] = { x.dir, x.target, x.sock, x.child_sock, x.console, x.relay, x.pidfd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		closep(&fds[i]);
	for (size_t i = 0; i < x.n_entries; i++)
		closep(&x.entries[i]);
	free(x.env);
	plan_free(&x.own);
	bundle_unload(&x.bundle);
	state_free(&x.state);
	return r;
}
