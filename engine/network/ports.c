/* SPDX-License-Identifier: Apache-2.0 */
/* A port is done by the rules, which lead to the container what they forward. Two kinds are relayed instead: all where
 * the host's rules for what comes in are to count, which see nothing but what goes to a socket of the host; and those of
 * ::1, from which the kernel lets no packet leave the loopback interface.
 *
 * A port of every address (0.0.0.0, ::) excludes the same port of each, which no key of the store can say: allocation
 * asks, within the write transaction. */
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bridge.h"
#include "fault.h"
#include "network.h"
#include "nftport.h"
#include "portfree.h"
#include "relayfile.h"
#include "store/store.h"
#include "str.h"

enum { RANDOM_FIRST = 32768, RANDOM_LAST = 60999 };

bool ports_wanted(const Cleat__V1__ContainerConfig *config)
{
	return config->n_ports || (config->publish_all_ports && config->n_exposed_ports);
}

static const char *protocol_of(const char *text)
{
	return text[0] ? text : "tcp";
}

static bool is_protocol(const char *text)
{
	return strcmp(text, "tcp") == 0 || strcmp(text, "udp") == 0 || strcmp(text, "sctp") == 0;
}

/* 80, 80/udp */
static int parse_exposed(const char *text, Cleat__V1__PortBinding *out, struct err *err)
{
	const char *slash = strchr(text, '/');
	char digits[8] = "";
	int64_t port;

	(void)snprintf(digits, sizeof(digits), "%.*s",
		       (int)(slash ? slash - text : (long)strlen(text)), text);
	cleat__v1__port_binding__init(out);
	out->protocol = (char *)(uintptr_t)(slash ? slash + 1 : "tcp");
	if (str_int_in(digits, 1, 65535, &port) < 0 || !is_protocol(out->protocol))
		return err_set(err, ERR_INVALID, "invalid exposed port: %.60s", text);
	out->container_port = (uint32_t)port;
	return 0;
}

static bool is_relayed(const struct config *settings, const struct addr *host)
{
	return config_publish_by_input(settings) || (host->len == 16 && addr_is_loopback(host));
}

static int check_relayed(const char *protocol, struct err *err)
{
	if (strcmp(protocol, "sctp") != 0)
		return 0;
	return err_set(err, ERR_UNIMPLEMENTED,
		       "publishing sctp at ::1 or under the publish-policy input");
}

