/* SPDX-License-Identifier: Apache-2.0 */
/* The file is looked at when somebody says so and whenever a peer comes: where a port leads changes with the networks
 * of the container, and an engine that died may not have said so. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "dnsnames.h"
#include "fd.h"
#include "relayparts.h"

enum { LISTEN_BACKLOG = 4096 };

typedef Cleat__Shim__V1__RelaySpec relay_spec;
typedef Cleat__Shim__V1__RelaySpec__Port spec_port;

static void spec_freep(relay_spec **spec)
{
	if (*spec)
		cleat__shim__v1__relay_spec__free_unpacked(*spec, NULL);
}

static bool make_endpoint(const char *text, uint32_t port, struct endpoint *out)
{
	struct dns_address address;

	memset(out, 0, sizeof(*out));
	if (port > 65535 || !dnsnames_address(text, &address))
		return false;
	if (address.family == AF_INET) {
		out->at.in.sin_family = AF_INET;
		out->at.in.sin_port = htons((uint16_t)port);
		memcpy(&out->at.in.sin_addr, address.bytes, sizeof(out->at.in.sin_addr));
		out->n = sizeof(out->at.in);
	} else {
		out->at.in6.sin6_family = AF_INET6;
		out->at.in6.sin6_port = htons((uint16_t)port);
		memcpy(&out->at.in6.sin6_addr, address.bytes, sizeof(out->at.in6.sin6_addr));
		out->n = sizeof(out->at.in6);
	}
	return true;
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void port_remove(struct relay_port *port)
{
	flow_drop_all(port->relay, port);
	loop_remove(port->relay->loop, &port->src);
	closep(&port->src.fd);
	list_remove(&port->link);
	free(port);
}

/* What tells a socket by which address of the host a datagram came, and what keeps one of :: from taking IPv4's. */
static int set_options(const struct relay_port *port, int fd)
{
	static const int on = 1;
	const bool v6 = port->host.at.any.sa_family == AF_INET6;
	int r = 0;

	if (!port->udp)
		r = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else if (!v6)
		r = setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	else
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (r == 0 && v6)
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return r < 0 ? -errno : 0;
}

