/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that become raw ones. A plain one that asks for it is upgraded by libmicrohttpd. What libmicrohttpd knows
 * no way for is taken from it: the connection stays suspended while the handler uses its socket, and is closed without
 * an answer. So it is without the client's asking, and with TLS, where libmicrohttpd would forward the bytes of an
 * upgraded connection, but not the end of one direction: the handler uses the session itself. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "fd.h"
#include "httpexchange.h"
#include "httptls.h"

enum { READER_STEPS = 100000 }; /* of 0.1 ms */

static void *session_of(const struct exchange *e)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(e->request.connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

static ssize_t raw_send(void *session, int fd, const void *data, size_t n)
{
	ssize_t sent;

	if (session)
		return httptls_write(session, data, n);
	sent = send(fd, data, n, MSG_NOSIGNAL);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
}

ssize_t http_raw_write(struct http_request *request, const void *data, size_t n)
{
	struct exchange *e = exchange_of(request);

	return raw_send(e->session, e->raw_fd, data, n);
}

ssize_t http_raw_read(struct http_request *request, void *data, size_t size)
{
	struct exchange *e = exchange_of(request);
	ssize_t n;

	if (e->session)
		return httptls_read(e->session, data, size);
	n = recv(e->raw_fd, data, size, 0);
	if (n >= 0)
		return n;
	if (errno == ECONNRESET) /* closed with output unread, which is an end as any other */
		return 0;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
}

bool http_raw_pending(const struct http_request *request)
{
	const struct exchange *e = exchange_of(request);

	return e->session && httptls_pending(e->session);
}

/* The head goes out at once, into an empty buffer: a part of it means that the client is gone. */
static int take(struct exchange *e, const char *head, size_t n)
{
	int fd = exchange_socket(e);
	void *session = session_of(e);

	buf_deinit(&e->request.body);
	if (raw_send(session, fd, head, n) != (ssize_t)n)
		return -EPIPE;
	pthread_mutex_lock(&e->mutex);
	e->outcome.first_ns = fd_monotonic_ns() - e->begun_ns;
	e->mode = TAKEN;
	e->session = session;
	e->raw_fd = fd;
	pthread_mutex_unlock(&e->mutex);
	return fd;
}

int http_take(struct http_request *request, const char *type)
{
	char head[128];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", type);

	return take(exchange_of(request), head, (size_t)n);
}

bool http_wants_upgrade(const struct http_request *request)
{
	return strcasecmp(http_header(request, "Upgrade"), "tcp") == 0;
}

static int upgrade_secured(struct exchange *e, const char *type)
{
	char head[192];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 101 UPGRADED\r\nContent-Type: %s\r\nConnection: Upgrade\r\n"
			 "Upgrade: tcp\r\n\r\n",
			 type);

	return take(e, head, (size_t)n);
}

int http_upgrade(struct http_request *request, const char *type)
{
	struct exchange *e = exchange_of(request);
	int fd;

	request->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	request->type = type;
	if (session_of(e))
		return upgrade_secured(e, type);
	buf_deinit(&request->body);
	exchange_go_on_as(e, RAW);
	pthread_mutex_lock(&e->mutex);
	while (e->raw_fd < 0 && !e->gone)
		pthread_cond_wait(&e->changed, &e->mutex);
	fd = e->raw_fd;
	pthread_mutex_unlock(&e->mutex);
	return fd < 0 ? -EPIPE : fd;
}

void http_raw_await_reader(int sock)
{
	static const struct timespec step = { .tv_nsec = 100000 };
	int unread = 0;

	for (int i = 0; i < READER_STEPS; i++) {
		if (ioctl(sock, SIOCOUTQ, &unread) < 0 || unread == 0)
			return;
		(void)nanosleep(&step, NULL);
	}
}
