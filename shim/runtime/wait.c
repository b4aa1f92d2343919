/* SPDX-License-Identifier: Apache-2.0 */
/* What create, run and exec do alike once their child exists. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "console.h"
#include "container.h"
#include "fd.h"
#include "notify.h"

void container_block_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

int container_told(struct sync_msg *m, struct outcome *out, struct err *err)
{
	enum err_code code =
		err_to_errno(m->err.code) && m->err.code < ERR_N_CODES ? m->err.code : ERR_INTERNAL;
	size_t n = 0;

	for (; n < sizeof(m->stage) - 1 && m->stage[n] >= 'a' && m->stage[n] <= 'z'; n++)
		out->stage_text[n] = m->stage[n];
	out->stage_text[n] = 0;
	out->stage = out->stage_text;
	out->exit_code = m->exit_code > 0 && m->exit_code < 256 ? m->exit_code : EXIT_RUNTIME;
	m->err.message[sizeof(m->err.message) - 1] = 0;
	m->err.reason[sizeof(m->err.reason) - 1] = 0;
	(void)!err_reason(err, code, m->err.reason, "%s", m->err.message);
	if (err)
		err->sys = m->err.sys;
	return err_to_errno(code);
}

int container_handshake(int sock, struct outcome *out, struct err *err)
{
	struct sync_msg m;
	int fds[FD_PASS_MAX];
	size_t n = FD_PASS_MAX;
	int r = sync_recv(sock, &m, fds, &n, err);

	if (r < 0)
		return r;
	if (!r || m.kind == SYNC_CREATED)
		return 1;
	if (m.kind == SYNC_READY)
		return 0;
	return container_told(&m, out, err);
}

static int write_pid_file(const char *path, pid_t pid, struct err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);
	int r = fd_replace_file(AT_FDCWD, path, text, (size_t)n, 0644, false);

	return r ? err_sys(err, r, "write %s", path) : 0;
}

int container_report(const struct options *o, pid_t pid, int pidfd, struct err *err)
{
	struct oci_notify n = { .magic = OCI_NOTIFY_MAGIC, .kind = OCI_NOTIFY_STARTED, .pid = pid };
	int r = o->pid_file ? write_pid_file(o->pid_file, pid, err) : 0;

	if (r || o->notify_fd < 0)
		return r;
	r = fd_send(o->notify_fd, &n, sizeof(n), &pidfd, pidfd >= 0, MSG_NOSIGNAL);
	return r ? err_sys(err, r, "report over --notify-fd") : 0;
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int container_wait(pid_t pid, int pidfd, int master, int *code, struct err *err)
{
	siginfo_t info;
	sigset_t all;
	int status = 0, r;

	if (master >= 0) {
		r = console_relay(master, pidfd, err);
		if (r)
			return r;
		if (waitpid(pid, &status, 0) != pid)
			return err_sys(err, errno, "wait for the container");
		*code = code_of(status);
		return 0;
	}
	(void)sigfillset(&all);
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		int sig;

		if (got == pid)
			break;
		if (got < 0)
			return err_sys(err, errno, "wait for the container");
		sig = sigwaitinfo(&all, &info);
		if (sig > 0 && sig != SIGCHLD)
			(void)kill(pid, sig);
	}
	*code = code_of(status);
	return 0;
}
