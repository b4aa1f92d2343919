/* SPDX-License-Identifier: Apache-2.0 */
#include "httpconn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "list.h"
#include "mem.h"

struct httpconn {
	struct list link;
	int fd;
	int64_t waits_since_ns; /* 0 = does not */
	bool tcp;
	struct list shaking; /* in `handshakes`, if ... */
	bool shakes;         /* ... its handshake is not over */
	int64_t begun_ns;
	char *subject;
	char client[HTTPCONN_NAME_MAX];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list all = LIST_INIT(all);
static struct list handshakes = LIST_INIT(handshakes); /* the oldest first */
static unsigned count, n_handshakes;
static struct httpconn_handshakes ended;

static void name(struct httpconn *c)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);
	char host[INET6_ADDRSTRLEN] = "";
	struct ucred who;

	if (getpeername(c->fd, (struct sockaddr *)&peer, &n) < 0)
		return;
	c->tcp = peer.ss_family != AF_UNIX;
	if (peer.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)&peer;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		(void)snprintf(c->client, sizeof(c->client), "%s:%u", host, ntohs(v4->sin_port));
	} else if (peer.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)&peer;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		(void)snprintf(c->client, sizeof(c->client), "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		n = sizeof(who);
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
			(void)snprintf(c->client, sizeof(c->client), "uid:%u", who.uid);
	}
}

struct httpconn *httpconn_new(int fd)
{
	struct httpconn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	c->waits_since_ns = c->begun_ns = fd_monotonic_ns();
	(void)snprintf(c->client, sizeof(c->client), "unknown");
	name(c);
	pthread_mutex_lock(&mutex);
	list_append(&all, &c->link);
	count++;
	pthread_mutex_unlock(&mutex);
	return c;
}

/* Under the mutex. */
static void end_handshake(struct httpconn *c, uint64_t *counter)
{
	c->shakes = false;
	list_remove(&c->shaking);
	n_handshakes--;
	(*counter)++;
}

void httpconn_free(struct httpconn *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&mutex);
	list_remove(&c->link);
	count--;
	if (c->shakes)
		end_handshake(c, &ended.failed);
	pthread_mutex_unlock(&mutex);
	free(c->subject);
	free(c);
}

const char *httpconn_client(const struct httpconn *c)
{
	return c ? c->client : "unknown";
}

bool httpconn_is_tcp(const struct httpconn *c)
{
	return c && c->tcp;
}

void httpconn_waits(struct httpconn *c, bool waits)
{
	if (!c)
		return;
	pthread_mutex_lock(&mutex);
	c->waits_since_ns = waits ? fd_monotonic_ns() : 0;
	pthread_mutex_unlock(&mutex);
}

void httpconn_sweep(int64_t since_ns)
{
	struct httpconn *c;

	pthread_mutex_lock(&mutex);
	list_each (c, &all, link)
		if (c->waits_since_ns && c->waits_since_ns < since_ns)
			(void)shutdown(c->fd, SHUT_RDWR); /* its server finds the end of it */
	pthread_mutex_unlock(&mutex);
}

unsigned httpconn_count(void)
{
	unsigned n;

	pthread_mutex_lock(&mutex);
	n = count;
	pthread_mutex_unlock(&mutex);
	return n;
}

void httpconn_shakes_hands(struct httpconn *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&mutex);
	if (n_handshakes == HTTPCONN_HANDSHAKES_MAX) {
		struct httpconn *oldest = list_first(&handshakes, struct httpconn, shaking);

		(void)shutdown(oldest->fd, SHUT_RDWR);
		end_handshake(oldest, &ended.failed);
	}
	c->shakes = true;
	list_append(&handshakes, &c->shaking);
	n_handshakes++;
	pthread_mutex_unlock(&mutex);
}

void httpconn_secured(struct httpconn *c, const char *subject)
{
	if (!c)
		return;
	c->subject = subject ? strdup(subject) : NULL;
	pthread_mutex_lock(&mutex);
	if (c->shakes)
		end_handshake(c, &ended.done);
	pthread_mutex_unlock(&mutex);
}

const char *httpconn_subject(const struct httpconn *c)
{
	return c ? c->subject : NULL;
}

void httpconn_sweep_handshakes(int64_t since_ns)
{
	struct httpconn *c;

	pthread_mutex_lock(&mutex);
	list_each (c, &handshakes, shaking)
		if (c->begun_ns < since_ns)
			(void)shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&mutex);
}

void httpconn_count_handshakes(struct httpconn_handshakes *out)
{
	pthread_mutex_lock(&mutex);
	*out = ended;
	pthread_mutex_unlock(&mutex);
}
