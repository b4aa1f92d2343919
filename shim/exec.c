/* SPDX-License-Identifier: Apache-2.0 */
/* An exec is a process beside the container's own with pipes or a terminal of its own and one session.
 * It outlives its client: output nobody takes is dropped, its exit is an event all the same. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

/* How long a process waits for a reader whose engine went away, and how long an ended exec can be asked
 * for its last output and its exit code. */
enum { EXEC_HELD_MS = 20000, EXEC_DONE_MS = 30000, EXEC_DONE_MAX = 16 };

struct exec *exec_find(struct shim *shim, const char *id)
{
	struct exec *exec;

	list_each (exec, &shim->execs, link)
		if (strcmp(exec->id, id) == 0)
			return exec;
	return NULL;
}

static void forget_orphan(struct exec *exec)
{
	if (exec->orphan.fd < 0)
		return;
	loop_remove(&exec->io.shim->loop, &exec->orphan);
	close(exec->orphan.fd);
	exec->orphan.fd = -1;
}

void exec_free(struct exec *exec)
{
	struct session *session;

	loop_timer_stop(&exec->timer);
	exec->done = true;
	exec->pid = 0;
	forget_orphan(exec);
	io_close_streams(&exec->io);
	while ((session = list_first(&exec->io.sessions, struct session, link)))
		session_remove(session);
	counted_forget_all(&exec->io);
	buf_deinit(&exec->io.recent.records);
	list_remove(&exec->link);
	free(exec);
}

struct exec *exec_new(struct shim *shim, const char *id)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec)
		return NULL;
	snprintf(exec->id, sizeof(exec->id), "%s", id);
	io_init(shim, &exec->io, NULL);
	exec->io.exec = exec;
	exec->io.stdin_once = true;
	exec->orphan.fd = -1;
	list_append(&shim->execs, &exec->link);
	return exec;
}

/* Nobody came back for the exec: its output is dropped from now on, and its input has ended. */
static void give_up(struct exec *exec)
{
	exec->io.held = false;
	exec->io.close_in = true;
	io_input_flush(&exec->io);
	io_resume(&exec->io);
}

static void time_over(struct timer *timer)
{
	struct exec *exec = container_of(timer, struct exec, timer);

	if (exec->done)
		exec_free(exec);
	else
		give_up(exec);
}

static void set_timer(struct exec *exec, int64_t ms)
{
	exec->timer.fire = time_over;
	loop_timer(&exec->io.shim->loop, &exec->timer, fd_monotonic_ns() + ms * 1000000);
}

void exec_alone(struct exec *exec)
{
	if (exec->done || exec->pid <= 0)
		return;
	exec->io.held = true;
	io_pause(&exec->io);
	set_timer(exec, EXEC_HELD_MS);
}

/* Those that ended first go first when too many are remembered. */
static void sweep(struct shim *shim)
{
	struct exec *exec, *next;
	unsigned done = 0;

	list_each (exec, &shim->execs, link)
		done += exec->done;
	list_each_safe (exec, next, &shim->execs, link)
		if (exec->done && done > EXEC_DONE_MAX && list_empty(&exec->io.sessions)) {
			exec_free(exec);
			done--;
		}
}

static int begin(struct conn *conn, const Cleat__Shim__V1__ShimRequest *request, int process,
		 int fd)
{
	static const bool both[3] = { false, true, true };
	const Cleat__Shim__V1__ExecRequest *body = request->exec;
	struct exec *exec = exec_new(conn->shim, body->exec_id);
	struct session *session = NULL;
	bool want[3];
	int r = exec ? 0 : -ENOMEM;

	memcpy(want, both, sizeof(want));
	want[0] = body->stdin || body->tty;
	if (fd >= 0) {
		if (r == 0)
			r = session_add(&exec->io, fd, want, true, &session);
		else
			close(fd);
	}
	if (r == 0 && session)
		session_count(session, body->input);
	if (r == 0)
		r = launch_exec(conn->shim, exec, conn, body, process, request->id);
	else
		closep(&process);
	if (r < 0 && exec)
		exec_free(exec);
	return r;
}

