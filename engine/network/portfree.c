/* SPDX-License-Identifier: Apache-2.0 */
#include "portfree.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "portowner.h"
#include "rules.h"
#include "store/store.h"

struct conflict {
	const struct addr *host;
	char owner[300];
};

static int find_conflict(const struct store_row *row, void *ctx)
{
	struct conflict *conflict = ctx;
	struct addr other;

	if (addr_parse(store_text(row, 0), &other) < 0 || other.len != conflict->host->len)
		return 0;
	if (!rules_is_every(&other) && !rules_is_every(conflict->host) &&
	    !addr_equal(&other, conflict->host))
		return 0;
	(void)snprintf(conflict->owner, sizeof(conflict->owner), "container %s",
		       store_text(row, 1));
	return 1;
}

/* Binds as a server would and lets go. 0 or -errno. */
static int try_bind(const char *protocol, const struct addr *host, uint16_t port)
{
	static const int on = 1;
	bool v4 = host->len == 4, tcp = strcmp(protocol, "tcp") == 0;
	int type = strcmp(protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	cleanup_fd int fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC,
				   strcmp(protocol, "sctp") == 0 ? IPPROTO_SCTP : 0);
	int r;

	if (fd < 0)
		return 0; /* nobody on a kernel without the protocol listens */
	if (tcp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (v4) {
		memcpy(&in.sin_addr, host->b, 4);
		r = bind(fd, (struct sockaddr *)&in, sizeof(in));
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		memcpy(&in6.sin6_addr, host->b, 16);
		r = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	}
	return r < 0 ? -errno : 0;
}

static int refuse(const struct addr *host, uint16_t port, const char *why, struct err *err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(host, text);
	return err_reason(err, ERR_PRECONDITION, "PORT_IN_USE",
			  host->len == 4 ? "Bind for %s:%u failed: %.150s"
					 : "Bind for [%s]:%u failed: %.150s",
			  text, port, why);
}

int portfree_check(struct engine *engine, const char *protocol, const struct addr *host,
		   uint16_t port, struct err *err)
{
	struct conflict conflict = { .host = host };
	char why[400];
	int r = store_query(engine->store, err, find_conflict, &conflict,
			    "SELECT p.host_address, c.name FROM ports AS p JOIN containers AS c "
			    "ON c.id = p.container_id WHERE p.protocol = ? AND p.host_port = ?",
			    "si", protocol, (int64_t)port);

	if (r < 0)
		return r;
	if (r > 0) {
		(void)snprintf(why, sizeof(why), "port is already allocated by %s", conflict.owner);
		(void)refuse(host, port, why, err);
		return -EBUSY;
	}
	r = try_bind(protocol, host, port);
	if (r == -EADDRINUSE) {
		char owner[64];

		if (err) {
			portowner_find(protocol, port, owner, sizeof(owner));
			(void)snprintf(why, sizeof(why), "address already in use by %s", owner);
			(void)refuse(host, port, why, err);
		}
		return -EBUSY;
	}
	return r < 0 ? refuse(host, port, strerror(-r), err) : 0;
}
