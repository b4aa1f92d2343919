/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fault.h"
#include "fd.h"
#include "log.h"
#include "netnames.h"
#include "nft.h"
#include "nftport.h"
#include "rules.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"

void bridge_table(const struct engine *engine, char out[32])
{
	bool first = strcmp(engine->run_dir, "/run/cleat") == 0;

	(void)snprintf(out, 32, "%.31s", first ? "cleat" : engine->cgroup);
}

void bridge_user_table(const struct engine *engine, char out[32])
{
	char table[32];

	bridge_table(engine, table);
	(void)snprintf(out, 32, "%.26s-user", table);
}

static int write_setting(const char *path, const char *value)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_all(fd, value, strlen(value));
}

/* As Docker does it: without forwarding a bridge leads nowhere. */
static void enable_forwarding(const char *path)
{
	cleanup(buf_deinit) struct buf now = BUF_NULL;

	if (fd_read_file(AT_FDCWD, path, 16, &now) < 0 || !now.data || now.data[0] != '0')
		return;
	if (write_setting(path, "1") < 0)
		log_warn("cannot set %s: containers reach nothing beyond this host", path);
	else
		log_info("%s is set to 1: containers reach what is beyond this host", path);
}

/* A neighbour on behalf of another host is asked for with the bridge's link-local address. Nobody else has that: without
 * the search for duplicates it is there at once, and with it containers cannot be reached for some two seconds. */
static void set_ipv6(const struct network *network)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_dad",
		       network->bridge);
	if (write_setting(path, "0") < 0)
		log_warn("cannot set %s: ports published over IPv6 take some seconds", path);
}

static void set_host(const struct network *network)
{
	char path[96];

	/* the host's own 127.0.0.1 reaches published ports through the bridge; rules.c guards it */
	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet",
		       network->bridge);
	if (write_setting(path, "1") < 0)
		log_warn("cannot set %s: published ports are not to be had at 127.0.0.1", path);
	if (network->pools[1].subnet.addr.len)
		set_ipv6(network);
	if (network->config->internal)
		return;
	enable_forwarding("/proc/sys/net/ipv4/ip_forward");
	if (network->pools[1].subnet.addr.len)
		enable_forwarding("/proc/sys/net/ipv6/conf/all/forwarding");
}

/* Its number. It is down. */
static int make_bridge(const struct network *network, struct rtnl *host, struct err *err)
{
	uint8_t mac[6];
	int index, r;

	mac_of_addr(&network->pools[0].gateway, mac);
	rtnl_add_bridge(host, network->bridge, network->id, mac, network_mtu(network));
	r = rtnl_commit(host, err);
	if (r < 0)
		return err_wrap(err, r, "make the bridge %s", network->bridge);
	fault_point(FAULT_NET_BRIDGE_MADE);
	index = rtnl_index(host, network->bridge);
	return index < 0 ? err_sys(err, index, "find the bridge %s", network->bridge) : index;
}

static void add_network(struct buf *script, const char *table, const struct network *network)
{
	const char *masquerade =
		network_option(network, "com.docker.network.bridge.enable_ip_masquerade");

	for (size_t i = 0; i < NETWORK_FAMILIES; i++) {
		const struct rules_network rules = {
			.bridge = network->bridge,
			.subnet = network->pools[i].subnet,
			.internal = network->config->internal,
			.masquerade = !masquerade || str_query_bool(masquerade),
		};

		if (rules.subnet.addr.len)
			rules_add_network(script, table, &rules);
	}
}

struct port_writer {
	struct buf *script;
	const char *table;
};

static int add_port(const struct store_row *row, void *ctx)
{
	const struct port_writer *writer = ctx;
	struct rules_port port = { .host_port = (uint16_t)store_int(row, 1),
				   .target_port = (uint16_t)store_int(row, 3) };

	(void)snprintf(port.protocol, sizeof(port.protocol), "%s", store_text(row, 0));
	if (addr_parse(store_text(row, 2), &port.host) == 0 &&
	    addr_parse(store_text(row, 4), &port.target) == 0)
		rules_add_port(writer->script, writer->table, &port);
	return 0;
}

/* A network that was never used has no subnet and no rules. */
static int write_rules(struct engine *engine, const char *table, struct buf *script,
		       struct err *err)
{
	struct port_writer writer = { script, table };
	struct network *networks = NULL;
	size_t n = 0;
	int r = network_list(engine, &networks, &n, err);

	if (r < 0)
		return r;
	rules_begin(script, table);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(networks[i].driver, "bridge") != 0 || networks[i].removing)
			continue;
		add_network(script, table, &networks[i]);
	}
	network_list_free(networks, n);
	return store_query(
		engine->store, err, add_port, &writer,
		"SELECT protocol, host_port, host_address, container_port, target FROM ports "
		"WHERE relayed = 0",
		"");
}

