/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, from its birth to exec, as a list of steps; the name of the step
 * that failed travels to the parent with the error. The parent makes the cgroup meanwhile: the
 * child goes on with its mounts and asks for the cgroup's files as late as it can. Where the pid namespace is
 * another container's, one process builds all outside of it, and another one is born inside and runs the
 * program: birth.c. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "apparmor.h"
#include "birth.h"
#include "console.h"
#include "container.h"
#include "fd.h"
#include "hooks.h"
#include "launch.h"
#include "mounts.h"
#include "privs.h"
#include "state.h"

struct init {
	const struct init_args *a;
	const struct plan *plan;
	struct outside outside;
	int bundle, root;
	bool started; /* errors go through exec.fifo */
	struct launch launch;
	bool entered;
	int exit_code;
};

/* Waits for the parent's word and the cgroup's files; once. */
static int enter_cgroup(void *ctx, struct err *err)
{
	struct init *in = ctx;
	struct sync_msg m;
	int fds[FD_PASS_MAX];
	size_t n = FD_PASS_MAX;
	int r;

	if (in->entered)
		return 0;
	r = sync_recv(in->a->sock, &m, fds, &n, err);
	if (r <= 0)
		_exit(1); /* the parent gave up, it knows why */
	r = cgroup_enter(fds, n, err);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	in->entered = true;
	if (!r && in->plan->ns_new & 1u << NS_CGROUP && unshare(CLONE_NEWCGROUP))
		return err_sys(err, errno, "make a cgroup namespace");
	return r;
}

static int join(struct init *in, struct err *err)
{
	static const enum plan_ns order[] = {
		NS_NET, NS_IPC, NS_UTS, NS_TIME, NS_CGROUP, NS_MOUNT
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		int fd = in->a->ns_fd[order[i]];

		if (fd >= 0 && setns(fd, (int)plan_ns_kinds[order[i]].flag))
			return err_sys(err, errno, "join namespace %s",
				       in->plan->ns_path[order[i]]);
	}
	if (in->a->in_userns && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		return err_sys(err, errno, "become root of the user namespace");
	return 0;
}

static int process_files(struct init *in, struct err *err)
{
	/* in a user namespace it is somebody else's to change: userns_clone() */
	int r = in->a->in_userns ? 0 : privs_oom(&in->plan->process, err);

	return r ? r : apparmor_open(in->plan->process.apparmor, &in->launch.proc, err);
}

static int root(struct init *in, struct err *err)
{
	(void)umask(0);
	in->bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->bundle < 0)
		return err_sys(err, errno, "open the bundle");
	in->outside = in->a->outside;
	in->root = rootfs_open(in->plan, in->bundle, &in->outside, err);
	return in->root < 0 ? in->root : 0;
}

static int mounts(struct init *in, struct err *err)
{
	struct mounts_env env = { .root = in->root,
				  .bundle = in->bundle,
				  .outside = &in->outside,
				  .cgroup = in->a->cgroup,
				  .entered = enter_cgroup,
				  .ctx = in };
	(void)umask(022);
	int r = mounts_apply(in->plan, &env, err);

	(void)umask(0);
	return r ? r : rootfs_finish(in->plan, in->root, in->outside.nodes, err);
}

static int cgroup(struct init *in, struct err *err)
{
	return enter_cgroup(in, err);
}

static int hooks(struct init *in, struct err *err)
{
	struct sync_msg m;
	size_t n = 0;
	int r;

	if (!in->a->hooks)
		return 0;
	r = sync_send(in->a->sock, SYNC_READY, NULL, 0, err);
	r = r ? r : sync_recv(in->a->sock, &m, NULL, &n, err);
	if (r <= 0)
		_exit(1);
	return hooks_run(in->plan, HOOK_CREATE_CONTAINER, in->a->state, err);
}

static int terminal(struct init *in, struct err *err)
{
	int r;

	if (setsid() < 0 && errno != EPERM)
		return err_sys(err, errno, "make a session");
	if (!in->plan->process.terminal)
		return 0;
	r = console_open(&in->plan->process, in->root, in->a->console, true, err);
	return r ? r : console_take(err);
}

/* A working directory that the image lacks is made, as runc and Docker do. Inside the container's root
 * links lead nowhere else. */
static int make_cwd(const char *cwd, struct err *err)
{
	mode_t mask = umask(022);
	int r = fd_mkdir_all(AT_FDCWD, cwd, 0755);

	(void)umask(mask);
	return r < 0 ? err_sys(err, r, "make the working directory %.120s", cwd) : 0;
}

