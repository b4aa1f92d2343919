/* SPDX-License-Identifier: Apache-2.0 */
/* Order: bridges, then what is recorded (addresses and ports, one transaction), then the namespace and what is in it,
 * then the rules of the ports. Whatever is interrupted: the namespace with its interfaces goes with the descriptor, and
 * the records with attach_down(), which reconciliation calls for every container that does not run. */
#include "attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bridge.h"
#include "fault.h"
#include "netnames.h"
#include "netns.h"
#include "nftnames.h"
#include "ports.h"
#include "store/store.h"

struct attaching {
	struct engine *engine;
	const struct attach_request *request;
	struct endpoints *endpoints;
	int bridges[ENDPOINTS_MAX];
	struct rtnl host, inside;
	int netns, nftables;
};

static void attaching_deinit(struct attaching *a)
{
	endpoints_free(a->endpoints);
	rtnl_close(&a->host);
	rtnl_close(&a->inside);
	closep(&a->netns);
	closep(&a->nftables);
}

/* Docker's order. */
static bool leads_before(const struct endpoint *a, const struct endpoint *b)
{
	if (a->config->gateway_priority != b->config->gateway_priority)
		return a->config->gateway_priority > b->config->gateway_priority;
	return strcmp(a->network.name, b->network.name) < 0;
}

/* The endpoint whose network leads out, for a family; NULL = none. */
static const struct endpoint *gateway_of(const struct endpoints *endpoints, size_t family)
{
	const struct endpoint *best = NULL;

	for (size_t i = 0; i < endpoints->n; i++) {
		const struct endpoint *e = &endpoints->v[i];

		if (e->network.config->internal || !e->addr[family].len)
			continue;
		if (!best || leads_before(e, best))
			best = e;
	}
	return best;
}

static int up_bridges(struct attaching *a, struct err *err)
{
	int r = rtnl_open(&a->host);

	if (r < 0)
		return err_sys(err, r, "open an rtnetlink socket");
	for (size_t i = 0; i < a->endpoints->n; i++) {
		a->bridges[i] = bridge_up(a->engine, &a->endpoints->v[i].network, &a->host, err);
		if (a->bridges[i] < 0)
			return a->bridges[i];
	}
	return 0;
}

static int record_ports(struct attaching *a, struct err *err)
{
	struct ports_owner owner = { .container_id = a->request->container_id,
				     .exits = a->request->exits };

	if (!ports_wanted(a->request->config))
		return 0;
	for (size_t i = 0; i < NETWORK_FAMILIES; i++) {
		const struct endpoint *e = gateway_of(a->endpoints, i);

		if (e)
			owner.addr[i] = e->addr[i];
	}
	/* as in Docker, a container of internal networks alone publishes nothing */
	return owner.addr[0].len || owner.addr[1].len
		       ? ports_allocate(a->engine, &owner, a->request->config, err)
		       : 0;
}

static int record(struct attaching *a, struct err *err)
{
	int r = store_begin(a->engine->store, err), ended;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < a->endpoints->n; i++)
		r = endpoint_lease(a->engine, a->request->container_id, &a->endpoints->v[i],
				   a->request->exits, err);
	r = r ? r : record_ports(a, err);
	ended = store_end(a->engine->store, r == 0, err);
	fault_point(FAULT_NAMES_LEASED);
	return r < 0 ? r : ended;
}

/* Both ends of an endpoint's cable. */
static int plug(struct attaching *a, size_t i, struct err *err)
{
	const struct endpoint *e = &a->endpoints->v[i];
	struct rtnl_veth veth = { .peer_netns = a->netns,
				  .bridge = a->bridges[i],
				  .mtu = network_mtu(&e->network) };
	char name[RTNL_NAME_MAX], peer[RTNL_NAME_MAX];
	uint32_t random;
	int index, r;

	if (getrandom(&random, sizeof(random), 0) < 0)
		return err_sys(err, errno, "getrandom");
	(void)snprintf(name, sizeof(name), "veth%08x", random);
	(void)snprintf(peer, sizeof(peer), "eth%d", e->position);
	veth.name = name;
	veth.peer = peer;
	memcpy(veth.mac, e->mac, sizeof(veth.mac));
	rtnl_add_veth(&a->host, &veth);
	rtnl_set_no_autoconf(&a->host, name); /* nobody is reached at a port of a bridge */
	/* where bridges call netfilter (br_netfilter) a container reaches its own published ports by the port it
	 * came from */
	if (ports_wanted(a->request->config))
		rtnl_set_hairpin(&a->host, name);
	r = rtnl_commit(&a->host, err);
	if (r == -EXFULL)
		return err_set(err, ERR_EXHAUSTED,
			       "network %.80s has as many containers as a bridge can have",
			       e->network.name);
	if (r < 0)
		return err_wrap(err, r, "connect to network %.80s", e->network.name);
	fault_point(FAULT_NET_CABLE_MADE);
	index = rtnl_index(&a->inside, peer);
	if (index < 0)
		return err_sys(err, index, "find %s", peer);
	for (size_t f = 0; f < NETWORK_FAMILIES; f++) {
		const struct subnet own = { e->addr[f], e->network.pools[f].subnet.prefix };

		if (own.addr.len)
			rtnl_add_address(&a->inside, index, &own);
	}
	if (!e->addr[1].len)
		rtnl_set_no_autoconf(&a->inside, peer);
	rtnl_set_up(&a->inside, index);
	r = rtnl_commit(&a->inside, err);
	return r < 0 ? err_wrap(err, r, "set up %s for network %.80s", peer, e->network.name) : 0;
}

