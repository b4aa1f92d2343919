/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own changes are told as well, as a deletion and an addition at once: what counts is whether the table is
 * there when all is said. */
#include "netwatch.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "bridge.h"
#include "log.h"
#include "nftport.h"
#include "thread.h"

#include <libmnl/libmnl.h>

enum { STACK_BYTES = 256 << 10, EVENT_BYTES = 8192 };

struct netwatch {
	struct engine *engine;
	pthread_t thread;
	int sock, stop;
};

/* Whether a datagram tells of a table that was deleted. */
static bool tells_of_deletion(const char *data, int len)
{
	for (const struct nlmsghdr *h = (const void *)data; mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len))
		if (h->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE))
			return true;
	return false;
}

/* True when all that is waiting was read and one of it, or something that was lost, may be a deletion. */
static bool read_all(int sock)
{
	_Alignas(8) char data[EVENT_BYTES];
	bool deleted = false;

	for (;;) {
		ssize_t n = recv(sock, data, sizeof(data), MSG_DONTWAIT);

		if (n >= 0)
			deleted = tells_of_deletion(data, (int)n) || deleted;
		else if (errno == ENOBUFS)
			deleted = true;
		else if (errno != EINTR)
			return deleted;
	}
}

static void put_back(struct engine *engine)
{
	char table[32];

	bridge_table(engine, table);
	if (nftport_table(table) == -ENOENT)
		network_recover(engine);
}

static void *run(void *arg)
{
	struct netwatch *watch = arg;
	struct pollfd fds[] = { { .fd = watch->sock, .events = POLLIN },
				{ .fd = watch->stop, .events = POLLIN } };

	for (;;) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents && read_all(watch->sock))
			put_back(watch->engine);
	}
}

static int subscribe(void)
{
	const int group = NFNLGRP_NFTABLES;
	cleanup_fd int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };

	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return steal_fd(&sock);
}

static int start(struct netwatch *watch)
{
	watch->sock = subscribe();
	if (watch->sock < 0)
		return watch->sock;
	watch->stop = eventfd(0, EFD_CLOEXEC);
	return watch->stop < 0 ? -errno : thread_start(&watch->thread, STACK_BYTES, run, watch);
}

int netwatch_open(struct netwatch **out, struct engine *engine, struct err *err)
{
	cleanup_free struct netwatch *watch = calloc(1, sizeof(*watch));
	int r;

	*out = NULL;
	if (!watch)
		return err_sys(err, ENOMEM, "watch the rules");
	*watch = (struct netwatch){ .engine = engine, .sock = -1, .stop = -1 };
	r = start(watch);
	if (r < 0) {
		log_info("nftables cannot be watched: %s", strerror(-r));
		closep(&watch->sock);
		closep(&watch->stop);
		return 0;
	}
	*out = steal(&watch);
	return 0;
}

struct netwatch *netwatch_free(struct netwatch *watch)
{
	if (!watch)
		return NULL;
	(void)eventfd_write(watch->stop, 1);
	pthread_join(watch->thread, NULL);
	close(watch->sock);
	close(watch->stop);
	free(watch);
	return NULL;
}