static int port_listen(struct relay_port *port)
{
	const int type = (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	cleanup_fd int fd = socket(port->host.at.any.sa_family, type, 0);
	int r = fd < 0 ? -errno : set_options(port, fd);

	if (r < 0)
		return r;
	if (bind(fd, &port->host.at.any, port->host.n) < 0 ||
	    (!port->udp && listen(fd, LISTEN_BACKLOG) < 0))
		return -errno;
	port->src = (struct source){ .fd = steal_fd(&fd),
				     .ready = port->udp ? flow_take : pair_accept };
	return loop_add(port->relay->loop, &port->src, EPOLLIN);
}

static int port_add(struct relay *relay, const struct relay_port *wanted)
{
	struct relay_port *port = malloc(sizeof(*port));
	int r;

	if (!port)
		return -ENOMEM;
	*port = *wanted;
	port->relay = relay;
	port->src.fd = -1;
	list_append(&relay->ports, &port->link);
	r = port_listen(port);
	if (r < 0)
		port_remove(port);
	return r;
}

static struct relay_port *find_port(struct relay *relay, const struct relay_port *wanted)
{
	struct relay_port *port;

	list_each (port, &relay->ports, link)
		if (port->udp == wanted->udp && is_same(&port->host, &wanted->host))
			return port;
	return NULL;
}

static int take_port(struct relay *relay, const spec_port *from)
{
	struct relay_port wanted = { .udp = strcmp(from->protocol, "udp") == 0, .wanted = true };
	struct relay_port *port;

	list_init(&wanted.link);
	if ((!wanted.udp && strcmp(from->protocol, "tcp") != 0) ||
	    !make_endpoint(from->host_address, from->host_port, &wanted.host) ||
	    !make_endpoint(from->target, from->target_port, &wanted.target))
		return -EBADMSG;
	port = find_port(relay, &wanted);
	if (!port)
		return port_add(relay, &wanted);
	port->wanted = true;
	if (!is_same(&port->target, &wanted.target)) {
		flow_drop_all(relay, port);
		port->target = wanted.target;
	}
	return 0;
}

static int take_ports(struct relay *relay, const relay_spec *spec)
{
	struct relay_port *port, *tmp;
	int r = 0;

	list_each (port, &relay->ports, link)
		port->wanted = false;
	for (size_t i = 0; spec && i < spec->n_ports; i++) {
		int one = take_port(relay, spec->ports[i]);

		r = r ? r : one;
	}
	list_each_safe (port, tmp, &relay->ports, link)
		if (!port->wanted)
			port_remove(port);
	return r;
}

/* 0; 1: it is what was read before; -ENOENT: there is none. */
static int read_spec(struct relay *relay, relay_spec **out)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	struct stat st;
	int r;

	if (fstatat(relay->dir_fd, "ports", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (fd_same_file(&st, &relay->spec_stat))
		return 1;
	r = fd_read_file(relay->dir_fd, "ports", RELAY_SPEC_MAX, &bytes);
	if (r < 0)
		return r;
	*out = cleat__shim__v1__relay_spec__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (!*out)
		return -EBADMSG;
	relay->spec_stat = st;
	return 0;
}

int relay_refresh(struct relay *relay)
{
	cleanup(spec_freep) relay_spec *spec = NULL;
	int r = read_spec(relay, &spec);

	if (r > 0)
		return 0;
	if (r < 0 && r != -ENOENT)
		return r;
	r = take_ports(relay, spec);
	/* a port that could not be had is tried again by whoever asks next */
	if (r < 0)
		relay->spec_stat = (struct stat){ 0 };
	return r;
}

bool relay_target(struct relay_port *port, struct endpoint *target)
{
	const struct relay_port wanted = { .udp = port->udp, .host = port->host };
	struct relay *relay = port->relay;

	(void)!relay_refresh(relay);
	port = find_port(relay, &wanted);
	if (port)
		*target = port->target;
	return port != NULL;
}

static void pause_over(struct timer *timer)
{
	struct relay *relay = container_of(timer, struct relay, pause);
	struct relay_port *port;

	list_each (port, &relay->ports, link)
		if (!port->src.added && loop_add(relay->loop, &port->src, EPOLLIN) < 0)
			relay_pause(relay, port);
}

void relay_pause(struct relay *relay, struct relay_port *port)
{
	loop_remove(relay->loop, &port->src);
	if (!loop_timer_armed(&relay->pause))
		loop_timer(relay->loop, &relay->pause,
			   fd_monotonic_ns() + RELAY_PAUSE_MS * INT64_C(1000000));
}

/* Each connection has two descriptors, each peer by UDP one. */
static void set_limits(struct relay *relay)
{
	struct rlimit files;
	rlim_t peers;

	relay->pairs_max = RELAY_PAIRS_MAX;
	relay->flows_max = RELAY_FLOWS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	peers = files.rlim_cur / 2;
	if (peers / 4 < relay->flows_max)
		relay->flows_max = (unsigned)(peers / 4);
	if ((peers - relay->flows_max) / 2 < relay->pairs_max)
		relay->pairs_max = (unsigned)((peers - relay->flows_max) / 2);
}

int relay_open(struct relay **out, struct loop *loop, int dir_fd)
{
	struct relay *relay;

	if (faccessat(dir_fd, "ports", F_OK, 0) < 0)
		return -errno;
	relay = calloc(1, sizeof(*relay));
	if (!relay)
		return -ENOMEM;
	relay->loop = loop;
	relay->dir_fd = dir_fd;
	set_limits(relay);
	relay->pause.fire = pause_over;
	list_init(&relay->ports);
	list_init(&relay->pairs);
	list_init(&relay->flows);
	*out = relay;
	return 0;
}

struct relay *relay_free(struct relay *relay)
{
	if (!relay)
		return NULL;
	pair_drop_all(relay);
	(void)take_ports(relay, NULL);
	loop_timer_stop(&relay->pause);
	free(relay);
	return NULL;
}