static int add_routes(struct attaching *a, struct err *err)
{
	int r;

	for (size_t f = 0; f < NETWORK_FAMILIES; f++) {
		const struct endpoint *e = gateway_of(a->endpoints, f);

		if (e)
			rtnl_add_default_route(&a->inside, &e->network.pools[f].gateway);
	}
	r = rtnl_commit(&a->inside, err);
	return r < 0 ? err_wrap(err, r, "add the default route") : 0;
}

static int make_namespace(struct attaching *a, struct err *err)
{
	bool names = netnames_has_any(a->endpoints);
	int r = netns_make(&a->request->ids, &a->netns, &a->inside, names ? &a->nftables : NULL,
			   err);

	if (r < 0)
		return r;
	rtnl_set_up(&a->inside, 1); /* lo */
	r = rtnl_commit(&a->inside, err);
	for (size_t i = 0; r == 0 && i < a->endpoints->n; i++)
		r = plug(a, i, err);
	if (r == 0 && names)
		r = nftnames_lead(a->nftables, err);
	return r ? r : add_routes(a, err);
}

static int up(struct attaching *a, struct err *err)
{
	int r = endpoints_load(a->engine, a->request->container_id, &a->endpoints, err);

	r = r ? r : up_bridges(a, err);
	r = r ? r : ports_renew(a->engine, a->request->container_id, err);
	r = r ? r : record(a, err);
	fault_point(FAULT_NET_START_RECORDED);
	r = r ? r : make_namespace(a, err);
	fault_point(FAULT_NET_START_PLUGGED);
	if (r == 0 && ports_wanted(a->request->config))
		r = ports_publish(a->engine, a->request->container_id, err);
	return r;
}

/* Owned by the caller, after attaching_deinit(); NULL without memory. */
static struct attaching *attaching_new(struct engine *engine, const struct attach_request *request,
				       struct err *err)
{
	struct attaching *a = calloc(1, sizeof(*a));

	if (!a) {
		(void)err_sys(err, ENOMEM, "network");
		return NULL;
	}
	a->engine = engine;
	a->request = request;
	a->host.fd = a->inside.fd = a->netns = a->nftables = -1;
	return a;
}

int attach_up(struct engine *engine, const struct attach_request *request, int *netns,
	      struct endpoints **out, struct err *err)
{
	cleanup_free struct attaching *a = attaching_new(engine, request, err);
	int r;

	if (!a)
		return -ENOMEM;
	r = up(a, err);
	if (r == 0) {
		*netns = steal_fd(&a->netns);
		*out = steal(&a->endpoints);
	} else {
		(void)!attach_down(engine, request->container_id, ATTACH_ALL, NULL, NULL);
	}
	attaching_deinit(a);
	return r;
}

static int lead_out(struct attaching *a, struct err *err)
{
	struct addr addr[NETWORK_FAMILIES] = { 0 };
	int r = add_routes(a, err);

	for (size_t i = 0; i < NETWORK_FAMILIES; i++) {
		const struct endpoint *e = gateway_of(a->endpoints, i);

		if (e)
			addr[i] = e->addr[i];
	}
	return r ? r : ports_retarget(a->engine, a->request->container_id, addr, err);
}

/* The number of a network's endpoint, -1 = there is none. */
static int place_of(const struct endpoints *endpoints, const char *network_id)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (strcmp(endpoints->v[i].network.id, network_id) == 0)
			return (int)i;
	return -1;
}

static int plug_in(struct attaching *a, size_t i, struct err *err)
{
	int r = rtnl_open(&a->host);

	if (r < 0)
		return err_sys(err, r, "open an rtnetlink socket");
	r = bridge_up(a->engine, &a->endpoints->v[i].network, &a->host, err);
	if (r < 0)
		return r;
	a->bridges[i] = r;
	r = record(a, err);
	fault_point(FAULT_NET_CONNECT_RECORDED);
	r = r ? r : plug(a, i, err);
	fault_point(FAULT_NAMES_PLUGGED);
	if (r == 0 && a->nftables >= 0)
		r = nftnames_lead(a->nftables, err);
	r = r ? r : lead_out(a, err);
	fault_point(FAULT_NET_CONNECT_ROUTED);
	if (r == 0 && ports_wanted(a->request->config))
		r = ports_publish(a->engine, a->request->container_id, err);
	return r;
}

