/* SPDX-License-Identifier: Apache-2.0 */
/* Who may trace the processes of a pid namespace (CAP_SYS_PTRACE) may do so from their birth on, whatever they are:
 * look at what they have open, at their root and their memory, and have them do what they have the right to. Who
 * that may be is not to be known, as anyone may join later. So a process that nobody there sees goes first. It joins
 * all namespaces, lets go of all that is the host's, takes the container's limits, user, capabilities and filter, and
 * only then clones the one that is seen: it has nothing but what the container's program has, too. Without that
 * capability not even this can be looked at before it executes: it is not dumpable. */
#include "birth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "apparmor.h"
#include "console.h"
#include "fd.h"
#include "privs.h"
#include "userns.h"

static int join(const struct birth *b, struct err *err)
{
	const struct plan *p = b->plan;
	int flags = 0;

	/* the right to it may be the host's, so before the user namespace */
	if (b->pidns >= 0 && setns(b->pidns, CLONE_NEWPID))
		return err_sys(err, errno, "join namespace %s", p->ns_path[NS_PID]);
	for (size_t k = 0; k < NS_COUNT; k++)
		if (p->ns_path[k] || (p->ns_new & 1u << k && k != NS_TIME))
			flags |= (int)plan_ns_kinds[k].flag;
	if (b->pidns >= 0)
		flags &= ~CLONE_NEWPID;
	if (setns(b->target, flags))
		return err_sys(err, errno, "join the container's namespaces");
	if (flags & CLONE_NEWUSER && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		return err_sys(err, errno, "become root of the user namespace");
	return 0;
}

static int terminal(const struct birth *b, struct err *err)
{
	cleanup_fd int root = -1;

	if (!b->launch->process->terminal)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, errno, "open /");
	return console_open(b->launch->process, root, b->console, b->bind, err);
}

/* Before there is a filter, which might refuse it. */
static void let_go(const struct birth *b, const struct launch *l)
{
	int keep[LAUNCH_KEEP_MAX] = { b->sock };
	size_t n = 1;

	for (size_t i = 0; i < b->n_keep && n < ARRAY_LEN(keep); i++)
		keep[n++] = b->keep[i];
	launch_let_go(l, keep, n);
}

static void failed(const struct birth *b, int code, const struct err *err)
{
	(void)!sync_fail(b->sock, "exec", code, err);
	_exit(code);
}

/* By the older call: filters know its flags, and refuse clone3(2). */
static pid_t born(const struct birth *b, pid_t *noted, struct filter_key *key, struct err *err)
{
	pid_t pid = (pid_t)syscall(SYS_clone, key->flags, NULL, noted, key->part[0], key->part[1]);

	explicit_bzero(key, sizeof(*key));
	if (pid < 0 && errno == ENOMEM && b->pidns >= 0)
		return err_set(err, ERR_PRECONDITION, "the pid namespace %s has ended",
			       b->plan->ns_path[NS_PID]);
	return pid >= 0 ? pid : err_sys(err, errno, "fork");
}

/* A program that may not fork can be executed beside others all the same. Who traces the one that is born finds the key in
 * its registers, and can fork with it: the flags are no others. */
static int prepare(struct launch *l, struct filter_key *key, int *code, struct err *err)
{
	struct seccomp_filter admitting;
	int r;

	key->flags = CLONE_PARENT | CLONE_PARENT_SETTID;
	if (getrandom(key->part, sizeof(key->part), 0) != sizeof(key->part))
		return err_sys(err, errno, "draw a key");
	r = filter_admit(l->filter, key, &admitting);
	if (r)
		return err_sys(err, r, "copy the filter");
	l->filter = &admitting;
	l->forks = true;
	r = launch_prepare(l, code, err);
	if (admitting.prog.len)
		explicit_bzero(admitting.prog.filter,
			       admitting.prog.len * sizeof(*admitting.prog.filter));
	filter_free(&admitting);
	return r;
}

/* As the process nobody sees. Which one is born is noted by the kernel, before it runs, in memory it does not get: who
 * may trace it could have it name any process of the host's as the container's. */
static void between(const struct birth *b, pid_t *noted)
{
	struct launch l = *b->launch;
	struct filter_key key;
	struct err err = ERR_NULL;
	int code = EXIT_RUNTIME, r;
	pid_t pid;

	/* should a filter refuse it to the other one, that is at least not in the caller's */
	(void)setsid();
	(void)umask(022); /* not the caller's, unless the container has one of its own */
	r = madvise(noted, sizeof(*noted), MADV_DONTFORK) ? err_sys(&err, errno, "keep memory") : 0;
	r = r ? r : privs_oom(l.process, &err);
	r = r ? r : apparmor_open(l.process->apparmor, &l.proc, &err);
	privs_raise(l.process);
	r = r ? r : join(b, &err);
	r = r ? r : terminal(b, &err);
	let_go(b, &l);
	r = r ? r : prepare(&l, &key, &code, &err);
	pid = r ? r : born(b, noted, &key, &err);
	if (!pid)
		b->child(b->ctx);
	if (pid < 0)
		failed(b, code, &err);
	_exit(0);
}

/* Why there is none: the pair is told, unless the one between was killed. */
static int not_born(const struct birth *b, struct outcome *out, struct err *err)
{
	int r = container_handshake(b->parents, out, err);

	return r < 0 ? r : err_sys(err, ECHILD, "enter the container");
}

static int await(const struct birth *b, pid_t middle, const pid_t *noted, pid_t *pid, int *pidfd,
		 struct outcome *out, struct err *err)
{
	int r, fd;

	(void)waitpid(middle, NULL, 0);
	if (*noted <= 0)
		return not_born(b, out, err);
	fd = pidfd_open(*noted, 0);
	if (fd >= 0) {
		*pid = *noted;
		*pidfd = fd;
		return 0;
	}
	r = err_sys(err, errno, "open a pidfd");
	(void)kill(*noted, SIGKILL);
	(void)waitpid(*noted, NULL, 0);
	return r;
}

int birth_give(const struct birth *b, pid_t *pid, int *pidfd, struct outcome *out, struct err *err)
{
	pid_t *noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t middle;
	int r;

	if (noted == MAP_FAILED) {
		close(b->sock);
		return err_sys(err, errno, "share memory");
	}
	middle = fork();
	if (!middle)
		between(b, noted);
	r = middle < 0 ? err_sys(err, errno, "fork") : 0;
	close(b->sock);
	r = r ? r : await(b, middle, noted, pid, pidfd, out, err);
	(void)munmap(noted, sizeof(*noted));
	return r;
}

int birth_lead(const struct plan_process *p, struct err *err)
{
	int r = privs_processes(p, err);

	if (!r && setsid() < 0 && p->terminal)
		return err_sys(err, errno, "make a session");
	return !r && p->terminal ? console_take(err) : r;
}
