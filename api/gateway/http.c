/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of libmicrohttpd reads and writes all connections of a listener. When a request is complete its
 * connection is suspended and a worker's thread calls the handler, which may wait for the engine as long as it takes;
 * then the connection is resumed and the answer queued. The number of such threads is bounded, for each may have a
 * connection to the engine too. What several ask at once is answered once (httpbatch.h). What is answered without
 * waiting is answered in libmicrohttpd's thread. A connection may idle only while it has no request at work.
 *
 * A streamed body is handed over at its first byte: libmicrohttpd's thread puts what comes into
 * request.body, the handler takes it from there, and the connection is suspended while it is full, which
 * holds up the client. libmicrohttpd takes no answer before the end of the body, so what comes after the
 * handler has begun to answer is dropped.
 *
 * A streamed answer is queued while the handler goes on: it writes into `unsent`, libmicrohttpd's thread
 * takes from there and suspends the connection when there is nothing. An exchange is freed by whoever of
 * the two is done with it last.
 *
 * libmicrohttpd's time-out counts only while a connection is not suspended, and anew from each byte: it ends clients
 * that send nothing of their request, or take nothing of an answer that is there for them. */
#include "httpexchange.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "httpbatch.h"
#include "httpconn.h"
#include "httphead.h"
#include "httptls.h"
#include "mem.h"
#include "origin.h"
#include "workers.h"

static void report(struct exchange *e)
{
	e->outcome.took_ns = fd_monotonic_ns() - e->begun_ns;
	e->outcome.client = e->client_name;
	e->outcome.agent = e->agent;
	e->outcome.subject = e->subject;
	e->service->ended(&e->request, &e->outcome);
}

static void exchange_free(struct exchange *e)
{
	if (e->path && e->service->ended)
		report(e);
	httpbatch_answer_unref(e->answer);
	buf_deinit(&e->request.body);
	buf_deinit(&e->request.reply);
	free(e->request.header_value);
	buf_deinit(&e->unsent);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->mutex);
	free(e->subject);
	free(e->path);
	if (e->watched_fd >= 0)
		close(e->watched_fd);
	free(e);
}

/* A socket that is closed with unread input in it resets its peer, which would take the end for a failure. */
static void end_raw(struct exchange *e)
{
	uint8_t unread[4096];

	if (e->session)
		httptls_end(e->session);
	(void)shutdown(e->raw_fd, SHUT_RDWR);
	while (recv(e->raw_fd, unread, sizeof(unread), MSG_DONTWAIT) > 0)
		;
	if (e->upgrade)
		MHD_upgrade_action(e->upgrade, MHD_UPGRADE_ACTION_CLOSE);
}

void exchange_finish(struct exchange *e)
{
	bool last;

	if (e->raw_fd >= 0)
		end_raw(e);
	pthread_mutex_lock(&e->mutex);
	e->ended = true;
	last = e->gone;
	exchange_resume(e);
	pthread_mutex_unlock(&e->mutex);
	if (last)
		exchange_free(e);
}

static void run(void *arg)
{
	struct exchange *e = arg;

	e->service->handle(&e->request, e->service->arg);
	exchange_finish(e);
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
	if (e->refused)
		MHD_add_response_header(response, "Connection", "close");
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
		e->outcome.sent_bytes += (uint64_t)n;
		pthread_cond_signal(&e->changed);
	} else if (e->ended) {
		n = e->request.broken ? MHD_CONTENT_READER_END_WITH_ERROR
				      : MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		exchange_suspend(e);
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
	e->outcome.sent_bytes = size;
	return MHD_create_response_from_buffer(size, q->reply.data ? q->reply.data : (char *)"",
					       MHD_RESPMEM_MUST_COPY);
}

struct MHD_Response *exchange_response(struct exchange *e)
{
	struct MHD_Response *response = e->mode == TAKEN ? NULL : make_response(e);