static int change_root(struct init *in, struct err *err)
{
	int r = rootfs_pivot(in->root, err);

	closep(&in->root);
	closep(&in->bundle);
	if (r == 0 && access(in->plan->process.cwd, F_OK) && errno == ENOENT)
		r = make_cwd(in->plan->process.cwd, err);
	return r;
}

static int names(struct init *in, struct err *err)
{
	const struct plan *p = in->plan;

	if (p->hostname && sethostname(p->hostname, strlen(p->hostname)))
		return err_sys(err, errno, "set the host name to %.64s", p->hostname);
	if (p->domainname && setdomainname(p->domainname, strlen(p->domainname)))
		return err_sys(err, errno, "set the domain name to %.64s", p->domainname);
	(void)umask(022);
	return 0;
}

/* The builder's work is done; it keeps the namespaces until somebody else is in them. */
static int wait_end(struct init *in, struct err *err)
{
	struct sync_msg m;
	size_t n = 0;
	int r = sync_tell(in->a->sock, SYNC_CREATED, err);

	if (r)
		return r;
	(void)!sync_recv(in->a->sock, &m, NULL, &n, NULL);
	_exit(0);
}

static int be_born(struct init *in, struct err *err)
{
	const struct init_args *a = in->a;
	uint32_t word;
	int r = cgroup_enter(a->entries, a->n_entries, err);

	for (size_t i = 0; i < a->n_entries; i++)
		close(a->entries[i]);
	r = r ? r : birth_lead(&in->plan->process, err);
	if (!r && read(a->sock, &word, sizeof(word)) != sizeof(word))
		_exit(1); /* the parent gave up, it knows why */
	return r;
}

static int prepare(struct init *in, struct err *err)
{
	const int keep[] = { in->a->sock, in->a->fifo, in->a->go };

	/* while it waits for its start others may join its pid namespace, and an init stays there */
	if (in->a->fifo >= 0 || in->launch.init)
		launch_let_go(&in->launch, keep, ARRAY_LEN(keep));
	return launch_prepare(&in->launch, &in->exit_code, err);
}

/* For create: tells that all is ready, then waits until `start` writes. What goes wrong from here on is told
 * through the FIFO. By now this one may do what the program may, and no more: others may have joined. */
static int wait_start(struct init *in, struct err *err)
{
	char byte;
	int r;

	if (in->a->fifo >= 0) {
		r = sync_tell(in->a->sock, SYNC_CREATED, err);
		if (r)
			return r;
		if (read(in->a->go, &byte, 1) != 1)
			return err_sys(err, errno, "wait to be started");
		in->started = true;
	}
	return hooks_run(in->plan, HOOK_START_CONTAINER, in->a->state, err);
}

static int program(struct init *in, struct err *err)
{
	int r = launch_init(&in->launch, err);

	return r ? r : launch_exec(&in->launch, &in->exit_code, err);
}

enum { ALL = 1 << INIT_ALL, BUILD = 1 << INIT_BUILD, BORN = 1 << INIT_BORN };

static const struct {
	const char *stage;
	int (*run)(struct init *in, struct err *err);
	unsigned parts;
} steps[] = {
	{ "namespaces", join, ALL | BUILD }, { "process", process_files, ALL },
	{ "rootfs", root, ALL | BUILD },     { "mounts", mounts, ALL | BUILD },
	{ "cgroup", cgroup, ALL | BUILD },   { "hooks", hooks, ALL | BUILD },
	{ "console", terminal, ALL },        { "pivot", change_root, ALL | BUILD },
	{ "hostname", names, ALL | BUILD },  { "namespaces", wait_end, BUILD },
	{ "cgroup", be_born, BORN },         { "exec", prepare, ALL },
	{ "start", wait_start, ALL | BORN }, { "exec", program, ALL | BORN },
};

static void fail(const struct init *in, const char *stage, const struct err *e)
{
	(void)!sync_fail(in->started ? in->a->fifo : in->a->sock, stage, in->exit_code, e);
	_exit(in->exit_code);
}

struct launch init_launch(const struct init_args *a)
{
	return (struct launch){ .process = &a->bundle->plan.process,
				.filter = &a->bundle->filter,
				.init = a->bundle->plan.init,
				.preserve = (unsigned)a->options->preserve,
				.proc = -1 };
}

void init_main(const struct init_args *a)
{
	struct init in = { .a = a,
			   .plan = &a->bundle->plan,
			   .bundle = -1,
			   .root = -1,
			   .launch = init_launch(a),
			   .exit_code = EXIT_RUNTIME };
	struct err err = ERR_NULL;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (steps[i].parts & 1u << a->part && steps[i].run(&in, &err))
			fail(&in, steps[i].stage, &err);
	_exit(EXIT_RUNTIME);
}
