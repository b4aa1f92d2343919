/* SPDX-License-Identifier: Apache-2.0 */
/* Clients by TCP (RFC 7766), mostly those whose answer did not fit in a datagram. One question of a connection
 * is answered at a time; the others wait in the socket. Who is silent is dropped, and the oldest when another
 * comes and all places are taken. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "resolverparts.h"

struct client {
	struct source src;
	struct timer timer;
	struct list link;
	struct resolver *resolver;
	uint8_t in[2 + DNS_QUERY_MAX]; /* a question with its length before it */
	size_t n;
	struct buf out;
	bool waits; /* for the answer: nothing is read */
};

static void client_drop(struct client *client)
{
	struct resolver *resolver = client->resolver;

	forward_forget(resolver, client);
	loop_remove(resolver->loop, &client->src);
	loop_timer_stop(&client->timer);
	closep(&client->src.fd);
	list_remove(&client->link);
	resolver->n_clients--;
	buf_deinit(&client->out);
	free(client);
}

void client_drop_all(struct resolver *resolver)
{
	struct client *client, *tmp;

	list_each_safe (client, tmp, &resolver->clients, link)
		client_drop(client);
}

static void on_silence(struct timer *timer)
{
	client_drop(container_of(timer, struct client, timer));
}

static void client_rearm(struct client *client)
{
	loop_timer(client->resolver->loop, &client->timer,
		   fd_monotonic_ns() + RESOLVER_CLIENT_MS * INT64_C(1000000));
}

/* Sends what waits; false: the connection is gone. */
static bool flush(struct client *client)
{
	struct buf *out = &client->out;
	ssize_t n = send(client->src.fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;
	if (n > 0)
		buf_consume(out, (size_t)n);
	return true;
}

/* What the connection is watched for: to be written to, to ask, or (while others are asked) an error. */
static int watch(struct client *client)
{
	uint32_t events = client->waits ? 0 : EPOLLIN;

	return loop_change(client->resolver->loop, &client->src,
			   client->out.len ? EPOLLOUT : events);
}

/* The answer is only queued here: the caller may be in the middle of the client's own question. */
void client_tell(struct client *client, const uint8_t *reply, size_t n)
{
	uint8_t head[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	client->waits = false;
	client->n = 0;
	buf_append(&client->out, head, sizeof(head));
	buf_append(&client->out, reply, n);
	client_rearm(client);
	/* Without memory nothing is sent, and the client is dropped when its time is over. */
	(void)watch(client);
}

/* A whole question came; false: it was none. */
static bool ask(struct client *client)
{
	struct question question = { .client = client, .n = client->n - 2 };
	int r;

	memcpy(question.message, client->in + 2, question.n);
	r = dns_parse(question.message, question.n, &question.query);
	if (r == -EBADMSG)
		return false;
	client->waits = true;
	if (r == 0)
		resolver_ask(client->resolver, &question);
	else
		resolver_tell_code(client->resolver, &question,
				   r == -EOPNOTSUPP ? DNS_NOTIMP : DNS_FORMERR);
	return true;
}

/* Bytes of a question and its length, once that has come. */
static size_t wanted(const struct client *client)
{
	return client->n < 2 ? 2 : 2 + (size_t)(client->in[0] << 8 | client->in[1]);
}

/* Reads up to the end of one question. False: the connection is to be dropped. */
static bool take(struct client *client)
{
	ssize_t n = recv(client->src.fd, client->in + client->n, wanted(client) - client->n,
			 MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	client->n += (size_t)n;
	if (wanted(client) > sizeof(client->in))
		return false;
	return client->n < wanted(client) || client->n <= 2 || ask(client);
}

static void client_ready(struct source *src, uint32_t events)
{
	struct client *client = container_of(src, struct client, src);
	bool good = true;

	if (client->waits)
		good = false; /* an error, or the end of both directions */
	else if (client->out.len)
		good = flush(client);
	else if (events)
		good = take(client);
	if (!good || watch(client) < 0)
		client_drop(client);
}

static void client_add(struct resolver *resolver, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	client->resolver = resolver;
	client->src = (struct source){ .fd = fd, .ready = client_ready };
	client->timer.fire = on_silence;
	list_append(&resolver->clients, &client->link);
	resolver->n_clients++;
	client_rearm(client);
	if (loop_add(resolver->loop, &client->src, EPOLLIN) < 0)
		client_drop(client);
}

static void pause_accept(struct resolver *resolver)
{
	loop_remove(resolver->loop, &resolver->tcp);
	loop_timer(resolver->loop, &resolver->pause,
		   fd_monotonic_ns() + RESOLVER_PAUSE_MS * INT64_C(1000000));
}

void client_resume(struct timer *pause)
{
	struct resolver *resolver = container_of(pause, struct resolver, pause);

	if (loop_add(resolver->loop, &resolver->tcp, EPOLLIN) < 0)
		pause_accept(resolver);
}

/* No descriptor is left: the oldest client's is had, or somebody else's is waited for, without being told all the while
 * that there is a client. */
static void make_room(struct resolver *resolver)
{
	if (resolver->n_clients)
		client_drop(list_first(&resolver->clients, struct client, link));
	else
		pause_accept(resolver);
}

void client_accept(struct source *src, uint32_t events)
{
	struct resolver *resolver = container_of(src, struct resolver, tcp);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		if (fd_exhausted(errno))
			make_room(resolver);
		return;
	}
	if (resolver->n_clients == RESOLVER_CLIENTS_MAX)
		client_drop(list_first(&resolver->clients, struct client, link));
	client_add(resolver, fd);
}