	if (response)
		add_headers(e, response);
	return response;
}

static enum MHD_Result answer(struct exchange *e)
{
	struct MHD_Response *response = e->answer ? e->answer->response : exchange_response(e);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	e->outcome.first_ns = fd_monotonic_ns() - e->begun_ns;
	result = MHD_queue_response(e->request.connection,
				    e->request.reply.error ? 500 : e->request.status, response);
	if (!e->answer)
		MHD_destroy_response(response);
	return result;
}

/* An answer that no handler gives. */
static void answer_with(struct exchange *e, unsigned status, const char *message)
{
	e->request.status = status;
	e->request.type = "application/json";
	buf_puts(&e->request.reply, "{\"message\":");
	buf_json_string(&e->request.reply, message, strlen(message));
	buf_puts(&e->request.reply, "}\n");
	e->handed_over = e->ended = true;
}

/* The connection stays suspended until the handler reads or answers. */
static void hand_over(struct exchange *e)
{
	int r;

	e->handed_over = true;
	httpconn_waits(e->client, false);
	pthread_mutex_lock(&e->mutex);
	exchange_suspend(e);
	pthread_mutex_unlock(&e->mutex);
	if (e->service->is_shared(e->method, e->path))
		r = httpbatch_run(e);
	else
		r = workers_run(run, e, e->service->limits.requests);
	if (r == 0)
		return;
	pthread_mutex_lock(&e->mutex);
	answer_with(e, 503, "too many requests at once");
	exchange_resume(e);
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
		exchange_suspend(e);
	} else {
		if (!has_answer(e))
			buf_append(&e->request.body, data, *size);
		*size = 0;
		pthread_cond_signal(&e->changed);
	}
	pthread_mutex_unlock(&e->mutex);
}

static void answer_here(struct exchange *e)
{
	e->service->handle(&e->request, e->service->arg);
	e->handed_over = e->ended = true;
}

/* The body is complete; called again when there is an answer. */
static enum MHD_Result body_ended(struct exchange *e)
{
	bool ready;

	if (!e->handed_over && e->request.body.error)
		answer_with(e, 413, "the request's body is too large");
	else if (!e->handed_over && e->service->is_quick(e->method, e->path))
		answer_here(e);
	pthread_mutex_lock(&e->mutex);
	e->whole_body = true;
	pthread_cond_signal(&e->changed);
	ready = has_answer(e);
	if (e->handed_over && !ready)
		exchange_suspend(e);
	pthread_mutex_unlock(&e->mutex);
	if (ready)
		return answer(e);
	if (!e->handed_over)
		hand_over(e);
	return MHD_YES;
}

static struct httpconn *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct exchange *begin(const struct http_service *service, struct MHD_Connection *connection,
			      const char *method, const char *url)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->service = service;
	list_init(&e->batched);
	e->begun_ns = fd_monotonic_ns();
	e->client = client_of(connection);
	e->request.connection = connection;
	e->raw_fd = e->watched_fd = -1;
	pthread_mutex_init(&e->mutex, NULL);
	pthread_cond_init(&e->changed, NULL);
	e->path = strdup(url);
	if (httpconn_subject(e->client))
		e->subject = strdup(httpconn_subject(e->client));
	if (!e->path) {
		exchange_free(e);
		return NULL;
	}
	(void)snprintf(e->method, sizeof(e->method), "%s", method);
	(void)snprintf(e->client_name, sizeof(e->client_name), "%s", httpconn_client(e->client));
	(void)snprintf(e->agent, sizeof(e->agent), "%s", http_header(&e->request, "User-Agent"));
	e->request.method = e->method;
	e->request.path = e->path;
	e->request.content_type = http_header(&e->request, "Content-Type");
	e->request.timeout_ms = http_header(&e->request, "Connect-Timeout-Ms");
	e->request.body.max = service->limits.body_bytes;
	return e;
}