int ports_check(const struct config *settings, const Cleat__V1__ContainerConfig *config,
		struct err *err)
{
	for (size_t i = 0; i < config->n_ports; i++) {
		const Cleat__V1__PortBinding *p = config->ports[i];
		struct addr addr = { 0 };

		if (p->container_port < 1 || p->container_port > 65535 || p->host_port > 65535 ||
		    p->host_port_end > 65535 ||
		    (p->host_port_end && p->host_port_end < p->host_port))
			return err_set(err, ERR_INVALID, "invalid port: %u:%u", p->host_port,
				       p->container_port);
		if (!is_protocol(protocol_of(p->protocol)))
			return err_set(err, ERR_INVALID, "invalid protocol of a port: %.40s",
				       p->protocol);
		if (p->host_ip[0] && addr_parse(p->host_ip, &addr) < 0)
			return err_set(err, ERR_INVALID, "invalid address to publish at: %.60s",
				       p->host_ip);
		if (is_relayed(settings, &addr) && check_relayed(protocol_of(p->protocol), err) < 0)
			return -EOPNOTSUPP;
	}
	for (size_t i = 0; config->publish_all_ports && i < config->n_exposed_ports; i++) {
		Cleat__V1__PortBinding binding;
		int r = parse_exposed(config->exposed_ports[i], &binding, err);

		if (r == 0 && config_publish_by_input(settings))
			r = check_relayed(binding.protocol, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The addresses of the host that a binding is for. */
struct hosts {
	struct addr v[2], target[2];
	size_t n;
	bool relayed;
};

static void add_host(struct hosts *hosts, const char *text, const struct addr *target)
{
	if (target->len && addr_parse(text, &hosts->v[hosts->n]) == 0)
		hosts->target[hosts->n++] = *target;
}

static int hosts_of(const struct config *settings, const char *text,
		    const struct ports_owner *owner, struct hosts *out, struct err *err)
{
	struct addr addr = { 0 };
	int family;

	*out = (struct hosts){ 0 };
	if (!text[0]) {
		add_host(out, "0.0.0.0", &owner->addr[0]);
		add_host(out, "::", &owner->addr[1]);
	} else if (addr_parse(text, &addr) == 0) {
		family = addr.len == 4 ? 0 : 1;
		/* a socket leads to either family */
		if (is_relayed(settings, &addr) && !owner->addr[family].len)
			family = 1 - family;
		add_host(out, text, &owner->addr[family]);
	}
	out->relayed = is_relayed(settings, &addr);
	return out->n ? 0
		      : err_set(err, ERR_INVALID,
				"cannot publish at %.60s: the container has no address of its "
				"family",
				text[0] ? text : "0.0.0.0");
}

static int all_free(struct engine *engine, const char *protocol, const struct hosts *hosts,
		    uint16_t port, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < hosts->n; i++)
		r = portfree_check(engine, protocol, &hosts->v[i], port, err);
	return r;
}

/* A free port of first..last, beginning with `start`. */
static int choose(struct engine *engine, const char *protocol, const struct hosts *hosts,
		  uint32_t first, uint32_t last, uint32_t start, uint16_t *out, struct err *err)
{
	int r = -EBUSY;

	for (uint32_t i = 0; r == -EBUSY && i <= last - first; i++) {
		*out = (uint16_t)(first + (start - first + i) % (last - first + 1));
		/* the last one tells why */
		r = all_free(engine, protocol, hosts, *out, i == last - first ? err : NULL);
	}
	return r;
}

static int choose_port(struct engine *engine, const Cleat__V1__PortBinding *binding,
		       const struct hosts *hosts, uint16_t *out, struct err *err)
{
	const char *protocol = protocol_of(binding->protocol);
	uint32_t last = binding->host_port_end ? binding->host_port_end : binding->host_port;
	uint32_t random;

	if (binding->host_port)
		return choose(engine, protocol, hosts, binding->host_port, last, binding->host_port,
			      out, err);
	if (getrandom(&random, sizeof(random), 0) < 0)
		return err_sys(err, errno, "getrandom");
	return choose(engine, protocol, hosts, RANDOM_FIRST, RANDOM_LAST,
		      RANDOM_FIRST + random % (RANDOM_LAST - RANDOM_FIRST + 1), out, err);
}

static int allocate(struct engine *engine, const struct ports_owner *owner,
		    const Cleat__V1__PortBinding *binding, struct err *err)
{
	struct hosts hosts;
	uint16_t port = 0;
	int r = hosts_of(&engine->config, binding->host_ip, owner, &hosts, err);

	/* made under another policy */
	if (r == 0 && hosts.relayed)
		r = check_relayed(protocol_of(binding->protocol), err);
	r = r ? r : choose_port(engine, binding, &hosts, &port, err);
	for (size_t i = 0; r == 0 && i < hosts.n; i++) {
		char host[ADDR_TEXT_MAX], target[ADDR_TEXT_MAX];

		addr_format(&hosts.v[i], host);
		addr_format(&hosts.target[i], target);
		r = store_run(engine->store, err,
			      "INSERT INTO ports (protocol, host_port, host_address, container_id, "
			      "container_port, target, exits, relayed) "
			      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			      "sissisii", protocol_of(binding->protocol), (int64_t)port, host,
			      owner->container_id, (int64_t)binding->container_port, target,
			      (int64_t)owner->exits, (int64_t)hosts.relayed);
		r = r < 0 ? r : 0;
	}
	return r;
}

static bool is_bound(const Cleat__V1__ContainerConfig *config,
		     const Cleat__V1__PortBinding *exposed)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i]->container_port == exposed->container_port &&
		    strcmp(protocol_of(config->ports[i]->protocol), exposed->protocol) == 0)
			return true;
	return false;
}

