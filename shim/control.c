/* SPDX-License-Identifier: Apache-2.0 */
/* Engines connect to a SOCK_SEQPACKET listener made by the engine that spawned this shim. Sending never
 * blocks: a connection whose socket is full is dropped, its engine connects again and gets the events it
 * missed from the journal. Only the user the shim runs as, and root, are heard. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

static void drop(struct shim *shim, struct conn *conn)
{
	loop_remove(&shim->loop, &conn->src);
	close(conn->src.fd);
	list_remove(&conn->link);
	shim->n_conns--;
	launch_forget_conn(shim, conn);
	later_forget_conn(shim, conn);
	free(conn);
	/* Without an engine there is nothing to wait for once the container has ended: the files hold
	 * all. A container never started goes on waiting in its record. */
	if (shim->n_conns == 0 && (shim->state == ST_EXITED || shim->state == ST_CREATED))
		loop_stop(&shim->loop);
}

bool control_send_fds(struct conn *conn, const Cleat__Shim__V1__ShimMessage *message,
		      const int *fds, size_t n_fds)
{
	static uint8_t bytes[SHIM_MESSAGE_MAX];
	size_t len = cleat__shim__v1__shim_message__get_packed_size(message);
	int r;

	if (len > sizeof(bytes))
		return true;
	cleat__shim__v1__shim_message__pack(message, bytes);
	r = fd_send(conn->src.fd, bytes, len, fds, n_fds, MSG_DONTWAIT);
	if (r == 0)
		return true;
	/* Not freed here: callers hold it. The hang-up comes back through the loop. */
	shutdown(conn->src.fd, SHUT_RDWR);
	conn->subscribed = false;
	return false;
}

bool control_send(struct conn *conn, const Cleat__Shim__V1__ShimMessage *message)
{
	return control_send_fds(conn, message, NULL, 0);
}

void control_reply(struct conn *conn, Cleat__Shim__V1__ShimReply *reply)
{
	Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;

	if (!conn)
		return;
	message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_REPLY;
	message.reply = reply;
	control_send(conn, &message);
}

void control_broadcast(struct shim *shim, const Cleat__Shim__V1__ShimMessage *message)
{
	struct conn *conn;

	list_each (conn, &shim->conns, link)
		if (conn->subscribed)
			control_send(conn, message);
}

static void conn_ready(struct source *src, uint32_t events)
{
	static uint8_t bytes[SHIM_MESSAGE_MAX];
	struct conn *conn = container_of(src, struct conn, src);
	struct shim *shim = conn->shim;
	int fds[FD_PASS_MAX];
	size_t n_fds = ARRAY_LEN(fds);
	Cleat__Shim__V1__ShimRequest *request;
	ssize_t n = fd_recv(src->fd, bytes, sizeof(bytes), fds, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		drop(shim, conn);
		return;
	}
	request = cleat__shim__v1__shim_request__unpack(NULL, (size_t)n, bytes);
	if (!request) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		drop(shim, conn);
		return;
	}
	request_handle(conn, request, fds, n_fds);
	cleat__shim__v1__shim_request__free_unpacked(request, NULL);
}

static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void accept_ready(struct source *src, uint32_t events)
{
	struct shim *shim = container_of(src, struct shim, listener);
	cleanup_fd int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *conn;

	(void)events;
	if (fd < 0 || shim->n_conns >= SHIM_CONNS_MAX || !is_trusted(fd))
		return;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return;
	conn->shim = shim;
	conn->src = (struct source){ .fd = fd, .ready = conn_ready };
	if (loop_add(&shim->loop, &conn->src, EPOLLIN) < 0) {
		free(conn);
		return;
	}
	steal_fd(&fd);
	list_append(&shim->conns, &conn->link);
	shim->n_conns++;
}

int control_open(struct shim *shim)
{
	shim->listener = (struct source){ .fd = SHIM_LISTEN_FD, .ready = accept_ready };
	return loop_add(&shim->loop, &shim->listener, EPOLLIN);
}

void control_tell_rotated(struct shim *shim, struct conn *only)
{
	Cleat__Shim__V1__LogRotated body = CLEAT__SHIM__V1__LOG_ROTATED__INIT;
	Cleat__Shim__V1__ShimMessage message = CLEAT__SHIM__V1__SHIM_MESSAGE__INIT;

	shim->log.rotated = false;
	if (shim->spec->logging && shim->spec->logging->plain)
		return;
	message.message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_LOG_ROTATED;
	message.log_rotated = &body;
	if (only)
		(void)control_send(only, &message);
	else
		control_broadcast(shim, &message);
}
