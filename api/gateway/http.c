/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of libmicrohttpd reads and writes all connections. When a request is complete its
 * connection is suspended and a thread of the request calls the handler, which may wait for the
 * engine as long as it takes; then the connection is resumed and the answer queued. The number of
 * such threads is bounded, for each has a connection to the engine too. A connection may idle only while it
 * has no request at work: a follower may be silent for days.
 *
 * A streamed body is handed over at its first byte: libmicrohttpd's thread puts what comes into
 * request.body, the handler takes it from there, and the connection is suspended while it is full, which
 * holds up the client. libmicrohttpd takes no answer before the end of the body, so what comes after the
 * handler has begun to answer is dropped.
 *
 * A connection that becomes a raw one without an upgrade is taken from libmicrohttpd, which knows none such: it
 * stays suspended while the handler uses its socket, and is closed without an answer.
 *
 * A streamed answer is queued while the handler goes on: it writes into `unsent`, libmicrohttpd's thread
 * takes from there and suspends the connection when there is nothing. An exchange is freed by whoever of
 * the two is done with it last. */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "thread.h"

enum mode { WHOLE, STREAM, RAW, TAKEN };

struct exchange {
	struct http_request request;
	const struct http_service *service;
	char *path;
	bool handed_over;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* Under the mutex. */
	enum mode mode;
	struct buf unsent;
	bool whole_body; /* it has come to its end */
	bool ended;      /* the handler has returned */
	bool gone;       /* libmicrohttpd is done with the request */
	bool suspended;
	int raw_fd; /* of an upgraded or taken connection, -1 = not yet */
	struct MHD_UpgradeResponseHandle *upgrade;
};

/* Room for the deepest JSON the parser takes, in a build with sanitizers too; what is not used costs nothing. */
enum { STACK_BYTES = 2 << 20 };

static atomic_uint at_work; /* handlers */

static struct exchange *exchange_of(const struct http_request *request)
{
	return container_of(request, struct exchange, request);
}

static void exchange_free(struct exchange *e)
{
	buf_deinit(&e->request.body);
	buf_deinit(&e->request.reply);
	free(e->request.header_value);
	buf_deinit(&e->unsent);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->mutex);
	free(e->path);
	free(e);
}