int ports_allocate(struct engine *engine, const struct ports_owner *owner,
		   const Cleat__V1__ContainerConfig *config, struct err *err)
{
	/* those of a start that was interrupted, or of an end that was not heard of yet */
	int r = store_run(engine->store, err, "UPDATE ports SET exits = ? WHERE container_id = ?",
			  "is", (int64_t)owner->exits, owner->container_id);

	if (r)
		return r < 0 ? r : 0;
	for (size_t i = 0; r == 0 && i < config->n_ports; i++)
		r = allocate(engine, owner, config->ports[i], err);
	for (size_t i = 0; r == 0 && config->publish_all_ports && i < config->n_exposed_ports;
	     i++) {
		Cleat__V1__PortBinding binding;

		r = parse_exposed(config->exposed_ports[i], &binding, err);
		if (r == 0 && !is_bound(config, &binding))
			r = allocate(engine, owner, &binding, err);
	}
	return r;
}

struct listing {
	struct rules_port *v;
	size_t n;
};

static int add_port(const struct store_row *row, void *ctx)
{
	struct listing *list = ctx;
	struct rules_port *grown = realloc(list->v, (list->n + 1) * sizeof(*grown)), *port;

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	port = &grown[list->n];
	*port = (struct rules_port){ .host_port = (uint16_t)store_int(row, 1),
				     .target_port = (uint16_t)store_int(row, 3),
				     .relayed = store_int(row, 5) != 0 };
	(void)snprintf(port->protocol, sizeof(port->protocol), "%s", store_text(row, 0));
	if (addr_parse(store_text(row, 2), &port->host) == 0 &&
	    addr_parse(store_text(row, 4), &port->target) == 0)
		list->n++;
	return 0;
}

static int list_ports(struct engine *engine, const char *container_id, uint64_t exits,
		      struct listing *list, struct err *err)
{
	int r = store_query(
		engine->store, err, add_port, list,
		"SELECT protocol, host_port, host_address, container_port, target, relayed "
		"FROM ports WHERE container_id = ? AND exits < ?",
		"si", container_id, (int64_t)exits);

	return r == -ENOMEM ? err_sys(err, r, "list ports") : r;
}

/* With the lock held; false when the change does not fit what is there: all is to be made anew. */
static bool change(struct engine *engine, const struct listing *list, bool add)
{
	cleanup_free struct rules_port *ruled = calloc(list->n + 1, sizeof(*ruled));
	size_t n = 0;
	char table[32];

	for (size_t i = 0; ruled && i < list->n; i++)
		if (!list->v[i].relayed)
			ruled[n++] = list->v[i];
	bridge_table(engine, table);
	return ruled && (n == 0 || nftport_change(table, add, ruled, n, NULL) == 0);
}

int ports_publish(struct engine *engine, const char *container_id, struct err *err)
{
	struct listing list = { 0 };
	cleanup_fd int lock = network_lock(engine, err);
	int r = lock < 0 ? lock : list_ports(engine, container_id, INT64_MAX, &list, err);

	if (r == 0 && !change(engine, &list, true))
		r = bridge_rules(engine, err);
	free(list.v);
	return r ? r : relayfile_write(engine, container_id, err);
}

/* Leaves those that do not lead to one of the addresses. */
static void keep_astray(struct listing *list, const struct addr addr[2])
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (!addr_equal(&list->v[i].target, &addr[list->v[i].target.len == 4 ? 0 : 1]))
			list->v[kept++] = list->v[i];
	list->n = kept;
}

/* Of either family, for a socket leads to both. */
static const struct addr *address_for(const struct rules_port *port, const struct addr addr[2])
{
	const int family = port->target.len == 4 ? 0 : 1;

	return &addr[port->relayed && !addr[family].len ? 1 - family : family];
}

