/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fd.h"
#include "log.h"
#include "netnames.h"
#include "nft.h"
#include "rules.h"
#include "store/store.h"
#include "str.h"

void bridge_table(const struct engine *engine, char out[32])
{
	bool first = strcmp(engine->run_dir, "/run/cleat") == 0;

	(void)snprintf(out, 32, "%.31s", first ? "cleat" : engine->cgroup);
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

static uint32_t mtu_of(const struct network *network)
{
	const char *text = network_option(network, "com.docker.network.driver.mtu");
	int64_t mtu = 0;

	return text && str_int_in(text, 68, 65535, &mtu) == 0 ? (uint32_t)mtu : 0;
}

static int make_bridge(const struct network *network, struct rtnl *host, struct err *err)
{
	uint8_t mac[6];
	int index, r;

	mac_of_addr(&network->pools[0].gateway, mac);
	rtnl_add_bridge(host, network->bridge, mac, mtu_of(network));
	r = rtnl_commit(host, err);
	if (r < 0)
		return err_wrap(err, r, "make the bridge %s", network->bridge);
	index = rtnl_index(host, network->bridge);
	if (index < 0)
		return err_sys(err, index, "find the bridge %s", network->bridge);
	rtnl_set_alias(host, index, network->id);
	for (size_t i = 0; i < NETWORK_FAMILIES; i++) {
		const struct network_pool *pool = &network->pools[i];
		const struct subnet own = { pool->gateway, pool->subnet.prefix };

		if (pool->subnet.addr.len)
			rtnl_add_address(host, index, &own);
	}
	r = rtnl_commit(host, err);
	if (r < 0) {
		rtnl_delete(host, index);
		(void)!rtnl_commit(host, NULL);
		return err_wrap(err, r, "set up the bridge %s", network->bridge);
	}
	set_host(network);
	return index;
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
	size_t n = 0, used = 0;
	int r = network_list(engine, &networks, &n, err);

	if (r < 0)
		return r;
	rules_begin(script, table);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(networks[i].driver, "bridge") != 0 || networks[i].removing)
			continue;
		add_network(script, table, &networks[i]);
		used++;
	}
	network_list_free(networks, n);
	r = store_query(
		engine->store, err, add_port, &writer,
		"SELECT protocol, host_port, host_address, container_port, target FROM ports", "");
	return r < 0 ? r : script->error ? err_sys(err, script->error, "write the rules") : 0;
}

int bridge_rules(struct engine *engine, struct err *err)
{
	cleanup(buf_deinit) struct buf script = BUF_NULL;
	char table[32];
	int r;

	bridge_table(engine, table);
	r = write_rules(engine, table, &script, err);
	return r ? r : nft_run(script.data, err);
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

static int up_locked(struct engine *engine, const char *id, struct rtnl *host, struct err *err)
{
	struct network network;
	int index, r = network_find(engine, id, &network, err);

	if (r < 0)
		return r;
	index = rtnl_find(host, network.bridge, network.id);
	if (network.removing)
		index = err_reason(err, ERR_NOT_FOUND, "NETWORK_NOT_FOUND", "network %s not found",
				   network.name);
	else if (index < 0) {
		r = choose_name(engine, &network, host, err);
		index = r < 0 ? r : make_bridge(&network, host, err);
		r = index < 0 ? index : bridge_rules(engine, err);
		if (r < 0 && index >= 0) {
			rtnl_delete(host, index);
			(void)!rtnl_commit(host, NULL);
			index = r;
		}
	}
	network_deinit(&network);
	return index;
}

/* The usual case takes no lock: who finds the bridge finds the rules, as both are made under it and the bridge's address
 * comes last but one. */
int bridge_up(struct engine *engine, const struct network *network, struct rtnl *host,
	      struct err *err)
{
	cleanup_fd int lock = -1;
	int index = rtnl_find(host, network->bridge, network->id);

	if (index >= 0 && !network->removing)
		return index;
	lock = network_lock(engine, err);
	return lock < 0 ? lock : up_locked(engine, network->id, host, err);
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

static int mark_removing(struct engine *engine, const struct network *network, struct err *err)
{
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	r = mark(engine, network, err);
	ended = store_end(engine->store, r == 0, err);
	return r < 0 ? r : ended;
}

/* With the lock held, of a network that is marked. */
static int finish_removal(struct engine *engine, const struct network *network, struct err *err)
{
	cleanup(rtnl_close) struct rtnl host;
	int r = rtnl_open(&host), index;

	if (r < 0)
		return err_sys(err, r, "open an rtnetlink socket");
	index = rtnl_find(&host, network->bridge, network->id);
	if (index >= 0) {
		rtnl_delete(&host, index);
		r = rtnl_commit(&host, err);
		r = r ? r : bridge_rules(engine, err);
	}
	r = r < 0 ? r
		  : store_run(engine->store, err, "DELETE FROM networks WHERE id = ?", "s",
			      network->id);
	return r < 0 ? r : 0;
}

int network_remove(struct engine *engine, const struct network *network, struct err *err)
{
	cleanup_fd int lock = -1;
	int r;

	if (network_is_builtin(network))
		return err_set(err, ERR_PERMISSION,
			       "%s is a pre-defined network and cannot be removed", network->name);
	lock = network_lock(engine, err);
	if (lock < 0)
		return lock;
	r = mark_removing(engine, network, err);
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
	return rtnl_find(host, network->bridge, network->id) >= 0;
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
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = recover_one(engine, &networks[i], &host, err);
		up = up || r > 0;
	}
	network_list_free(networks, n);
	return r >= 0 && up ? bridge_rules(engine, err) : r;
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