int http_client_fd(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Both under the mutex. */
static void suspend(struct exchange *e)
{
	e->suspended = true;
	MHD_suspend_connection(e->request.connection);
}

static void resume(struct exchange *e)
{
	if (e->suspended && !e->gone)
		MHD_resume_connection(e->request.connection);
	e->suspended = false;
}

/* A socket that is closed with unread input in it resets its peer, which would take the end for a failure. */
static void end_raw(struct exchange *e)
{
	uint8_t unread[4096];

	(void)shutdown(e->raw_fd, SHUT_RDWR);
	while (recv(e->raw_fd, unread, sizeof(unread), MSG_DONTWAIT) > 0)
		;
	if (e->upgrade)
		MHD_upgrade_action(e->upgrade, MHD_UPGRADE_ACTION_CLOSE);
}

/* The handler's part of the exchange ends. */
static void finish(struct exchange *e)
{
	bool last;

	if (e->raw_fd >= 0)
		end_raw(e);
	pthread_mutex_lock(&e->mutex);
	e->ended = true;
	last = e->gone;
	resume(e);
	pthread_mutex_unlock(&e->mutex);
	if (last)
		exchange_free(e);
}

static void *run(void *arg)
{
	struct exchange *e = arg;

	e->service->handle(&e->request, e->service->arg);
	atomic_fetch_sub(&at_work, 1);
	finish(e);
	return NULL;
}

static void add_headers(struct exchange *e, struct MHD_Response *response)
{
	MHD_add_response_header(response, "Server", "Docker/" CLEAT_VERSION " (linux)");
	MHD_add_response_header(response, "Api-Version", "1.48");
	MHD_add_response_header(response, "Ostype", "linux");
	if (e->request.type)
		MHD_add_response_header(response, "Content-Type", e->request.type);
	if (e->request.header && e->request.header_value)
		MHD_add_response_header(response, e->request.header, e->request.header_value);
	if (e->request.coding) {
		MHD_add_response_header(response, "Content-Encoding", e->request.coding);
		MHD_add_response_header(response, "Vary", "Accept-Encoding");
	}
	if (!strstr(e->path, "_ping"))
		return;
	MHD_add_response_header(response, "Builder-Version", "1");
	MHD_add_response_header(response, "Swarm", "inactive");
	MHD_add_response_header(response, "Cache-Control", "no-cache, no-store, must-revalidate");
	MHD_add_response_header(response, "Pragma", "no-cache");
}

static ssize_t read_unsent(void *arg, uint64_t position, char *out, size_t max)
{
	struct exchange *e = arg;
	ssize_t n = 0;

	(void)position;
	pthread_mutex_lock(&e->mutex);
	if (e->unsent.len) {
		n = (ssize_t)(e->unsent.len < max ? e->unsent.len : max);
		memcpy(out, e->unsent.data, (size_t)n);
		buf_consume(&e->unsent, (size_t)n);
		pthread_cond_signal(&e->changed);
	} else if (e->ended) {
		n = e->request.broken ? MHD_CONTENT_READER_END_WITH_ERROR
				      : MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		suspend(e);
	}
	pthread_mutex_unlock(&e->mutex);
	return n;
}

static void on_upgrade(void *arg, struct MHD_Connection *connection, void *state, const char *extra,
		       size_t n, MHD_socket sock, struct MHD_UpgradeResponseHandle *upgrade)
{
	struct exchange *e = arg;

	(void)connection;
	(void)state;
	pthread_mutex_lock(&e->mutex);
	buf_append(&e->request.body, extra, n);
	e->upgrade = upgrade;
	e->raw_fd = sock;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->mutex);
}

static struct MHD_Response *make_response(struct exchange *e)
{
	struct http_request *q = &e->request;
	size_t size = !strcmp(q->method, "HEAD") || q->reply.error ? 0 : q->reply.len;
	struct MHD_Response *response;