static int retarget_one(struct engine *engine, const char *container_id,
			const struct rules_port *port, const struct addr *to, struct err *err)
{
	char from_text[ADDR_TEXT_MAX], to_text[ADDR_TEXT_MAX];
	const int64_t relayed = port->relayed;
	int r;

	addr_format(&port->target, from_text);
	if (!to->len)
		r = store_run(engine->store, err,
			      "DELETE FROM ports WHERE container_id = ? AND target = ? AND "
			      "relayed = ?",
			      "ssi", container_id, from_text, relayed);
	else {
		addr_format(to, to_text);
		r = store_run(engine->store, err,
			      "UPDATE ports SET target = ? WHERE container_id = ? AND target = ? "
			      "AND relayed = ?",
			      "sssi", to_text, container_id, from_text, relayed);
	}
	return r < 0 ? r : 0;
}

static int retarget(struct engine *engine, const char *container_id, const struct addr addr[2],
		    struct listing *list, struct err *err)
{
	bool fits;
	size_t kept = 0;
	int r = 0;

	fits = change(engine, list, false);
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		struct rules_port *port = &list->v[i];
		const struct addr *to = address_for(port, addr);

		r = retarget_one(engine, container_id, port, to, err);
		port->target = *to;
		if (to->len)
			list->v[kept++] = *port;
	}
	list->n = kept;
	if (r == 0 && fits && change(engine, list, true))
		return 0;
	if (r == 0)
		return bridge_rules(engine, err);
	/* what was withdrawn leads where the store still says */
	(void)!bridge_rules(engine, NULL);
	return r;
}

int ports_retarget(struct engine *engine, const char *container_id, const struct addr addr[2],
		   struct err *err)
{
	struct listing list = { 0 };
	cleanup_fd int lock = -1;
	int r = list_ports(engine, container_id, INT64_MAX, &list, err);

	keep_astray(&list, addr);
	if (r == 0 && list.n) {
		lock = network_lock(engine, err);
		r = lock < 0 ? lock : retarget(engine, container_id, addr, &list, err);
	}
	free(list.v);
	return r ? r : relayfile_write(engine, container_id, err);
}

static int any_row(const struct store_row *row, void *ctx)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

/* The record goes last: a port that somebody else gets leads nowhere any more. */
static int release(struct engine *engine, const char *container_id, uint64_t exits,
		   struct listing *list, struct err *err)
{
	bool gone;
	cleanup_fd int lock = network_lock(engine, err);
	int r = lock < 0 ? lock : list_ports(engine, container_id, exits, list, err);

	if (r < 0)
		return r;
	gone = change(engine, list, false);
	fault_point(FAULT_NET_PORTS_WITHDRAWN);
	r = store_run(engine->store, err, "DELETE FROM ports WHERE container_id = ? AND exits < ?",
		      "si", container_id, (int64_t)exits);
	fault_point(FAULT_NET_PORTS_FORGOTTEN);
	if (r < 0)
		return r;
	r = gone ? 0 : bridge_rules(engine, err);
	return r ? r : relayfile_write(engine, container_id, err);
}

int ports_release(struct engine *engine, const char *container_id, uint64_t exits, struct err *err)
{
	struct listing list = { 0 };
	bool any = false;
	int r = store_query(engine->store, err, any_row, &any,
			    "SELECT 1 FROM ports WHERE container_id = ? AND exits < ? LIMIT 1",
			    "si", container_id, (int64_t)exits);

	r = r || !any ? r : release(engine, container_id, exits, &list, err);
	free(list.v);
	return r;
}

int ports_renew(struct engine *engine, const char *container_id, struct err *err)
{
	bool any = false;
	int r = store_query(engine->store, err, any_row, &any,
			    "SELECT 1 FROM ports WHERE container_id = ? AND "
			    "relayed <> (? OR host_address = '::1') LIMIT 1",
			    "si", container_id, (int64_t)config_publish_by_input(&engine->config));

	return r || !any ? r : ports_release(engine, container_id, INT64_MAX, err);
}
