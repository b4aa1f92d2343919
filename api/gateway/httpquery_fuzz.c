/* SPDX-License-Identifier: Apache-2.0 */
/* A query as it comes over a socket, read by libmicrohttpd, and what makes messages of one: a build's options, filters
 * in both shapes, a platform. */
#include <ctype.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buildquery.h"

enum { QUERY_MAX = 8 << 10, HEAD_BYTES = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *body,
				  size_t *n_body, void **state)
{
	struct http_request q = { .connection = connection, .method = method, .path = path };
	struct gw gw = { .http = &q };
	Cleat__V1__BuildRequest *build = malloc(sizeof(*build));
	Cleat__V1__BuildRequest__Options *options = malloc(sizeof(*options));
	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	Cleat__V1__Filter **filters = NULL;
	json_t *root = NULL;
	size_t n = 0;

	(void)arg, (void)version, (void)body, (void)n_body, (void)state;
	if (!build || !options)
		abort();
	cleat__v1__build_request__init(build);
	cleat__v1__build_request__options__init(options);
	(void)!buildquery_read(&gw, options, NULL);
	build->message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_OPTIONS;
	build->options = options;
	cleat__v1__build_request__free_unpacked(build, NULL);
	if (gw_filters(&gw, &filters, &n, NULL) == 0)
		filtersjson_free(filters, n);
	(void)!gw_json_platform(&gw, &root, &platform, NULL);
	json_decref(root);
	return MHD_NO;
}

static void send_query(int fd, const uint8_t *data, size_t size)
{
	cleanup(buf_deinit) struct buf head = BUF_NULL;

	buf_puts(&head, "POST /build?");
	for (size_t i = 0; i < size; i++)
		buf_printf(&head, isgraph(data[i]) ? "%c" : "%%%02x", data[i]);
	buf_puts(&head, " HTTP/1.1\r\nHost: x\r\n\r\n");
	if (write(fd, head.data, head.len) != (ssize_t)head.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct MHD_Daemon *daemon;
	const struct sockaddr_un peer = { .sun_family = AF_UNIX };
	int fds[2];

	if (!daemon)
		daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, NULL,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES,
					  MHD_OPTION_END);
	if (size > QUERY_MAX)
		return 0;
	if (!daemon || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	send_query(fds[0], data, size);
	(void)close(fds[0]);
	if (MHD_add_connection(daemon, fds[1], (const struct sockaddr *)&peer, sizeof(peer)) !=
	    MHD_YES)
		abort();
	for (int i = 0; i < 4; i++)
		(void)MHD_run(daemon);
	return 0;
}
