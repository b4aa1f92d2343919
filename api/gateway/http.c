/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of libmicrohttpd reads and writes all connections. When a request is complete its
 * connection is suspended and a thread of the request calls the handler, which may wait for the
 * engine as long as it takes; then the connection is resumed and the answer queued. The number of
 * such threads is bounded by that of connections. */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <string.h>

struct http {
	http_handler *handler;
	void *arg;
};

struct exchange {
	struct http_request request;
	struct http *http;
	struct MHD_Connection *connection;
	char *path;
	bool handed_over;
};

static void *run(void *arg)
{
	struct exchange *e = arg;

	e->http->handler(&e->request, e->http->arg);
	MHD_resume_connection(e->connection);
	return NULL;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

static enum MHD_Result answer(struct exchange *e)
{
	struct http_request *q = &e->request;
	bool head = !strcmp(q->method, "HEAD");
	size_t size = head || q->reply.error ? 0 : q->reply.len;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		size, q->reply.data ? q->reply.data : (char *)"", MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Server", "Docker/" CLEAT_VERSION " (linux)");
	MHD_add_response_header(response, "Api-Version", "1.48");
	MHD_add_response_header(response, "Ostype", "linux");
	if (q->type)
		MHD_add_response_header(response, "Content-Type", q->type);
	if (strstr(e->path, "_ping")) {
		MHD_add_response_header(response, "Builder-Version", "1");
		MHD_add_response_header(response, "Swarm", "inactive");
		MHD_add_response_header(response, "Cache-Control",
					"no-cache, no-store, must-revalidate");
		MHD_add_response_header(response, "Pragma", "no-cache");
	}
	result = MHD_queue_response(e->connection, q->reply.error ? 500 : q->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result hand_over(struct exchange *e)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	e->handed_over = true;
	if (e->request.body.error) {
		e->request.status = 413;
		e->request.type = "application/json";
		buf_puts(&e->request.reply, "{\"message\":\"request body is larger than 16 MiB\"}");
		return answer(e);
	}
	MHD_suspend_connection(e->connection);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	r = pthread_create(&thread, &attr, run, e);
	pthread_attr_destroy(&attr);
	if (r) {
		e->request.status = 503;
		MHD_resume_connection(e->connection);
	}
	return MHD_YES;
}

static struct exchange *begin(struct http *http, struct MHD_Connection *connection,
			      const char *method, const char *url)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->http = http;
	e->connection = connection;
	e->path = strdup(url);
	if (!e->path) {
		free(e);
		return NULL;
	}
	e->request.method = method;
	e->request.path = e->path;
	e->request.content_type = header(connection, "Content-Type");
	e->request.timeout_ms = header(connection, "Connect-Timeout-Ms");
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
	if (*size) {
		buf_append(&e->request.body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return e->handed_over ? answer(e) : hand_over(e);
}

static void on_end(void *arg, struct MHD_Connection *connection, void **state,
		   enum MHD_RequestTerminationCode code)
{
	struct exchange *e = *state;

	(void)arg;
	(void)connection;
	(void)code;
	if (!e)
		return;
	buf_deinit(&e->request.body);
	buf_deinit(&e->request.reply);
	free(e->path);
	free(e);
	*state = NULL;
}

int http_start(int listen_fd, http_handler *handler, void *arg, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return err_sys(err, ENOMEM, "start HTTP");
	http->handler = handler;
	http->arg = arg;
	if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
			      NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, listen_fd,
			      MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS,
			      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MAX_HEAD,
			      MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END)) {
		free(http);
		return err_set(err, ERR_INTERNAL, "libmicrohttpd does not start");
	}
	return 0;
}
