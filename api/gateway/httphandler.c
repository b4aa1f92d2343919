/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler calls, in its own thread. */
#include <errno.h>
#include <fcntl.h>

#include "httpexchange.h"

struct exchange *exchange_of(const struct http_request *request)
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

int exchange_socket(const struct exchange *e)
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
		e->watched_fd = fcntl(exchange_socket(e), F_DUPFD_CLOEXEC, 0);
	r = e->gone ? -EPIPE : e->watched_fd < 0 ? -errno : e->watched_fd;
	pthread_mutex_unlock(&e->mutex);
	return r;
}

void exchange_go_on_as(struct exchange *e, enum mode mode)
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
	exchange_go_on_as(exchange_of(request), STREAM);
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
