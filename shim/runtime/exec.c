/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a further process in a running container, with the privileges config.json gives its first
 * one: birth.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "birth.h"
#include "bundle.h"
#include "console.h"
#include "container.h"
#include "fd.h"
#include "state.h"
#include "str.h"

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

static struct launch launch_of(const struct execution *x)
{
	return (struct launch){ .process = &x->process,
				.filter = &x->bundle.filter,
				.preserve = (unsigned)x->o->preserve,
				.proc = -1 };
}

static void failed(const struct execution *x, int code, const struct err *err)
{
	(void)!sync_fail(x->child_sock, "exec", code, err);
	_exit(code);
}

static void child(const void *ctx)
{
	const struct execution *x = ctx;
	const struct launch l = launch_of(x);
	struct err err = ERR_NULL;
	int code = EXIT_RUNTIME, r = cgroup_enter(x->entries, x->n_entries, &err);

	r = r ? r : birth_lead(&x->process, &err);
	if (!r)
		(void)!launch_exec(&l, &code, &err);
	failed(x, code, &err);
}

static int spawn(struct execution *x, struct outcome *out, struct err *err)
{
	const struct launch l = launch_of(x);
	struct birth b = { .plan = &x->bundle.plan,
			   .launch = &l,
			   .target = x->target,
			   .pidns = -1,
			   .console = x->console,
			   .keep = x->entries,
			   .n_keep = x->n_entries,
			   .child = child,
			   .ctx = x };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	x->sock = b.parents = pair[0];
	x->child_sock = b.sock = pair[1];
	r = birth_give(&b, &x->pid, &x->pidfd, out, err);
	x->child_sock = -1;
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
	/* who is ended with its namespace, or by the filter, leaves the same end of file */
	if (r > 0 && !state_executed(x->pid))
		r = err_set(err, ERR_PRECONDITION,
			    "the process was ended before it ran its program");
	if (r < 0) {
		/* others may have made it tell what is not so */
		(void)pidfd_send_signal(x->pidfd, SIGKILL, NULL, 0);
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
