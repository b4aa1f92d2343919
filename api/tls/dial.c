/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-dial URL CA CERT KEY SERVER_NAME: connects to a tls+tcp:// server and passes bytes between it and
 * descriptor 0, a stream socket, until either side ends. Why the connection failed is written to descriptor
 * 1; nothing else is. The client library starts it (api/rpc/client_dial.c). */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay.h"
#include "str.h"
#include "tls.h"

#define SCHEME "tls+tcp://"

enum { HANDSHAKE_MS = 10000 };

static void say(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

static int try_all(const struct addrinfo *list)
{
	int error = EHOSTUNREACH;

	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, a->ai_protocol);

		if (fd < 0)
			continue;
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
			relay_tune(fd);
			return fd;
		}
		error = errno;
		close(fd);
	}
	return -error;
}

static int dial(const char *url, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char *host, *port;
	int fd, r = str_split_host_port(url + strlen(SCHEME), &host, &port);

	if (r < 0)
		return err_set(err, ERR_INVALID, "not " SCHEME "HOST:PORT");
	r = getaddrinfo(host, port, &hints, &list);
	free(host);
	free(port);
	if (r)
		return err_set(err, ERR_UNAVAILABLE, "%s", gai_strerror(r));
	fd = try_all(list);
	freeaddrinfo(list);
	return fd < 0 ? err_sys(err, fd, "connect") : fd;
}

static int run(char *const *argv, struct err *err)
{
	const struct tls_files files = { .ca = argv[2], .cert = argv[3], .key = argv[4] };
	cleanup(tls_context_freep) struct tls_context *context = NULL;
	cleanup(tls_closep) struct tls *tls = NULL;
	bool any;
	int fd, r = tls_context_new(&context, false, &files, err);

	if (r < 0)
		return r;
	fd = dial(argv[1], err);
	if (fd < 0)
		return fd;
	r = tls_start(&tls, context, fd, argv[5], HANDSHAKE_MS, err);
	if (r < 0)
		return r;
	r = relay(tls, STDIN_FILENO, false, &any);
	/* with TLS 1.3 a server looks at our certificate when we are done already */
	if (r == -EPROTO && !any)
		return err_set(err, ERR_UNAUTHENTICATED, "the engine refused this certificate: %s",
			       tls_error(tls));
	return r < 0 && !any ? err_sys(err, r, "connection") : 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NULL;

	if (argc != 6 || !str_has_prefix(argv[1], SCHEME)) {
		(void)fprintf(stderr, "cleat-dial: started by cleat, not by hand\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (run(argv, &err) == 0)
		return 0;
	say(err.message);
	return 1;
}
