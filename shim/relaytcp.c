/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that came and the one to the container it leads to. What one end says is sent to the other at once; what
 * that does not take waits, and nothing more is read until it has gone, so the kernel's buffers are what slows the
 * sender down. The end of one direction is passed on and the other goes on; an end that breaks breaks the other. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "relayparts.h"

enum { CLIENT, SERVER };

struct pair;

struct end {
	struct source src;
	struct pair *pair;
	uint8_t *pending; /* that this end has not taken yet */
	size_t at, n;
	bool said_all; /* nothing more comes from it */
	bool told_all; /* nothing more goes to it */
	bool connected;
};

struct pair {
	struct list link;
	struct relay *relay;
	struct end ends[2];
};

static struct end *other_of(struct end *end)
{
	return &end->pair->ends[end == &end->pair->ends[CLIENT] ? SERVER : CLIENT];
}

static void pair_drop(struct pair *pair)
{
	for (size_t i = 0; i < ARRAY_LEN(pair->ends); i++) {
		struct end *end = &pair->ends[i];

		loop_remove(pair->relay->loop, &end->src);
		closep(&end->src.fd);
		free(end->pending);
	}
	list_remove(&pair->link);
	pair->relay->n_pairs--;
	free(pair);
}

/* Both peers see a connection that broke, not one that ended well. */
static void pair_break(struct pair *pair)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	for (size_t i = 0; i < ARRAY_LEN(pair->ends); i++)
		(void)setsockopt(pair->ends[i].src.fd, SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
	pair_drop(pair);
}

void pair_drop_all(struct relay *relay)
{
	struct pair *pair, *tmp;

	list_each_safe (pair, tmp, &relay->pairs, link)
		pair_drop(pair);
}

static size_t waiting(const struct end *end)
{
	return end->n - end->at;
}

/* One to which nothing more is told is not watched at all while nothing is to be heard of it: when its peer has said all,
 * too, the kernel would not stop telling so. */
static int watch(struct end *end)
{
	const struct end *other = other_of(end);
	struct loop *loop = end->pair->relay->loop;
	uint32_t events = 0;

	if (!end->connected || waiting(end))
		events |= EPOLLOUT;
	if (end->connected && other->connected && !end->said_all && !waiting(other))
		events |= EPOLLIN;
	if (!events && end->told_all) {
		loop_remove(loop, &end->src);
		return 0;
	}
	return end->src.added ? loop_change(loop, &end->src, events)
			      : loop_add(loop, &end->src, events);
}

/* What there is to be told is told: with the last of it that there is no more. */
static int settle(struct end *end)
{
	if (waiting(end) || end->told_all || !other_of(end)->said_all)
		return 0;
	end->told_all = true;
	return shutdown(end->src.fd, SHUT_WR) < 0 ? -errno : 0;
}

static int keep(struct end *end, const uint8_t *data, size_t n)
{
	end->pending = malloc(n);
	if (!end->pending)
		return -ENOMEM;
	memcpy(end->pending, data, n);
	end->at = 0;
	end->n = n;
	return 0;
}

/* As send(2), of which nothing is 0. */
static ssize_t try_send(const struct end *end, const uint8_t *data, size_t n)
{
	ssize_t sent = send(end->src.fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* To one for which nothing waits. */
static int tell(struct end *end, const uint8_t *data, size_t n)
{
	ssize_t sent = try_send(end, data, n);

	if (sent < 0)
		return (int)sent;
	return (size_t)sent == n ? 0 : keep(end, data + sent, n - (size_t)sent);
}

static int flush(struct end *end)
{
	ssize_t sent = try_send(end, end->pending + end->at, waiting(end));

	if (sent < 0)
		return (int)sent;
	end->at += (size_t)sent;
	if (waiting(end))
		return 0;
	free(end->pending);
	end->pending = NULL;
	end->at = end->n = 0;
	return settle(end);
}

static int hear(struct end *end)
{
	uint8_t *buffer = end->pair->relay->buffer;
	ssize_t n = recv(end->src.fd, buffer, RELAY_BUFFER_BYTES, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n > 0)
		return tell(other_of(end), buffer, (size_t)n);
	end->said_all = true;
	return settle(other_of(end));
}

static int finish_connect(struct end *end)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(end->src.fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error)
		return -ECONNREFUSED;
	end->connected = true;
	return 0;
}

static int act(struct end *end, uint32_t events)
{
	int r = 0;

	if (events & EPOLLERR)
		return -ECONNRESET;
	if (!end->connected)
		return events & (EPOLLOUT | EPOLLHUP) ? finish_connect(end) : 0;
	if (waiting(end) && (events & EPOLLOUT))
		r = flush(end);
	/* what came before the end of both directions is still to be read */
	if (r == 0 && !end->said_all && !waiting(other_of(end)) && other_of(end)->connected &&
	    (events & (EPOLLIN | EPOLLHUP)))
		r = hear(end);
	return r;
}

static bool is_over(const struct pair *pair)
{
	return pair->ends[CLIENT].told_all && pair->ends[SERVER].told_all;
}

static void end_ready(struct source *src, uint32_t events)
{
	struct end *end = container_of(src, struct end, src);
	struct pair *pair = end->pair;
	int r = act(end, events);

	r = r ? r : watch(end);
	r = r ? r : watch(other_of(end));
	if (r < 0)
		pair_break(pair);
	else if (is_over(pair))
		pair_drop(pair);
}

/* Words are passed on as they come; a peer that is gone without a word is noticed. */
static int set_options(int fd)
{
	static const int on = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
			       setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0
		       ? -errno
		       : 0;
}

static int begin_connect(struct pair *pair, const struct endpoint *target)
{
	struct end *end = &pair->ends[SERVER];
	int r;

	end->src.fd =
		socket(target->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = end->src.fd < 0 ? -errno : set_options(end->src.fd);
	if (r == 0 && connect(end->src.fd, &target->at.any, target->n) < 0 && errno != EINPROGRESS)
		r = -errno;
	return r ? r : loop_add(pair->relay->loop, &end->src, EPOLLOUT);
}

/* Consumes fd. */
static void pair_add(struct relay *relay, int fd, const struct endpoint *target)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int r;

	if (!pair) {
		close(fd);
		return;
	}
	pair->relay = relay;
	for (size_t i = 0; i < ARRAY_LEN(pair->ends); i++)
		pair->ends[i] =
			(struct end){ .src = { .fd = -1, .ready = end_ready }, .pair = pair };
	pair->ends[CLIENT].src.fd = fd;
	pair->ends[CLIENT].connected = true;
	list_append(&relay->pairs, &pair->link);
	relay->n_pairs++;
	r = set_options(fd);
	r = r ? r : begin_connect(pair, target);
	r = r ? r : loop_add(relay->loop, &pair->ends[CLIENT].src, 0);
	if (r < 0)
		pair_break(pair);
}

void pair_accept(struct source *src, uint32_t events)
{
	struct relay_port *port = container_of(src, struct relay_port, src);
	struct relay *relay = port->relay;
	struct endpoint target;
	int fd = -1;

	(void)events;
	if (relay->n_pairs < relay->pairs_max)
		fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	else
		errno = EMFILE;
	if (fd >= 0 && relay_target(port, &target))
		pair_add(relay, fd, &target);
	else if (fd >= 0)
		close(fd);
	else if (fd_exhausted(errno))
		relay_pause(relay, port);
}
