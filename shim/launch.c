/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the runtime as a child. It inherits the container's standard streams as descriptors 0 to 2 and one
 * end of a SOCK_SEQPACKET pair, on which it says exactly once how it went; the container's init (or the
 * exec'd process) becomes the shim's child when the runtime ends. A terminal's master comes through a
 * console socket, as every OCI runtime does it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "fd.h"
#include "launchfds.h"
#include "log.h"
#include "runtime/notify.h"
#include "shim.h"
#include "str.h"

/* LAYER_FD is the first of as many as there are layers (shim.proto, ShimSpec.layers). */
enum { NOTIFY_FD = 4, PROCESS_FD = 5, LAYER_FD = 6 };

enum { ARGS_MAX = 24, NUMBER_MAX = 32 };

static int take_console(struct launch *launch)
{
	cleanup_fd int conn = -1;
	char byte[256];
	int fd = -1;
	size_t n = 1;

	conn = accept4(launch->console_fd, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0)
		return -errno;
	if (fd_recv(conn, byte, sizeof(byte), &fd, &n, MSG_DONTWAIT) <= 0 || n != 1)
		return -EPROTO;
	return fd;
}

static void launch_end(struct launch *launch)
{
	struct shim *shim = launch->shim;

	loop_remove(&shim->loop, &launch->src);
	close(launch->src.fd);
	if (launch->console_fd >= 0) {
		close(launch->console_fd);
		unlinkat(shim->run_fd, launch->console, 0);
	}
	list_remove(&launch->link);
	free(launch);
	if (list_empty(&shim->launches))
		reap_forget(shim);
}

static void reply_failed(const struct launch *launch, const struct oci_notify *notice)
{
	uint32_t code = notice->exit_code == 127 ? 5 : notice->exit_code == 126 ? 7 : 13;
	const char *reason = notice->exit_code == 127   ? "EXEC_NOT_FOUND"
			     : notice->exit_code == 126 ? "EXEC_NOT_PERMITTED"
			     : launch->update           ? "UPDATE_FAILED"
							: "START_FAILED";

	request_fail(launch->conn, launch->request, code, reason, notice->message);
}

/* What a runtime says that finds the other container's processes gone is about its own steps. */
static void explain(struct launch *launch, struct oci_notify *notice)
{
	const char *why = launch->exec || launch->update ? NULL : join_why(launch->shim);

	if (why)
		(void)snprintf(notice->message, sizeof(notice->message), "%s", why);
}

static void failed(struct launch *launch, struct oci_notify *notice)
{
	struct shim *shim = launch->shim;

	explain(launch, notice);

	if (launch->exec && launch->exec->probe)
		probe_failed(launch->exec, notice->message);
	else if (launch->exec)
		exec_free(launch->exec);
	else if (!launch->update)
		life_failed(shim, notice->exit_code, notice->message);
	reply_failed(launch, notice);
}

static void started(struct launch *launch, pid_t pid)
{
	Cleat__Shim__V1__ShimReply reply = CLEAT__SHIM__V1__SHIM_REPLY__INIT;
	struct shim *shim = launch->shim;
	struct io *io = launch->exec ? &launch->exec->io : &shim->io;

	if (launch->console_fd >= 0) {
		int fd = take_console(launch);

		if (fd < 0 || io_open_tty(io, fd) < 0)
			log_error("no terminal id=%.12s", shim->id);
		else if (!launch->exec && shim->spec->rows)
			(void)!io_resize(io, shim->spec->rows, shim->spec->columns);
	}
	if (launch->exec)
		session_tell_count(list_first(&io->sessions, struct session, link), &reply);
	/* Recorded before it is told: who hears of it may look at the status. */
	if (launch->exec)
		exec_started(launch->exec, pid);
	else
		life_started(shim, pid);
	reply.id = launch->request;
	reply.pid = pid;
	control_reply(launch->conn, &reply);
}

static void updated(const struct launch *launch)
{
	Cleat__Shim__V1__ShimReply reply = CLEAT__SHIM__V1__SHIM_REPLY__INIT;

	reply.id = launch->request;
	control_reply(launch->conn, &reply);
}

