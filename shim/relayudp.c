/* SPDX-License-Identifier: Apache-2.0 */
/* Each peer of a port, and each address of the host that it asks, has a socket to the container of its own: by that the
 * answers are told apart, which go out from the address that was asked. A datagram that does not get through is lost, as
 * datagrams are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "relayparts.h"

enum { AT_ONCE = 16 };

/* The host's side of a datagram: as the kernel tells it, and wants it told. */
union local {
	struct in_pktinfo in;
	struct in6_pktinfo in6;
};

struct peer {
	struct endpoint at;
	union local local; /* no byte of it is unset */
};

struct flow {
	struct source src;
	struct timer timer;
	struct list link;
	struct relay_port *port;
	struct peer peer;
	int64_t used_ns;
};

static void flow_drop(struct flow *flow)
{
	struct relay *relay = flow->port->relay;

	loop_remove(relay->loop, &flow->src);
	loop_timer_stop(&flow->timer);
	closep(&flow->src.fd);
	list_remove(&flow->link);
	relay->n_flows--;
	free(flow);
}

void flow_drop_all(struct relay *relay, const struct relay_port *port)
{
	struct flow *flow, *tmp;

	list_each_safe (flow, tmp, &relay->flows, link)
		if (!port || flow->port == port)
			flow_drop(flow);
}

static void flow_used(struct flow *flow)
{
	flow->used_ns = fd_monotonic_ns();
	list_remove(&flow->link);
	list_insert(flow->port->relay->flows.next, &flow->link);
}

static void on_silence(struct timer *timer)
{
	struct flow *flow = container_of(timer, struct flow, timer);
	const int64_t end_ns = flow->used_ns + RELAY_FLOW_MS * INT64_C(1000000);

	if (end_ns <= fd_monotonic_ns())
		flow_drop(flow);
	else
		loop_timer(flow->port->relay->loop, timer, end_ns);
}

/* Room for what the kernel tells of a datagram. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(union local))];
};

/* An interface matters where addresses are each interface's own; else the routes decide. */
static void take_local(const struct msghdr *message, union local *out)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(message);

	memset(out, 0, sizeof(*out));
	if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&out->in, CMSG_DATA(c), sizeof(out->in));
		out->in.ipi_addr.s_addr = 0;
		out->in.ipi_ifindex = 0;
	} else if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&out->in6, CMSG_DATA(c), sizeof(out->in6));
		if (!IN6_IS_ADDR_LINKLOCAL(&out->in6.ipi6_addr))
			out->in6.ipi6_ifindex = 0;
	}
}

/* As recvfrom(2). */
static ssize_t receive(const struct relay_port *port, struct peer *peer)
{
	union control control;
	struct iovec data = { .iov_base = port->relay->buffer, .iov_len = RELAY_BUFFER_BYTES };
	struct msghdr message = { .msg_name = &peer->at.at,
				  .msg_namelen = sizeof(peer->at.at),
				  .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	memset(peer, 0, sizeof(*peer));
	n = recvmsg(port->src.fd, &message, MSG_DONTWAIT);
	if (n < 0)
		return n;
	peer->at.n = message.msg_namelen;
	take_local(&message, &peer->local);
	return n;
}

static void answer(const struct flow *flow, size_t n)
{
	const bool v6 = flow->peer.at.at.any.sa_family == AF_INET6;
	const size_t size = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
	struct relay_port *port = flow->port;
	struct peer peer = flow->peer;
	union control control = { .bytes = { 0 } };
	struct iovec data = { .iov_base = port->relay->buffer, .iov_len = n };
	struct msghdr message = { .msg_name = &peer.at.at,
				  .msg_namelen = peer.at.n,
				  .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(size) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), &peer.local, size);
	(void)sendmsg(port->src.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void flow_ready(struct source *src, uint32_t events)
{
	struct flow *flow = container_of(src, struct flow, src);

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n =
			recv(src->fd, flow->port->relay->buffer, RELAY_BUFFER_BYTES, MSG_DONTWAIT);

		/* an error is one datagram's, which nobody took */
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			continue;
		flow_used(flow);
		answer(flow, (size_t)n);
	}
}

static struct flow *flow_find(const struct relay_port *port, const struct peer *peer)
{
	struct flow *flow;

	list_each (flow, &port->relay->flows, link)
		if (flow->port == port && memcmp(&flow->peer, peer, sizeof(*peer)) == 0)
			return flow;
	return NULL;
}

static int flow_open(struct flow *flow, const struct endpoint *target)
{
	struct loop *loop = flow->port->relay->loop;

	flow->src.fd =
		socket(target->at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (flow->src.fd < 0 || connect(flow->src.fd, &target->at.any, target->n) < 0)
		return -errno;
	loop_timer(loop, &flow->timer, flow->used_ns + RELAY_FLOW_MS * INT64_C(1000000));
	return loop_add(loop, &flow->src, EPOLLIN);
}

/* NULL: the datagram is lost. */
static struct flow *flow_add(struct relay_port *port, const struct peer *peer,
			     const struct endpoint *target)
{
	struct relay *relay = port->relay;
	struct flow *flow;

	if (relay->n_flows && relay->n_flows >= relay->flows_max)
		flow_drop(container_of(relay->flows.prev, struct flow, link));
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	*flow = (struct flow){ .src = { .fd = -1, .ready = flow_ready },
			       .timer = { .fire = on_silence },
			       .port = port,
			       .peer = *peer };
	list_init(&flow->link);
	relay->n_flows++;
	flow_used(flow);
	if (flow_open(flow, target) == 0)
		return flow;
	flow_drop(flow);
	return NULL;
}

/* False: the port has nothing more now, or is gone. */
static bool take_one(struct relay_port *port)
{
	struct endpoint target;
	struct peer peer;
	struct flow *flow;
	ssize_t n = receive(port, &peer);

	if (n < 0)
		return errno != EAGAIN;
	flow = flow_find(port, &peer);
	if (flow) {
		flow_used(flow);
	} else {
		if (!relay_target(port, &target))
			return false;
		flow = flow_add(port, &peer, &target);
	}
	if (flow)
		(void)send(flow->src.fd, port->relay->buffer, (size_t)n,
			   MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

void flow_take(struct source *src, uint32_t events)
{
	struct relay_port *port = container_of(src, struct relay_port, src);

	(void)events;
	for (int i = 0; i < AT_ONCE && take_one(port); i++)
		;
}