int bridge_rules(struct engine *engine, struct err *err)
{
	cleanup(buf_deinit) struct buf script = BUF_NULL;
	char table[32];
	int r;

	bridge_table(engine, table);
	r = write_rules(engine, table, &script, err);
	bridge_user_table(engine, table);
	if (nftport_table(table) == -ENOENT)
		rules_add_user(&script, table);
	r = r || !script.error ? r : err_sys(err, script.error, "write the rules");
	return r ? r : nft_run(script.data, err);
}

/* Of a bridge that is down. That it is up tells that all else was done. */
static int set_up(struct engine *engine, const struct network *network, int index,
		  struct rtnl *host, struct err *err)
{
	int r;

	for (size_t i = 0; i < NETWORK_FAMILIES; i++) {
		const struct network_pool *pool = &network->pools[i];
		const struct subnet own = { pool->gateway, pool->subnet.prefix };

		if (pool->subnet.addr.len)
			rtnl_add_address(host, index, &own);
	}
	r = rtnl_commit(host, err);
	if (r == 0)
		set_host(network);
	r = r ? r : bridge_rules(engine, err);
	fault_point(FAULT_NET_RULES_MADE);
	rtnl_set_up(host, index);
	r = r ? r : rtnl_commit(host, err);
	return r < 0 ? err_wrap(err, r, "set up the bridge %s", network->bridge) : 0;
}

/* A free name: the default network's may be another engine's, or anybody's. */
static int choose_name(struct engine *engine, struct network *network, const struct rtnl *host,
		       struct err *err)
{
	int r;

	if (strcmp(network->name, "bridge") != 0)
		return 0;
	for (unsigned i = 0; i < 1000 && rtnl_index(host, network->bridge) >= 0; i++)
		(void)snprintf(network->bridge, sizeof(network->bridge), "cleat%u", i);
	r = store_run(engine->store, err, "UPDATE networks SET bridge = ? WHERE id = ?", "ss",
		      network->bridge, network->id);
	return r < 0 ? r : 0;
}

static int find_or_make(struct engine *engine, struct network *network, struct rtnl *host,
			struct err *err)
{
	bool up = false;
	int index = rtnl_find(host, network->bridge, network->id, &up), r;
	const bool found = index >= 0;

	if (found && up)
		return index;
	if (!found) {
		r = choose_name(engine, network, host, err);
		index = r < 0 ? r : make_bridge(network, host, err);
		if (index < 0)
			return index;
	}
	r = set_up(engine, network, index, host, err);
	if (r == 0)
		return index;
	if (!found) {
		rtnl_delete(host, index);
		(void)!rtnl_commit(host, NULL);
	}
	return r;
}

static int up_locked(struct engine *engine, const char *id, struct rtnl *host, struct err *err)
{
	struct network network;
	int index, r = network_find(engine, id, &network, err);

	if (r < 0)
		return r;
	if (network.removing)
		index = err_reason(err, ERR_NOT_FOUND, "NETWORK_NOT_FOUND", "network %s not found",
				   network.name);
	else
		index = find_or_make(engine, &network, host, err);
	network_deinit(&network);
	return index;
}

/* Bridges that were found up. To find one by netlink takes the lock of the kernel that whoever ends a network namespace
 * holds for some 10 ms; that one with this number and this name is still there takes none. */
enum { KNOWN_MAX = 64 };
static struct {
	pthread_mutex_t mutex;
	struct {
		char id[65];
		int index;
	} v[KNOWN_MAX];
	size_t next;
} known = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_known(const char *id, int index)
{
	bool found = false;

	pthread_mutex_lock(&known.mutex);
	for (size_t i = 0; !found && i < KNOWN_MAX; i++)
		found = known.v[i].index == index && strcmp(known.v[i].id, id) == 0;
	pthread_mutex_unlock(&known.mutex);
	return found;
}

static void know(const char *id, int index)
{
	pthread_mutex_lock(&known.mutex);
	(void)snprintf(known.v[known.next].id, sizeof(known.v[0].id), "%s", id);
	known.v[known.next].index = index;
	known.next = (known.next + 1) % KNOWN_MAX;
	pthread_mutex_unlock(&known.mutex);
}

/* The number of a bridge that is up, -ENODEV when it is not for sure. */
static int find_known(const struct network *network, const struct rtnl *host)
{
	int index = rtnl_index(host, network->bridge);

	return index >= 0 && is_known(network->id, index) && rtnl_is_up(host, network->bridge)
		       ? index
		       : -ENODEV;
}

/* The usual case takes no lock: who finds a bridge that is up finds the rules. */
int bridge_up(struct engine *engine, const struct network *network, struct rtnl *host,
	      struct err *err)
{
	cleanup_fd int lock = -1;
	int index = network->removing ? -ENODEV : find_known(network, host);

	if (index >= 0)
		return index;
	lock = network_lock(engine, err);
	index = lock < 0 ? lock : up_locked(engine, network->id, host, err);
	if (index >= 0)
		know(network->id, index);
	return index;
}

