/* SPDX-License-Identifier: Apache-2.0 */
/* Name servers for resolver_test.c, a thread each. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base_test.h"
#include "dnsmsg.h"
#include "fd.h"

enum { SERVERS = 4, INSIDE = 3 };

/* A server of the host at 127.0.0.(53 + i). What it does depends on the question's first letter and on i:
 * "s..." is not answered by the first, "f..." fails there, "t..." is too long for a datagram, "n..." is unknown. The last is in the container, not on the host. */
struct server {
	pthread_t thread;
	int udp, tcp, number;
};

static _Atomic unsigned test_asked[SERVERS]; /* questions that came to a server */

static struct sockaddr_in loopback(int last, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)last) };
}

/* The reply of a server, 0 = none. */
static size_t serve(struct server *server, const uint8_t *message, size_t n, bool tcp,
		    uint8_t *reply, size_t max)
{
	struct dns_address addresses[200] = { { .family = 0 } };
	struct dns_answers answers = { .addresses = addresses, .n_addresses = 1 };
	enum dns_code code = DNS_NOERROR;
	struct dns_query query;

	if (dns_parse(message, n, &query) < 0)
		return 0;
	test_asked[server->number]++;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		addresses[i] =
			(struct dns_address){ AF_INET, { 9, 9, 9, (uint8_t)(server->number + 1) } };
	if (query.name[0] == 's' && server->number == 0)
		return 0;
	if (query.name[0] == 'f' && server->number == 0)
		code = DNS_SERVFAIL;
	if (query.name[0] == 'n')
		code = DNS_NXDOMAIN;
	if (query.name[0] == 't')
		answers.n_addresses = ARRAY_LEN(addresses);
	return dns_reply(message, &query, code, code ? NULL : &answers, reply,
			 tcp ? max : query.udp_max);
}

static void serve_tcp(struct server *server)
{
	cleanup_fd int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC);
	uint8_t in[2 + DNS_QUERY_MAX], out[2 + DNS_EDNS_MAX];
	size_t n;

	if (fd < 0 || fd_read_all(fd, in, 2) < 0 ||
	    fd_read_all(fd, in + 2, (size_t)(in[0] << 8 | in[1])) < 0)
		return;
	n = serve(server, in + 2, (size_t)(in[0] << 8 | in[1]), true, out + 2, DNS_EDNS_MAX);
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	if (n)
		assert_int_equal(fd_write_all(fd, out, n + 2), 0);
}

/* Ends when an empty datagram comes. */
static void *server_main(void *argument)
{
	struct server *server = argument;

	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		uint8_t in[DNS_QUERY_MAX], out[DNS_EDNS_MAX];
		struct timeval soon = { .tv_usec = 1000 };
		ssize_t n;

		setsockopt(server->udp, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		n = recvfrom(server->udp, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
		if (n == 0)
			return NULL;
		if (n > 0) {
			size_t m = serve(server, in, (size_t)n, false, out, sizeof(out));

			if (m)
				sendto(server->udp, out, m, 0, (struct sockaddr *)&from, len);
		}
		serve_tcp(server);
	}
}

static void server_start(struct server *server, int number)
{
	struct sockaddr_in at = loopback(53 + number, 53);

	server->number = number;
	server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(server->udp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(bind(server->tcp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(server->tcp, 4), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static void server_stop(struct server *server)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = loopback(53 + server->number, 53);

	assert_int_equal(sendto(fd, "", 0, 0, (struct sockaddr *)&at, sizeof(at)), 0);
	pthread_join(server->thread, NULL);
	close(server->udp);
	close(server->tcp);
}