static enum origin_way way_of(const struct httpconn *c)
{
	return !httpconn_is_tcp(c) ? ORIGIN_LOCAL : httpconn_subject(c) ? ORIGIN_KNOWN : ORIGIN_TCP;
}

/* Then it is answered before its body, and the connection ends. */
static bool is_refused(struct exchange *e, const char *version)
{
	const char *why = httphead_refused(e->request.connection, version);
	unsigned status = why ? 400 : 403;

	if (!why)
		why = origin_refused(http_header(&e->request, "Origin"),
				     http_header(&e->request, "Sec-Fetch-Site"),
				     http_header(&e->request, "Host"), way_of(e->client));
	if (!why)
		return false;
	e->refused = true;
	answer_with(e, status, why);
	return true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct exchange *e = *state;

	if (!e) {
		*state = e = begin(arg, connection, method, url);
		if (!e)
			return MHD_NO;
		if (!is_refused(e, version))
			return MHD_YES;
		return answer(e);
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
	(void)connection;
	if (!e)
		return;
	*state = NULL;
	e->outcome.complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK || e->mode == TAKEN;
	if (e->outcome.complete && e->mode != RAW && e->mode != TAKEN)
		httpconn_waits(e->client, true);
	pthread_mutex_lock(&e->mutex);
	e->gone = true;
	last = e->ended || !e->handed_over;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->mutex);
	if (last)
		exchange_free(e);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		httpconn_free(*context);
		return;
	}
	*context = httpconn_new(
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	if (arg)
		httptls_begin(
			arg,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
				->tls_session,
			*context);
}

/* One for each listener. */
static struct {
	struct MHD_Daemon *daemon;
	struct httptls *tls;
} listeners[HTTP_MAX_LISTENERS];
static size_t n_listeners;

void http_stop_listening(void)
{
	for (size_t i = 0; i < n_listeners; i++)
		(void)MHD_quiesce_daemon(listeners[i].daemon);
}

unsigned http_connections(void)
{
	return httpconn_count();
}

void http_sweep(unsigned after_s)
{
	int64_t now = fd_monotonic_ns();

	httpconn_sweep(now - after_s * INT64_C(1000000000));
	httpconn_sweep_handshakes(now - HTTP_HANDSHAKE_S * INT64_C(1000000000));
}

static struct MHD_Daemon *start_daemon(int listen_fd, const struct http_service *service,
				       struct httptls *tls)
{
	const struct http_limits *limits = &service->limits;
	struct MHD_OptionItem none = { MHD_OPTION_END, 0, NULL }, secured[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->key : NULL },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->cert : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)HTTPTLS_PRIORITIES },
		{ tls && tls->ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  tls ? tls->ca : NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			(tls ? MHD_USE_TLS : 0u),
		0, NULL, NULL, on_request, (void *)(uintptr_t)service, MHD_OPTION_LISTEN_SOCKET,
		listen_fd, MHD_OPTION_CONNECTION_LIMIT, limits->connections,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		limits->head_bytes, MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, tls, MHD_OPTION_ARRAY, tls ? secured : &none, MHD_OPTION_END);
}

int http_start(int listen_fd, const struct http_service *service, const struct http_tls *files,
	       struct err *err)
{
	cleanup(httptls_freep) struct httptls *tls = NULL;
	int r = 0;

	if (n_listeners == HTTP_MAX_LISTENERS)
		return err_set(err, ERR_EXHAUSTED, "more than %d listeners", HTTP_MAX_LISTENERS);
	if (files)
		r = httptls_new(&tls, files, err);
	if (r < 0)
		return r;
	listeners[n_listeners].daemon = start_daemon(listen_fd, service, tls);
	if (!listeners[n_listeners].daemon)
		return err_set(err, ERR_INTERNAL, "libmicrohttpd does not start");
	listeners[n_listeners++].tls = steal(&tls);
	return 0;
}