static int in_use(const struct store_row *row, void *ctx)
{
	(void)snprintf(ctx, 256, "%s", store_text(row, 0));
	return 1;
}

/* Within a transaction: from here on no container gets an address of it. */
static int mark(struct engine *engine, const struct network *network, struct err *err)
{
	char name[256] = "";
	int r = store_query(engine->store, err, in_use, name,
			    "SELECT c.name FROM addresses AS a JOIN containers AS c "
			    "ON c.id = a.container_id WHERE a.network_id = ? LIMIT 1",
			    "s", network->id);

	if (r > 0)
		return err_reason(
			err, ERR_PRECONDITION, "NETWORK_IN_USE",
			"error while removing network: network %.60s has active endpoints "
			"(container %.100s)",
			network->name, name);
	r = r ? r
	      : store_run(engine->store, err,
			  "UPDATE networks SET intent = 'removing' WHERE id = ?", "s", network->id);
	return r < 0 ? r : 0;
}

static int mark_removing(struct engine *engine, const struct network *network, const char *key,
			 struct err *err)
{
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	r = mark(engine, network, err);
	r = r ? r : requests_remember(engine->store, key, NULL, 0, err);
	ended = store_end(engine->store, r == 0, err);
	return r < 0 ? r : ended;
}

static bool has_rules(const struct engine *engine)
{
	char table[32];

	bridge_table(engine, table);
	return nftport_table(table) == 0;
}

/* With the lock held, of a network that is marked. */
static int finish_removal(struct engine *engine, const struct network *network, struct err *err)
{
	cleanup(rtnl_close) struct rtnl host;
	int r = rtnl_open(&host), index;

	if (r < 0)
		return err_sys(err, r, "open an rtnetlink socket");
	index = rtnl_find(&host, network->bridge, network->id, NULL);
	if (index >= 0)
		rtnl_delete(&host, index);
	r = rtnl_commit(&host, err);
	fault_point(FAULT_NET_BRIDGE_GONE);
	/* whoever was interrupted behind the bridge has left the rules */
	if (r == 0 && has_rules(engine))
		r = bridge_rules(engine, err);
	fault_point(FAULT_NET_RULES_GONE);
	r = r < 0 ? r
		  : store_run(engine->store, err, "DELETE FROM networks WHERE id = ?", "s",
			      network->id);
	return r < 0 ? r : 0;
}

int network_remove(struct engine *engine, const struct network *network, const char *key,
		   struct err *err)
{
	cleanup_fd int lock = -1;
	int r;

	if (network_is_builtin(network))
		return err_set(err, ERR_PERMISSION,
			       "%s is a pre-defined network and cannot be removed", network->name);
	lock = network_lock(engine, err);
	if (lock < 0)
		return lock;
	r = mark_removing(engine, network, key, err);
	fault_point(FAULT_NET_MARKED);
	return r ? r : finish_removal(engine, network, err);
}

/* 1 = a bridge of the network is up. */
static int recover_one(struct engine *engine, const struct network *network, struct rtnl *host,
		       struct err *err)
{
	if (strcmp(network->driver, "bridge") != 0)
		return 0;
	if (network->removing)
		return finish_removal(engine, network, err);
	return rtnl_find(host, network->bridge, network->id, NULL) >= 0;
}

static int used_network(const struct store_row *row, void *ctx)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

/* An engine whose networks were never used has nothing to look after. */
static bool never_used(struct engine *engine)
{
	bool used = false;

	return store_query(engine->store, NULL, used_network, &used,
			   "SELECT 1 FROM networks WHERE length(config) > 0 LIMIT 1", "") == 0 &&
	       !used;
}

static int recover(struct engine *engine, struct err *err)
{
	cleanup(rtnl_close) struct rtnl host;
	struct network *networks = NULL;
	bool up = false;
	size_t n = 0;
	int r = rtnl_open(&host);

	r = r < 0 ? err_sys(err, r, "open an rtnetlink socket")
		  : network_list(engine, &networks, &n, err);
	/* one that cannot be mended keeps no other from it */
	for (size_t i = 0; i < n; i++) {
		struct err own = ERR_NULL;
		int one = recover_one(engine, &networks[i], &host, &own);

		if (one < 0)
			log_error("cannot make sure of the network %s: %s", networks[i].name,
				  own.message);
		up = up || one != 0;
	}
	network_list_free(networks, n);
	return r >= 0 && (up || has_rules(engine)) ? bridge_rules(engine, err) : r;
}

void network_recover(struct engine *engine)
{
	struct err err = ERR_NULL;
	cleanup_fd int lock = -1;

	if (never_used(engine))
		return;
	lock = network_lock(engine, &err);
	if (lock < 0 || recover(engine, &err) < 0)
		log_error("cannot make sure of the networks: %s", err.message);
	netnames_recover(engine);
}
