/* SPDX-License-Identifier: Apache-2.0 */
/* Each question goes out from a socket, and so a port, of its own, connected to one server: what another host
 * sends does not arrive, and who wants to guess has to guess port and id. A server that refuses, fails or is
 * silent is followed by the next, as by the C library's resolver (resolv.conf(5)). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "resolverparts.h"

enum { DNS_PORT = 53 };

struct forward {
	struct source src;
	struct timer timer;
	struct list link;
	struct resolver *resolver;
	struct question question;
	struct servers servers;
	size_t server;    /* whose turn it is */
	size_t sent;      /* bytes of a question by TCP, its length before it */
	struct buf reply; /* by TCP, as far as it came */
};

static void forward_close(struct forward *forward)
{
	loop_remove(forward->resolver->loop, &forward->src);
	closep(&forward->src.fd);
	forward->src.fd = -1;
	buf_deinit(&forward->reply);
}

static void forward_free(struct forward *forward)
{
	forward_close(forward);
	loop_timer_stop(&forward->timer);
	list_remove(&forward->link);
	forward->resolver->n_forwards--;
	free(forward);
}

void forward_forget(struct resolver *resolver, const struct client *client)
{
	struct forward *forward, *tmp;

	list_each_safe (forward, tmp, &resolver->forwards, link)
		if (!client || forward->question.client == client)
			forward_free(forward);
}

static socklen_t server_address(const struct dns_address *server, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;

	memset(out, 0, sizeof(*out));
	if (server->family == AF_INET6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(DNS_PORT);
		memcpy(&v6->sin6_addr, server->bytes, sizeof(v6->sin6_addr));
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(DNS_PORT);
	memcpy(&v4->sin_addr, server->bytes, sizeof(v4->sin_addr));
	return sizeof(*v4);
}

static int server_socket(const struct forward *forward, int family, int type)
{
	int fd;

	if (forward->servers.inside)
		return resolver_socket(forward->resolver, family, type);
	fd = socket(family, type, 0);
	return fd < 0 ? -errno : fd;
}

static int begin_server(struct forward *forward, const struct dns_address *server)
{
	bool tcp = forward->question.client;
	struct sockaddr_storage to;
	socklen_t len = server_address(server, &to);

	forward->src.fd =
		server_socket(forward, server->family,
			      (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (forward->src.fd < 0)
		return forward->src.fd;
	if (connect(forward->src.fd, (const struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return -errno;
	if (!tcp &&
	    send(forward->src.fd, forward->question.message, forward->question.n, MSG_NOSIGNAL) < 0)
		return -errno;
	forward->sent = 0;
	return loop_add(forward->resolver->loop, &forward->src, tcp ? EPOLLOUT : EPOLLIN);
}

/* Asks the present server, or the next that can be asked. */
static void forward_try(struct forward *forward)
{
	struct resolver *resolver = forward->resolver;

	for (; forward->server < forward->servers.n; forward->server++) {
		if (begin_server(forward, &forward->servers.v[forward->server]) == 0) {
			loop_timer(resolver->loop, &forward->timer,
				   fd_monotonic_ns() + RESOLVER_TRY_MS * INT64_C(1000000));
			return;
		}
		forward_close(forward);
	}
	resolver_tell_code(resolver, &forward->question, DNS_SERVFAIL);
	forward_free(forward);
}

static void forward_next(struct forward *forward)
{
	forward_close(forward);
	forward->server++;
	forward_try(forward);
}

static void on_silence(struct timer *timer)
{
	forward_next(container_of(timer, struct forward, timer));
}

/* What a server said: told, unless it could not say and another may. */
static void take_reply(struct forward *forward, const uint8_t *reply, size_t n)
{
	enum dns_code code = dns_reply_code(reply);
	bool last = forward->server + 1 == forward->servers.n;

	if ((code == DNS_SERVFAIL || code == DNS_REFUSED || code == DNS_NOTIMP) && !last) {
		forward_next(forward);
		return;
	}
	resolver_tell(forward->resolver, &forward->question, reply, n);
	forward_free(forward);
}

static void udp_answered(struct forward *forward)
{
	const struct question *question = &forward->question;
	uint8_t reply[DNS_EDNS_MAX];
	ssize_t n = recv(forward->src.fd, reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		forward_next(forward);
		return;
	}
	/* No client was told that more would fit than this. */
	if ((size_t)n > sizeof(reply) ||
	    !dns_is_reply(reply, (size_t)n, question->message, &question->query))
		return;
	take_reply(forward, reply, (size_t)n);
}

/* 0 when all is sent, 1 when there is more, -errno. */
static int tcp_send(struct forward *forward)
{
	const struct question *question = &forward->question;
	uint8_t framed[2 + DNS_QUERY_MAX] = { (uint8_t)(question->n >> 8), (uint8_t)question->n };
	ssize_t n;

	memcpy(framed + 2, question->message, question->n);
	n = send(forward->src.fd, framed + forward->sent, question->n + 2 - forward->sent,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 1 : -errno;
	forward->sent += (size_t)n;
	return forward->sent < question->n + 2;
}

/* 0 when the reply is whole, 1 when there is more, -errno. */
static int tcp_receive(struct forward *forward)
{
	struct buf *reply = &forward->reply;
	ssize_t n;

	if (buf_reserve(reply, DNS_EDNS_MAX) < 0)
		return -ENOMEM;
	n = recv(forward->src.fd, reply->data + reply->len, DNS_EDNS_MAX, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 1 : -errno;
	if (n == 0)
		return -ECONNRESET;
	reply->len += (size_t)n;
	if (reply->len < 2)
		return 1;
	return reply->len < 2 + (size_t)((uint8_t)reply->data[0] << 8 | (uint8_t)reply->data[1]);
}

static void tcp_answered(struct forward *forward)
{
	const struct question *question = &forward->question;
	int r = tcp_receive(forward);

	if (r > 0)
		return;
	if (r == 0) {
		const uint8_t *reply = (const uint8_t *)forward->reply.data;
		size_t n = (size_t)(reply[0] << 8 | reply[1]);

		if (dns_is_reply(reply + 2, n, question->message, &question->query)) {
			take_reply(forward, reply + 2, n);
			return;
		}
	}
	forward_next(forward);
}

static void tcp_connected(struct forward *forward)
{
	int r = tcp_send(forward);

	if (r == 0)
		r = loop_change(forward->resolver->loop, &forward->src, EPOLLIN);
	if (r < 0)
		forward_next(forward);
}

static void forward_ready(struct source *src, uint32_t events)
{
	struct forward *forward = container_of(src, struct forward, src);

	if (!forward->question.client)
		udp_answered(forward);
	else if (events & EPOLLOUT)
		tcp_connected(forward);
	else
		tcp_answered(forward);
}

void forward_begin(struct resolver *resolver, const struct question *question,
		   const struct servers *servers)
{
	struct forward *forward =
		resolver->n_forwards < RESOLVER_FORWARDS_MAX ? calloc(1, sizeof(*forward)) : NULL;

	if (!forward) {
		resolver_tell_code(resolver, question, DNS_SERVFAIL);
		return;
	}
	forward->resolver = resolver;
	forward->question = *question;
	forward->src = (struct source){ .fd = -1, .ready = forward_ready };
	forward->timer.fire = on_silence;
	forward->servers = *servers;
	list_append(&resolver->forwards, &forward->link);
	resolver->n_forwards++;
	forward_try(forward);
}
