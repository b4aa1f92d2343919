/* SPDX-License-Identifier: Apache-2.0 */
/* An exec is a process beside the container's own with pipes or a terminal of its own and one session.
 * It outlives its client: output nobody takes is dropped, its exit is an event all the same. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

struct exec *exec_find(struct shim *shim, const char *id)
{
	struct exec *exec;

	list_each (exec, &shim->execs, link)
		if (strcmp(exec->id, id) == 0)
			return exec;
	return NULL;
}

void exec_free(struct exec *exec)
{
	struct session *session;

	io_close_streams(&exec->io);
	while ((session = list_first(&exec->io.sessions, struct session, link)))
		session_remove(session);
	list_remove(&exec->link);
	free(exec);
}

static struct exec *exec_new(struct shim *shim, const char *id)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec)
		return NULL;
	snprintf(exec->id, sizeof(exec->id), "%s", id);
	io_init(shim, &exec->io, NULL);
	exec->io.stdin_once = true;
	list_append(&shim->execs, &exec->link);
	return exec;
}

/* Ended execs whose last frames have left are freed when the next one comes, or with the shim. */
static void sweep(struct shim *shim)
{
	struct exec *exec, *next;

	list_each_safe (exec, next, &shim->execs, link)
		if (exec->done && list_empty(&exec->io.sessions))
			exec_free(exec);
}

static int begin(struct conn *conn, const Cleat__Shim__V1__ShimRequest *request, int fd)
{
	static const bool both[3] = { false, true, true };
	const Cleat__Shim__V1__ExecRequest *body = request->exec;
	struct exec *exec = exec_new(conn->shim, body->exec_id);
	bool want[3];
	int r = exec ? 0 : -ENOMEM;

	memcpy(want, both, sizeof(want));
	want[0] = body->stdin || body->tty;
	if (fd >= 0) {
		if (r == 0)
			r = session_add(&exec->io, fd, want, true);
		else
			close(fd);
	}
	if (r == 0)
		r = launch_exec(conn->shim, exec, conn, body, request->id);
	if (r < 0 && exec)
		exec_free(exec);
	return r;
}

void exec_request(struct conn *conn, Cleat__Shim__V1__ShimRequest *request, int *fds, size_t n_fds)
{
	struct shim *shim = conn->shim;
	int fd = n_fds > 0 ? fds[0] : -1, r;

	sweep(shim);
	for (size_t i = 1; i < n_fds; i++)
		close(fds[i]);
	if (shim->state != ST_RUNNING || exec_find(shim, request->exec->exec_id)) {
		closep(&fd);
		request_fail(conn, request->id, 9,
			     shim->state == ST_PAUSED ? "PAUSED" : "NOT_RUNNING",
			     shim->state == ST_PAUSED ? "the container is paused"
						      : "the container is not running");
		return;
	}
	r = begin(conn, request, fd);
	if (r < 0)
		request_fail(conn, request->id, 13, "START_FAILED", strerror(-r));
}

void exec_started(struct exec *exec, pid_t pid)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	struct shim *shim = exec->io.shim;
	int wait_status;

	exec->pid = pid;
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED;
	event.exec_id = exec->id;
	event.pid = pid;
	journal_append(shim, &event);
	if (reap_claim(shim, pid, &wait_status))
		exec_exited(exec, wait_status);
}

void exec_exited(struct exec *exec, int wait_status)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	int exit_code = reap_exit_code(wait_status);

	exec->pid = 0;
	exec->done = true;
	io_drain(&exec->io);
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED;
	event.exec_id = exec->id;
	event.exit_code = exit_code;
	journal_append(exec->io.shim, &event);
	io_end(&exec->io, exit_code, false);
}