void exec_request(struct conn *conn, Cleat__Shim__V1__ShimRequest *request, int *fds, size_t n_fds)
{
	struct shim *shim = conn->shim;
	size_t at = request->exec->process_fd ? 1 : 0;
	int process = at && n_fds ? fds[0] : -1;
	int fd = n_fds > at ? fds[at] : -1, r;

	sweep(shim);
	for (size_t i = at + 1; i < n_fds; i++)
		close(fds[i]);
	if (shim->state != ST_RUNNING || exec_find(shim, request->exec->exec_id)) {
		closep(&fd);
		closep(&process);
		request_fail(conn, request->id, 9,
			     shim->state == ST_PAUSED ? "PAUSED" : "NOT_RUNNING",
			     shim->state == ST_PAUSED ? "the container is paused"
						      : "the container is not running");
		return;
	}
	r = begin(conn, request, process, fd);
	if (r < 0)
		request_fail(conn, request->id, 13, "START_FAILED", strerror(-r));
}

void exec_started(struct exec *exec, pid_t pid)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	struct shim *shim = exec->io.shim;
	int wait_status;

	if (exec->probe) {
		probe_started(exec, pid);
		if (reap_claim(shim, pid, &wait_status))
			exec_exited(exec, wait_status);
		return;
	}
	exec->pid = pid;
	keep_tell(&exec->io);
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

	io_drain(&exec->io);
	if (exec->probe) {
		probe_exited(exec, exit_code);
		return;
	}
	forget_orphan(exec);
	exec->pid = 0;
	exec->done = true;
	exec->exit_code = exit_code;
	exec->io.held = false;
	set_timer(exec, EXEC_DONE_MS);
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED;
	event.exec_id = exec->id;
	event.exit_code = exit_code;
	journal_append(exec->io.shim, &event);
	io_end(&exec->io, exit_code, false);
}

static void orphan_ready(struct source *src, uint32_t events)
{
	struct exec *exec = container_of(src, struct exec, orphan);

	(void)events;
	exec_exited(exec, adopt_wait_status(src->fd, exec->pid));
}

void exec_adopt(struct shim *shim, const Cleat__Shim__V1__Kept *kept, int pidfd, const int std[3])
{
	struct exec *exec = exec_new(shim, kept->exec_id);
	int r;

	if (!exec) {
		log_error("exec is lost id=%.12s", kept->exec_id);
		return;
	}
	exec->pid = kept->pid;
	exec->orphan = (struct source){ .fd = pidfd, .ready = orphan_ready };
	exec->io.recent.adopted = true;
	if (kept->tty)
		r = io_open_tty(&exec->io, std[1]);
	else
		r = io_open_pipes(&exec->io, std[1], std[2], std[0]);
	if (r == 0)
		r = loop_add(&shim->loop, &exec->orphan, EPOLLIN);
	if (r < 0) {
		log_error("exec is lost id=%.12s error=%s", exec->id, strerror(-r));
		exec_free(exec);
		return;
	}
	exec_alone(exec);
}

int exec_signal(const struct exec *exec, int number)
{
	int r = exec->orphan.added ? pidfd_send_signal(exec->orphan.fd, number, NULL, 0)
				   : kill(exec->pid, number);

	return r < 0 ? -errno : 0;
}

static void send_end(struct exec *exec, struct session *session)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;

	frame.stream = 3;
	frame.ended = true;
	frame.exit_code = exec->exit_code;
	session->ending = true;
	(void)session_frame(session, &frame);
}

int exec_join(struct shim *shim, const Cleat__Shim__V1__AttachRequest *request, int fd,
	      Cleat__Shim__V1__ShimReply *reply)
{
	struct exec *exec = exec_find(shim, request->exec_id);
	const bool want[3] = { exec && !exec->done && request->stdin, request->stdout,
			       request->stderr };
	struct session *session = NULL;
	int r;

	if (!exec) {
		close(fd);
		return -ENOENT;
	}
	recent_locate(&exec->io.recent, request->position);
	r = session_add(&exec->io, fd, want, request->lossless, &session);
	if (r == 0) {
		session_count(session, request->input);
		session_tell_count(session, reply);
	}
	if (r < 0 || !recent_replay(&exec->io.recent, request->position, session))
		return r;
	if (exec->done) {
		send_end(exec, session);
		return 0;
	}
	exec->io.held = false;
	loop_timer_stop(&exec->timer);
	io_resume(&exec->io);
	return 0;
}
