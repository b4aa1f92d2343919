/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of an HTTP server: one thread that takes whatever has come for a request and sends one answer, the size of that
 * to `GET /_ping`. `httpfloor PORT` serves 127.0.0.1 until it is ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Server: Docker/0.1.0 (linux)\r\n"
			     "Api-Version: 1.48\r\n"
			     "Ostype: linux\r\n"
			     "Content-Type: text/plain; charset=utf-8\r\n"
			     "Builder-Version: 1\r\n"
			     "Swarm: inactive\r\n"
			     "Cache-Control: no-cache, no-store, must-revalidate\r\n"
			     "Pragma: no-cache\r\n"
			     "Date: Tue, 01 Dec 2026 00:00:00 GMT\r\n"
			     "Content-Length: 2\r\n\r\nOK";

static int must(int r, const char *what)
{
	if (r >= 0)
		return r;
	fprintf(stderr, "httpfloor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void serve(int fd)
{
	char request[4096];

	if (recv(fd, request, sizeof(request), 0) <= 0 ||
	    send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, epoll_fd = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	int listen_fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	at.sin_port = htons(argc > 1 ? (unsigned short)strtoul(argv[1], NULL, 10) : 0);
	must(setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "setsockopt");
	must(bind(listen_fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	must(listen(listen_fd, 128), "listen");
	watch(epoll_fd, listen_fd);
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listen_fd)
				watch(epoll_fd, must(accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC),
						     "accept4"));
			else
				serve(events[i].data.fd);
	}
}