static void notice_ready(struct source *src, uint32_t events)
{
	struct launch *launch = container_of(src, struct launch, src);
	struct oci_notify notice = { .exit_code = 125,
				     .message = "the runtime ended without a word" };
	int fds[4];
	size_t n_fds = ARRAY_LEN(fds);
	ssize_t n = fd_recv(src->fd, &notice, sizeof(notice), fds, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	for (size_t i = 0; n > 0 && i < n_fds; i++)
		close(fds[i]);
	notice.message[sizeof(notice.message) - 1] = '\0';
	bool whole = n == sizeof(notice) && notice.magic == OCI_NOTIFY_MAGIC;

	if (whole && launch->update && notice.kind == OCI_NOTIFY_DONE)
		updated(launch);
	else if (whole && !launch->update && notice.kind == OCI_NOTIFY_STARTED)
		started(launch, notice.pid);
	else
		failed(launch, &notice);
	launch_end(launch);
}

/* The network namespace, and what other containers' are found by: those that there are. */
static int add_spaces(posix_spawn_file_actions_t *actions, const struct shim *shim, int next)
{
	int r = 0;

	if (shim->spec->netns)
		r = posix_spawn_file_actions_adddup2(actions, shim->netns, next++);
	for (enum join i = 0; i < N_JOINS && !r; i++)
		if (join_of(shim, i)[0])
			r = posix_spawn_file_actions_adddup2(actions, shim->joined[i].fd, next++);
	return r;
}

static int add_actions(posix_spawn_file_actions_t *actions, const struct shim *shim,
		       const struct launchfds *fds, int notify)
{
	int r = 0;

	for (int i = 0; i < 3 && !r; i++) {
		if (fds->std[i] >= 0)
			r = posix_spawn_file_actions_adddup2(actions, fds->std[i], i);
		else
			r = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
	}
	if (!r)
		r = posix_spawn_file_actions_adddup2(actions, notify, NOTIFY_FD);
	if (!r && fds->process >= 0)
		r = posix_spawn_file_actions_adddup2(actions, fds->process, PROCESS_FD);
	for (size_t i = 0; i < fds->n_layers && !r; i++)
		r = posix_spawn_file_actions_adddup2(actions, shim->layers[i], LAYER_FD + (int)i);
	if (!r && fds->spaces)
		r = add_spaces(actions, shim, LAYER_FD + (int)fds->n_layers);
	return r;
}

/* Above all numbers that the runtime is given its descriptors by. */
static int first_free(const struct shim *shim)
{
	return LAYER_FD + (int)shim->n_layers + 1 + N_JOINS;
}

/* The descriptors dup2'ed from must not be the low numbers dup2'ed to. */
static int move_up(const struct shim *shim, int *fd)
{
	int first = first_free(shim), up;

	if (*fd < 0 || *fd >= first)
		return 0;
	up = fcntl(*fd, F_DUPFD_CLOEXEC, first);
	if (up < 0)
		return -errno;
	close(*fd);
	*fd = up;
	return 0;
}

/* What is installed now: not what was when the engine made its mount of it. */
static bool is_current(const struct shim *shim)
{
	struct stat sealed, program;

	return fstat(shim->oci_sealed, &sealed) == 0 && stat(shim->oci_program, &program) == 0 &&
	       sealed.st_dev == program.st_dev && sealed.st_ino == program.st_ino;
}

/* The runtime on a mount as of fd_open_sealed(). Run from there it is safe from the container it enters, and
 * need not make such a mount itself and execute itself again (runtime/seal.c). Returns a descriptor, or -errno:
 * then the runtime looks after itself. */
static int open_sealed(const struct shim *shim)
{
	cleanup_fd int fd = -1;
	int r;

	if (shim->oci_sealed >= 0 && is_current(shim)) {
		fd = fcntl(shim->oci_sealed, F_DUPFD_CLOEXEC, first_free(shim));
		return fd < 0 ? -errno : steal_fd(&fd);
	}
	fd = fd_open_sealed(shim->oci_program);
	r = fd < 0 ? fd : move_up(shim, &fd);
	return r < 0 ? r : steal_fd(&fd);
}

static int spawn(struct shim *shim, struct launch *launch, char *const argv[],
		 struct launchfds *fds, int *notify)
{
	static char *const envp[] = { NULL };
	cleanup_fd int sealed = open_sealed(shim);
	char path[32];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r = move_up(shim, notify);

	for (size_t i = 0; i < ARRAY_LEN(fds->std) && r == 0; i++)
		r = move_up(shim, &fds->std[i]);
	r = r ? r : move_up(shim, &fds->process);
	for (size_t i = 0; i < fds->n_layers && r == 0; i++)
		r = move_up(shim, &shim->layers[i]);
	r = r ? r : move_up(shim, &shim->netns);
	for (size_t i = 0; i < N_JOINS && r == 0; i++)
		r = move_up(shim, &shim->joined[i].fd);
	if (r < 0 || posix_spawnattr_init(&attr))
		return r < 0 ? r : -ENOMEM;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", sealed);
	if (posix_spawn_file_actions_init(&actions) == 0) {
		r = add_actions(&actions, shim, fds, *notify);
		r = r ? -r
		      : -posix_spawn(&launch->pid, sealed < 0 ? shim->oci_program : path, &actions,
				     &attr, argv, envp);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attr);
	return r;
}

static struct launch *launch_new(struct shim *shim, struct exec *exec, struct conn *conn,
				 uint64_t request, bool tty)
{
	struct launch *launch = calloc(1, sizeof(*launch));

	if (!launch)
		return NULL;
	*launch = (struct launch){
		.shim = shim, .exec = exec, .conn = conn, .request = request, .console_fd = -1
	};
	list_init(&launch->link);
	snprintf(launch->console, sizeof(launch->console), "console%u", ++shim->n_launches);
	if (tty)
		launch->console_fd =
			fd_unix_listen(shim->run_fd, launch->console, SOCK_STREAM, 0600);
	return launch;
}

/* Spawns argv and watches its notice. Consumes fds; the launch frees itself. */
static int run(struct launch *launch, char *const argv[], struct launchfds *fds, bool tty)
{
	struct shim *shim = launch->shim;
	int pair[2] = { -1, -1 }, r = 0;

	if (tty && launch->console_fd < 0)
		r = launch->console_fd;
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		r = -errno;
	launch->src = (struct source){ .fd = pair[0], .ready = notice_ready };
	if (r == 0)
		r = spawn(shim, launch, argv, fds, &pair[1]);
	if (r == 0)
		r = loop_add(&shim->loop, &launch->src, EPOLLIN);
	launchfds_close(fds);
	closep(&pair[1]);
	if (r < 0)
		launch_end(launch);
	else
		list_append(&shim->launches, &launch->link);
	return r;
}

/* Another runtime is driven by ours. */
static size_t add_runtime(const struct shim *shim, char **argv, size_t n)
{
	if (!shim->spec->runtime[0])
		return n;
	argv[n++] = (char *)"--runtime";
	argv[n++] = shim->spec->runtime;
	return n;
}

/* What every call of the runtime begins with; the number of words. */
static size_t begin_arguments(const struct shim *shim, char **argv, const char *verb)
{
	size_t n = 0;

	argv[n++] = shim->oci_program;
	argv[n++] = (char *)"--root";
	argv[n++] = (char *)(uintptr_t)shim->oci_root;
	n = add_runtime(shim, argv, n);
	argv[n++] = (char *)(uintptr_t)verb;
	argv[n++] = (char *)"--notify-fd";
	argv[n++] = (char *)"4";
	return n;
}

const char *launch_reason(struct shim *shim, int error)
{
	const char *why = error == -EHOSTDOWN ? join_why(shim) : NULL;

	if (why)
		return why;
	if (error == -ENODATA)
		return "the layers of its image could not be mounted when its supervisor began";
	if (error == -EADDRINUSE)
		return "the port it publishes has meanwhile been taken by another process";
	return error == -ENONET ? "its network namespace is gone" : strerror(-error);
}

int launch_container(struct shim *shim, struct conn *conn, uint64_t request)
{
	bool tty = shim->spec->tty;
	struct launchfds fds = {
		.std = { -1, -1, -1 }, .process = -1, .n_layers = shim->n_layers, .spaces = true
	};
	char *argv[ARGS_MAX], rows[NUMBER_MAX], columns[NUMBER_MAX];
	size_t n = 0;
	struct launch *launch;
	int r = join_open(shim);

	if (r == 0 && shim->n_layers != shim->spec->n_layers)
		r = -ENODATA;
	if (r == 0 && shim->spec->netns && shim->netns < 0)
		r = -ENONET;
	names_open(shim);
	r = r ? r : ports_open(shim);
	if (r == 0 && !tty)
		r = io_open_fifos(shim);
	if (r == 0 && !tty)
		r = launchfds_container(shim, &fds);
	launch = r == 0 ? launch_new(shim, NULL, conn, request, tty) : NULL;
	if (!launch) {
		launchfds_close(&fds);
		return r < 0 ? r : -ENOMEM;
	}
	n = begin_arguments(shim, argv, "run");
	argv[n++] = (char *)"--detach";
	argv[n++] = (char *)"--bundle";
	argv[n++] = (char *)(uintptr_t)shim->state_path;
	if (tty) {
		argv[n++] = (char *)"--console-socket";
		argv[n++] = launch->console;
		(void)snprintf(rows, sizeof(rows), "--console-rows=%u", (uint16_t)shim->spec->rows);
		(void)snprintf(columns, sizeof(columns), "--console-columns=%u",
			       (uint16_t)shim->spec->columns);
		argv[n++] = rows;
		argv[n++] = columns;
	}
	argv[n++] = (char *)(uintptr_t)shim->id;
	argv[n] = NULL;
	r = run(launch, argv, &fds, tty);
	fault_point(FAULT_SHIM_LAUNCHED);
	return r;
}

int launch_exec(struct shim *shim, struct exec *exec, struct conn *conn,
		const Cleat__Shim__V1__ExecRequest *request, int process, uint64_t id)
{
	struct launchfds fds = { .std = { -1, -1, -1 }, .process = process };
	struct launch *launch;
	char *argv[ARGS_MAX];
	size_t n = 0;
	int r = launchfds_exec(exec, request, &fds);

	launch = r == 0 ? launch_new(shim, exec, conn, id, request->tty) : NULL;
	if (!launch) {
		launchfds_close(&fds);
		return r < 0 ? r : -ENOMEM;
	}
	n = begin_arguments(shim, argv, "exec");
	argv[n++] = (char *)"--detach";
	argv[n++] = (char *)"--process";
	argv[n++] = (char *)"/proc/self/fd/5";
	if (request->tty) {
		argv[n++] = (char *)"--tty";
		argv[n++] = (char *)"--console-socket";
		argv[n++] = launch->console;
	}
	argv[n++] = (char *)(uintptr_t)shim->id;
	argv[n] = NULL;
	return run(launch, argv, &fds, request->tty);
}

int launch_update(struct shim *shim, struct conn *conn, const Cleat__Shim__V1__ShimRequest *request)
{
	const ProtobufCBinaryData *json = &request->update_limits->resources_json;
	struct launchfds fds = { .std = { -1, -1, -1 }, .process = -1 };
	struct launch *launch;
	char *argv[ARGS_MAX];
	size_t n = 0;
	int r = launchfds_json(json, &fds);

	launch = r == 0 ? launch_new(shim, NULL, conn, request->id, false) : NULL;
	if (!launch) {
		launchfds_close(&fds);
		return r < 0 ? r : -ENOMEM;
	}
	launch->update = true;
	n = begin_arguments(shim, argv, "update");
	argv[n++] = (char *)"--resources";
	argv[n++] = (char *)"/proc/self/fd/5";
	argv[n++] = (char *)(uintptr_t)shim->id;
	argv[n] = NULL;
	return run(launch, argv, &fds, false);
}

void launch_forget_conn(struct shim *shim, const struct conn *conn)
{
	struct launch *launch;

	list_each (launch, &shim->launches, link)
		if (launch->conn == conn)
			launch->conn = NULL;
}

bool launch_join(struct shim *shim, struct conn *conn, uint64_t request)
{
	struct launch *launch;

	list_each (launch, &shim->launches, link) {
		if (launch->exec || launch->update || launch->conn)
			continue;
		launch->conn = conn;
		launch->request = request;
		return true;
	}
	return false;
}

void launch_abort(struct shim *shim, const struct exec *exec)
{
	struct launch *launch;

	list_each (launch, &shim->launches, link)
		if (launch->exec == exec)
			kill(launch->pid, SIGKILL);
}

bool launch_probes(const struct shim *shim)
{
	const struct launch *launch;

	list_each (launch, &shim->launches, link)
		if (launch->exec && launch->exec->probe)
			return true;
	return false;
}
