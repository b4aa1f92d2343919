/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe without a reader breaks, a terminal without a master hangs up, the end of a process that nobody
 * holds a pidfd of is soon forgotten. So engines hold a second descriptor of each while they run: the shim
 * pushes them when streams open and when a subscriber comes, and again, fewer, when they close. The end of
 * stdin needs the engine's hand therefore; it comes from an engine in any case. A killed shim's successor
 * inherits a socket in which the engine has left all of it. */
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

/* In the order of the descriptors; bits of Kept.parts. */
enum part { PART_PIDFD, PART_STDOUT, PART_STDERR, PART_STDIN, N_PARTS };

/* What there is of `io`: borrowed, but for a pidfd that is made here, owned in *made. Returns how many. */
static size_t collect(const struct io *io, Cleat__Shim__V1__Kept *kept, int fds[N_PARTS], int *made)
{
	const struct exec *exec = io->exec;
	const struct source *orphan = exec ? &exec->orphan : &io->shim->orphan;
	pid_t pid = exec ? exec->pid : io->shim->status.pid;
	const int all[N_PARTS] = {
		[PART_PIDFD] = orphan->added ? orphan->fd
			       : pid > 0     ? *made = pidfd_open(pid, 0)
					     : -1,
		[PART_STDOUT] = io->out[0].src.fd,
		[PART_STDERR] = io->out[1].src.fd,
		[PART_STDIN] = io->tty ? -1 : io->in_fd,
	};
	size_t n = 0;

	kept->exec_id = exec ? (char *)(uintptr_t)exec->id : kept->exec_id;
	kept->tty = io->tty;
	kept->pid = pid;
	kept->pid_start_ticks = exec ? 0 : io->shim->status.pid_start_ticks;
	for (unsigned i = 0; i < N_PARTS; i++)
		if (all[i] >= 0) {
			kept->parts |= 1u << i;
			fds[n++] = all[i];
		}
	return n;
}

/* To one connection, or to all that subscribed. */
static void tell(struct io *io, struct conn *only, bool first)
{
	Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;
	Cleat__Shim__V1__Kept kept = CLEAT__SHIM__V1__KEPT__INIT;
	cleanup_fd int pidfd = -1;
	int fds[N_PARTS];
	size_t n = collect(io, &kept, fds, &pidfd);
	struct conn *conn;

	kept.first = first;
	message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_KEPT;
	message.kept = &kept;
	io->kept = n > 0;
	list_each (conn, &io->shim->conns, link)
		if (only ? conn == only : conn->subscribed)
			(void)control_send_fds(conn, &message, fds, n);
}

void keep_tell(struct io *io)
{
	bool open = io->out[0].src.fd >= 0 || io->in_fd >= 0 || (io->exec && io->exec->pid > 0);

	if ((open || io->kept) && !(io->exec && io->exec->probe))
		tell(io, NULL, false);
}

void keep_replay(struct conn *conn)
{
	struct exec *exec;

	tell(&conn->shim->io, conn, true);
	list_each (exec, &conn->shim->execs, link)
		if (exec->pid > 0 && !exec->probe)
			tell(&exec->io, conn, false);
}

/* The container's own streams; its pidfd is for adopt(). */
static int take_own(struct shim *shim, const Cleat__Shim__V1__Kept *kept, int fds[N_PARTS])
{
	const Cleat__Shim__V1__ShimStatus *s = &shim->status;
	int out = fds[PART_STDOUT], err = fds[PART_STDERR], in = fds[PART_STDIN];

	if (s->state != CLEAT__SHIM__V1__STATE__RUNNING &&
	    s->state != CLEAT__SHIM__V1__STATE__PAUSED &&
	    s->state != CLEAT__SHIM__V1__STATE__RESTARTING)
		return 0;
	if (s->pid > 0 && s->pid == kept->pid && s->pid_start_ticks == kept->pid_start_ticks) {
		shim->orphan.fd = fds[PART_PIDFD];
		fds[PART_PIDFD] = -1;
	}
	fds[PART_STDOUT] = fds[PART_STDERR] = fds[PART_STDIN] = -1;
	return kept->tty ? io_open_tty(&shim->io, out) : io_open_pipes(&shim->io, out, err, in);
}

static void take_exec(struct shim *shim, const Cleat__Shim__V1__Kept *kept, int fds[N_PARTS])
{
	const int std[] = { fds[PART_STDIN], fds[PART_STDOUT], fds[PART_STDERR] };

	if (fds[PART_PIDFD] < 0 || exec_find(shim, kept->exec_id))
		return;
	exec_adopt(shim, kept, fds[PART_PIDFD], std);
	for (size_t i = 0; i < N_PARTS; i++)
		fds[i] = -1;
}

static void take(struct shim *shim, const Cleat__Shim__V1__Kept *kept, const int *sent, size_t n)
{
	int fds[N_PARTS];
	size_t at = 0;
	int r = 0;

	for (unsigned i = 0; i < N_PARTS; i++)
		fds[i] = (kept->parts & 1u << i) && at < n ? sent[at++] : -1;
	for (; at < n; at++)
		close(sent[at]);
	if (kept->exec_id[0])
		take_exec(shim, kept, fds);
	else
		r = take_own(shim, kept, fds);
	if (r < 0)
		log_error("streams are lost id=%.12s error=%s", shim->id, strerror(-r));
	for (size_t i = 0; i < N_PARTS; i++)
		closep(&fds[i]);
}

void keep_layers(struct conn *conn)
{
	const struct shim *shim = conn->shim;
	bool alive = true;

	for (size_t at = 0; alive && at < shim->n_layers; at += FD_PASS_MAX) {
		Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;
		Cleat__Shim__V1__Kept kept = CLEAT__SHIM__V1__KEPT__INIT;
		size_t n = shim->n_layers - at < FD_PASS_MAX ? shim->n_layers - at : FD_PASS_MAX;

		kept.layers = true;
		kept.first_layer = (uint32_t)at;
		message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_KEPT;
		message.kept = &kept;
		alive = control_send_fds(conn, &message, shim->layers + at, n);
	}
}

static void take_layers(struct shim *shim, const int *sent, size_t n)
{
	int *grown = realloc(shim->layers, (shim->n_layers + n + 1) * sizeof(*grown));

	if (!grown) {
		log_error("no memory for the layers id=%.12s", shim->id);
		return;
	}
	memcpy(grown + shim->n_layers, sent, n * sizeof(*sent));
	shim->layers = grown;
	shim->n_layers += n;
}

/* One descriptor was sent, or none; in place of what there was. */
static void take_one(int *mine, const int *sent, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		closep(mine);
		*mine = sent[i];
	}
}

void keep_load(struct shim *shim, int fd)
{
	static uint8_t bytes[1024];
	cleanup_fd int sock = fd;
	int fds[FD_PASS_MAX];
	size_t n = ARRAY_LEN(fds);
	ssize_t len;

	while ((len = fd_recv(sock, bytes, sizeof(bytes), fds, &n, MSG_DONTWAIT)) > 0) {
		Cleat__Shim__V1__Kept *kept =
			cleat__shim__v1__kept__unpack(NULL, (size_t)len, bytes);

		if (kept && kept->layers)
			take_layers(shim, fds, n);
		else if (kept && kept->netns)
			take_one(&shim->netns, fds, n);
		else if (kept && kept->runtime)
			take_one(&shim->oci_sealed, fds, n);
		else if (kept)
			take(shim, kept, fds, n);
		if (kept)
			cleat__shim__v1__kept__free_unpacked(kept, NULL);
		n = ARRAY_LEN(fds);
	}
}
