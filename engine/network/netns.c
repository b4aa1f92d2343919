/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "ownedns.h"
#include "thread.h"

enum { STACK_BYTES = 64 << 10 };

struct visit {
	int into; /* -1 = a new one */
	bool fresh;
	int fd, r;
	const char *what;
	struct rtnl *rtnl;
	int *nftables; /* NULL = not wanted */
};

/* Everything below /proc/sys/net is of the thread's namespace. What a kernel does not have is not set. */
static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, value, strlen(value));
	close(fd);
}

static int make(struct visit *v)
{
	v->what = "make a network namespace";
	if (unshare(CLONE_NEWNET))
		return -errno;
	v->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return v->fd < 0 ? -errno : 0;
}

static void set_up(void)
{
	write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	/* who has an address anew says so: others may know it at another place */
	write_sysctl("/proc/sys/net/ipv4/conf/default/arp_notify", "1");
}

static int open_sockets(struct visit *v)
{
	int r;

	v->what = "open a socket in a network namespace";
	r = rtnl_open(v->rtnl);
	if (r < 0 || !v->nftables)
		return r;
	*v->nftables = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (*v->nftables >= 0)
		return 0;
	r = -errno;
	rtnl_close(v->rtnl);
	return r;
}

static void *visit(void *arg)
{
	struct visit *v = arg;

	if (v->into < 0) {
		v->r = make(v);
	} else {
		v->what = "enter a network namespace";
		v->r = setns(v->into, CLONE_NEWNET) ? -errno : 0;
	}
	if (v->r == 0 && v->fresh)
		set_up();
	if (v->r == 0)
		v->r = open_sockets(v);
	return NULL;
}

static int run(struct visit *v, struct err *err)
{
	pthread_t thread;
	int r = thread_start(&thread, STACK_BYTES, visit, v);

	if (r < 0)
		return err_sys(err, r, "start a thread");
	pthread_join(thread, NULL);
	if (v->r < 0)
		closep(&v->fd);
	return v->r < 0 ? err_sys(err, v->r, "%s", v->what) : 0;
}

int netns_make(const struct idrange *ids, int *fd, struct rtnl *rtnl, int *nftables,
	       struct err *err)
{
	cleanup_fd int owned = ids->n ? ownedns_make(ids, err) : -1;
	struct visit v = {
		.into = owned, .fresh = true, .fd = -1, .rtnl = rtnl, .nftables = nftables
	};
	int r = ids->n && owned < 0 ? owned : run(&v, err);

	if (r == 0)
		*fd = ids->n ? steal_fd(&owned) : v.fd;
	return r;
}

int netns_enter(int fd, struct rtnl *rtnl, int *nftables, struct err *err)
{
	struct visit v = { .into = fd, .fd = -1, .rtnl = rtnl, .nftables = nftables };

	return run(&v, err);
}