	if (e->mode == STREAM)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, read_unsent, e,
							 NULL);
	if (e->mode == RAW) {
		response = MHD_create_response_for_upgrade(on_upgrade, e);
		if (response)
			MHD_add_response_header(response, "Upgrade", "tcp");
		return response;
	}
	return MHD_create_response_from_buffer(size, q->reply.data ? q->reply.data : (char *)"",
					       MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer(struct exchange *e)
{
	struct MHD_Response *response = e->mode == TAKEN ? NULL : make_response(e);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(e, response);
	result = MHD_queue_response(e->request.connection,
				    e->request.reply.error ? 500 : e->request.status, response);
	MHD_destroy_response(response);
	return result;
}

/* From the handler's thread: the answer of this mode is queued from now on. */
static void go_on_as(struct exchange *e, enum mode mode)
{
	pthread_mutex_lock(&e->mutex);
	e->mode = mode;
	resume(e);
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
	resume(e);
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
		resume(e);
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
	int fd = http_client_fd(request);
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

static bool start_handler(struct exchange *e)
{
	pthread_t thread;
	int r;

	if (atomic_fetch_add(&at_work, 1) >= HTTP_MAX_REQUESTS) {
		atomic_fetch_sub(&at_work, 1);
		return false;
	}
	r = thread_start(&thread, STACK_BYTES, run, e);
	if (r == 0)
		pthread_detach(thread);
	else
		atomic_fetch_sub(&at_work, 1);
	return r == 0;
}

/* The connection stays suspended until the handler reads or answers. */
static void hand_over(struct exchange *e)
{
	e->handed_over = true;
	MHD_set_connection_option(e->request.connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	pthread_mutex_lock(&e->mutex);
	suspend(e);
	pthread_mutex_unlock(&e->mutex);
	if (start_handler(e))
		return;
	pthread_mutex_lock(&e->mutex);
	e->request.status = 503;
	e->request.type = "application/json";
	buf_puts(&e->request.reply, "{\"message\":\"too many requests at once\"}");
	e->ended = true;
	resume(e);
	pthread_mutex_unlock(&e->mutex);
}

static bool has_answer(const struct exchange *e)
{
	return e->ended || e->mode != WHOLE;
}

/* Bytes of a streamed body; what is not taken now is offered again after the resume. */
static void take_part(struct exchange *e, const char *data, size_t *size)
{
	if (!e->handed_over) {
		hand_over(e);
		return;
	}
	pthread_mutex_lock(&e->mutex);
	if (!has_answer(e) && e->request.body.len >= HTTP_MAX_UNREAD) {
		suspend(e);
	} else {
		if (!has_answer(e))
			buf_append(&e->request.body, data, *size);
		*size = 0;
		pthread_cond_signal(&e->changed);
	}
	pthread_mutex_unlock(&e->mutex);
}

/* The body is complete; called again when there is an answer. */
static enum MHD_Result body_ended(struct exchange *e)
{
	bool ready;

	if (!e->handed_over && e->request.body.error) {
		e->handed_over = e->ended = true;
		e->request.status = 413;
		e->request.type = "application/json";
		buf_puts(&e->request.reply, "{\"message\":\"request body is larger than 16 MiB\"}");
	}
	pthread_mutex_lock(&e->mutex);
	e->whole_body = true;
	pthread_cond_signal(&e->changed);
	ready = has_answer(e);
	if (e->handed_over && !ready)
		suspend(e);
	pthread_mutex_unlock(&e->mutex);
	if (ready)
		return answer(e);
	if (!e->handed_over)
		hand_over(e);
	return MHD_YES;
}

static struct exchange *begin(const struct http_service *service, struct MHD_Connection *connection,
			      const char *method, const char *url)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->service = service;
	e->request.connection = connection;
	e->raw_fd = -1;
	pthread_mutex_init(&e->mutex, NULL);
	pthread_cond_init(&e->changed, NULL);
	e->path = strdup(url);
	if (!e->path) {
		exchange_free(e);
		return NULL;
	}
	e->request.method = method;
	e->request.path = e->path;
	e->request.content_type = http_header(&e->request, "Content-Type");
	e->request.timeout_ms = http_header(&e->request, "Connect-Timeout-Ms");
	e->request.body.max = HTTP_MAX_BODY;
	return e;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct exchange *e = *state;

	(void)version;
	if (!e) {
		*state = begin(arg, connection, method, url);
		return *state ? MHD_YES : MHD_NO;
	}
	if (!*size)
		return body_ended(e);
	if (e->service->streams_body(method, e->path)) {
		take_part(e, data, size);
	} else {
		buf_append(&e->request.body, data, *size);
		*size = 0;
	}
	return MHD_YES;
}

static void on_end(void *arg, struct MHD_Connection *connection, void **state,
		   enum MHD_RequestTerminationCode code)
{
	struct exchange *e = *state;
	bool last;

	(void)arg;
	if (!e)
		return;
	*state = NULL;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && e->mode != RAW)
		MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
					  (unsigned)HTTP_IDLE_S);
	pthread_mutex_lock(&e->mutex);
	e->gone = true;
	last = e->ended || !e->handed_over;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->mutex);
	if (last)
		exchange_free(e);
}

int http_start(int listen_fd, const struct http_service *service, struct err *err)
{
	if (MHD_start_daemon(
		    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, 0,
		    NULL, NULL, on_request, (void *)(uintptr_t)service, MHD_OPTION_LISTEN_SOCKET,
		    listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS,
		    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MAX_HEAD,
		    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
		    MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END))
		return 0;
	return err_set(err, ERR_INTERNAL, "libmicrohttpd does not start");
}
