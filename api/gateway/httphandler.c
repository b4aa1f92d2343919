/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler calls, in its own thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "httpexchange.h"

static struct exchange *exchange_of(const struct http_request *request)
{
	return container_of(request, struct exchange, request);
}

void exchange_suspend(struct exchange *e)
{
	e->suspended = true;
	MHD_suspend_connection(e->request.connection);
}

void exchange_resume(struct exchange *e)
{
	if (e->suspended && !e->gone)
		MHD_resume_connection(e->request.connection);
	e->suspended = false;
}

static int socket_of(const struct exchange *e)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(e->request.connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

int http_client_fd(const struct http_request *request)
{
	struct exchange *e = exchange_of(request);
	int r;

	pthread_mutex_lock(&e->mutex);
	if (e->watched_fd < 0 && !e->gone)
		e->watched_fd = fcntl(socket_of(e), F_DUPFD_CLOEXEC, 0);
	r = e->gone ? -EPIPE : e->watched_fd < 0 ? -errno : e->watched_fd;
	pthread_mutex_unlock(&e->mutex);
	return r;
}

/* From the handler's thread: the answer of this mode is queued from now on. */
static void go_on_as(struct exchange *e, enum mode mode)
{
	pthread_mutex_lock(&e->mutex);
	e->mode = mode;
	exchange_resume(e);
	pthread_mutex_unlock(&e->mutex);
}

void http_begin(struct http_request *request, unsigned status, const char *type)
{
	request->status = status;
	request->type = type;
	go_on_as(exchange_of(request), STREAM);
}

int http_write(struct http_request *request, const void *data, size_t n)
{
	const struct iovec part = { (void *)(uintptr_t)data, n };

	return http_writev(request, &part, 1);
}

int http_writev(struct http_request *request, const struct iovec *parts, size_t n)
{
	struct exchange *e = exchange_of(request);
	int r;

	pthread_mutex_lock(&e->mutex);
	while (e->unsent.len > HTTP_MAX_UNSENT && !e->gone)
		pthread_cond_wait(&e->changed, &e->mutex);
	for (size_t i = 0; i < n; i++)
		buf_append(&e->unsent, parts[i].iov_base, parts[i].iov_len);
	r = e->gone ? -EPIPE : e->unsent.error;
	exchange_resume(e);
	pthread_mutex_unlock(&e->mutex);
	return r;
}

int http_read(struct http_request *request, struct buf *piece)
{
	struct exchange *e = exchange_of(request);
	int r;

	piece->len = 0;
	pthread_mutex_lock(&e->mutex);
	while (request->body.len == 0 && !e->whole_body && !e->gone) {
		exchange_resume(e);
		pthread_cond_wait(&e->changed, &e->mutex);
	}
	r = request->body.len ? 1 : e->whole_body ? 0 : -EPIPE;
	if (r > 0) {
		struct buf empty = *piece;

		*piece = request->body;
		request->body = empty;
	}
	pthread_mutex_unlock(&e->mutex);
	return r;
}

int http_take(struct http_request *request, const char *type)
{
	struct exchange *e = exchange_of(request);
	int fd = socket_of(e);
	char head[128];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", type);

	if (MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION))
		return -EPROTO;
	buf_deinit(&request->body);
	if (send(fd, head, (size_t)n, MSG_NOSIGNAL) != n)
		return -EPIPE;
	pthread_mutex_lock(&e->mutex);
	e->mode = TAKEN;
	e->raw_fd = fd;
	pthread_mutex_unlock(&e->mutex);
	return fd;
}

bool http_wants_upgrade(const struct http_request *request)
{
	return strcasecmp(http_header(request, "Upgrade"), "tcp") == 0;
}

int http_upgrade(struct http_request *request, const char *type)
{
	struct exchange *e = exchange_of(request);
	int fd;

	buf_deinit(&request->body);
	request->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	request->type = type;
	go_on_as(e, RAW);
	pthread_mutex_lock(&e->mutex);
	while (e->raw_fd < 0 && !e->gone)
		pthread_cond_wait(&e->changed, &e->mutex);
	fd = e->raw_fd;
	pthread_mutex_unlock(&e->mutex);
	return fd < 0 ? -EPIPE : fd;
}