/* A namespace in use (borrowed until it is taken out of *a again). */
static int enter(struct attaching *a, int netns, struct err *err)
{
	bool names;
	int r = endpoints_load(a->engine, a->request->container_id, &a->endpoints, err);

	names = r == 0 && netnames_has_any(a->endpoints);
	r = r ? r : netns_enter(netns, &a->inside, names ? &a->nftables : NULL, err);
	if (r == 0)
		a->netns = netns;
	return r;
}

int attach_connect(struct engine *engine, const struct attach_request *request, int netns,
		   const char *network_id, struct err *err)
{
	cleanup_free struct attaching *a = attaching_new(engine, request, err);
	int r = a ? enter(a, netns, err) : -ENOMEM, place;

	if (!a)
		return r;
	place = r ? -1 : place_of(a->endpoints, network_id);
	if (r == 0 && place < 0)
		r = err_set(err, ERR_INTERNAL, "the endpoint is not recorded");
	r = r ? r : plug_in(a, (size_t)place, err);
	a->netns = -1;
	attaching_deinit(a);
	return r;
}

/* The cables from a network's bridge into the namespace: whatever the container calls its ends. */
static int unplug(struct attaching *a, const struct endpoint *endpoint, struct err *err)
{
	const struct network *network = &endpoint->network;
	struct rtnl_cable cable = { .netns = a->netns, .inside = &a->inside };
	int r = rtnl_open(&a->host), bridge;

	if (r < 0)
		return err_sys(err, r, "open an rtnetlink socket");
	bridge = rtnl_find(&a->host, network->bridge, network->id, NULL);
	cable.bridge = bridge < 0 ? 0 : bridge;
	memcpy(cable.mac, endpoint->mac, sizeof(cable.mac));
	r = rtnl_delete_into(&a->host, &cable, err);
	return r ? r : rtnl_commit(&a->host, err);
}

static void leave_out(struct endpoints *endpoints, size_t number)
{
	struct endpoint *e = &endpoints->v[number];

	cleat__v1__endpoint_config__free_unpacked(e->config, NULL);
	network_deinit(&e->network);
	endpoints->n--;
	memmove(e, e + 1, (endpoints->n - number) * sizeof(*e));
}

static int plug_out(struct attaching *a, const char *network_id, struct err *err)
{
	int place = place_of(a->endpoints, network_id), r;

	if (place < 0)
		return 0;
	r = endpoints_read(a->engine, a->request->container_id, a->endpoints, err);
	r = r ? r : unplug(a, &a->endpoints->v[place], err);
	fault_point(FAULT_NET_UNPLUGGED);
	leave_out(a->endpoints, (size_t)place);
	r = r ? r : lead_out(a, err);
	fault_point(FAULT_NET_UNPLUG_ROUTED);
	return r;
}

int attach_disconnect(struct engine *engine, const char *container_id, int netns,
		      const struct network *network, struct err *err)
{
	const struct attach_request request = { .container_id = container_id };
	cleanup_free struct attaching *a = attaching_new(engine, &request, err);
	int r = a ? enter(a, netns, err) : -ENOMEM;

	if (!a)
		return r;
	r = r ? r : plug_out(a, network->id, err);
	a->netns = -1;
	attaching_deinit(a);
	return r;
}

static int add_left(const struct store_row *row, void *ctx)
{
	struct attach_left *left = ctx;

	if (left->n == ENDPOINTS_MAX)
		return 0;
	(void)snprintf(left->v[left->n].id, sizeof(left->v[0].id), "%s", store_text(row, 0));
	(void)snprintf(left->v[left->n].name, sizeof(left->v[0].name), "%s", store_text(row, 1));
	left->n++;
	return 0;
}

int attach_down(struct engine *engine, const char *container_id, uint64_t exits,
		struct attach_left *left, struct err *err)
{
	struct attach_left own = { .n = 0 };
	int r = store_query(engine->store, err, add_left, &own,
			    "SELECT DISTINCT n.id, n.name FROM addresses AS a JOIN networks AS n "
			    "ON n.id = a.network_id WHERE a.container_id = ? AND a.exits < ?",
			    "si", container_id, (int64_t)exits);

	r = r ? r : ports_release(engine, container_id, exits, err);
	if (r == 0 && own.n) {
		r = endpoints_release(engine, container_id, exits, err);
		fault_point(FAULT_NAMES_RELEASED);
	}
	fault_point(FAULT_NET_LEASES_GONE);
	if (r >= 0 && left)
		*left = own;
	return r < 0 ? r : 0;
}
