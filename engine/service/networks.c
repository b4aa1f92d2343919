/* SPDX-License-Identifier: Apache-2.0 */
/* Service Networks. */
#include <errno.h>
#include <string.h>

#include "bridge.h"
#include "cleat/v1/networks.rpc.h"
#include "container/history.h"
#include "container/netjoin.h"
#include "fd.h"
#include "netfilter.h"
#include "netview.h"
#include "network.h"
#include "service.h"
#include "str.h"

/* A repetition of a call that was carried out: what it would change is changed. */
static int done_before(struct rpc_call *call, const struct call_key *key)
{
	return requests_recall(service_engine(call)->store, key->text, NULL, NULL) > 0;
}

static int remember(struct rpc_call *call, const struct call_key *key, int r)
{
	struct err err = ERR_NULL;

	/* what was done stays done; a repetition will say that it is there or gone */
	if (r == 0 && requests_remember(service_engine(call)->store, key->text, NULL, 0, &err) < 0)
		return 0;
	return r;
}

static int on_create(struct rpc_call *call, const Cleat__V1__CreateNetworkRequest *req,
		     Cleat__V1__CreateNetworkReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	const struct call_key key = service_key(call);
	struct network network;
	char id[65];
	int r;

	if (done_before(call, &key)) {
		r = network_find(engine, req->name, &network, err);
		if (r == 0)
			(void)snprintf(id, sizeof(id), "%s", network.id);
		if (r == 0)
			network_deinit(&network);
	} else {
		r = network_create(engine, req, id, err);
		r = remember(call, &key, r);
		if (r == 0)
			history_network(engine, id, req->name, "bridge", "", "create");
	}
	if (r == 0 && !(reply->id = strdup(id)))
		r = err_sys(err, ENOMEM, "network");
	return r;
}

static int add_details(struct engine *engine, const struct network *network, bool members,
		       Cleat__V1__ListNetworksReply *reply, struct err *err)
{
	Cleat__V1__NetworkDetails *details = malloc(sizeof(*details));

	if (!details)
		return err_sys(err, ENOMEM, "list the networks");
	cleat__v1__network_details__init(details);
	reply->networks[reply->n_networks++] = details;
	return netview_network(engine, network, members, details, err);
}

static bool asks_for_use(Cleat__V1__Filter *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(filters[i]->key, "dangling") == 0)
			return true;
	return false;
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListNetworksRequest *req,
		   Cleat__V1__ListNetworksReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	int64_t now_ns = fd_realtime_ns();
	bool by_use = asks_for_use(req->filters, req->n_filters);
	struct network *networks = NULL;
	size_t n = 0;
	int r = netfilter_check(req->filters, req->n_filters, false, now_ns, err);

	r = r ? r : network_list(engine, &networks, &n, err);
	if (r == 0 && !(reply->networks = calloc(n + 1, sizeof(*reply->networks))))
		r = err_sys(err, ENOMEM, "list the networks");
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool used = false;

		r = by_use ? network_is_used(engine, networks[i].id, &used, err) : 0;
		if (r == 0 && !networks[i].removing &&
		    netfilter_match(req->filters, req->n_filters, &networks[i], used, now_ns))
			r = add_details(engine, &networks[i], false, reply, err);
	}
	network_list_free(networks, n);
	return r;
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectNetworkRequest *req,
		      Cleat__V1__NetworkDetails *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct network network;
	int r = network_find(engine, req->network, &network, err);

	if (r < 0)
		return r;
	r = netview_network(engine, &network, true, reply, err);
	network_deinit(&network);
	return r;
}

static int on_remove(struct rpc_call *call, const Cleat__V1__RemoveNetworkRequest *req,
		     Cleat__V1__RemoveNetworkReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	const struct call_key key = service_key(call);
	struct network network;
	int r;

	(void)reply;
	if (done_before(call, &key))
		return 0;
	r = network_find(engine, req->network, &network, err);
	if (r < 0)
		return r;
	r = netjoin_remove(engine, &network, key.text, err);
	network_deinit(&network);
	return r;
}

static int on_connect(struct rpc_call *call, const Cleat__V1__ConnectNetworkRequest *req,
		      Cleat__V1__ConnectNetworkReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);

	(void)reply;
	if (done_before(call, &key))
		return 0;
	return netjoin_connect(service_engine(call), req, key.text, err);
}

static int on_disconnect(struct rpc_call *call, const Cleat__V1__DisconnectNetworkRequest *req,
			 Cleat__V1__DisconnectNetworkReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);

	(void)reply;
	if (done_before(call, &key))
		return 0;
	return netjoin_disconnect(service_engine(call), req, key.text, err);
}

static int prune_one(struct engine *engine, const struct network *network,
		     Cleat__V1__PruneNetworksReply *reply, struct err *err)
{
	struct err why = ERR_NULL;

	if (netjoin_remove(engine, network, "", &why) < 0)
		return 0; /* it came into use */
	reply->names[reply->n_names] = strdup(network->name);
	if (!reply->names[reply->n_names])
		return err_sys(err, ENOMEM, "prune the networks");
	reply->n_names++;
	return 0;
}

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneNetworksRequest *req,
		    Cleat__V1__PruneNetworksReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	int64_t now_ns = fd_realtime_ns();
	struct network *networks = NULL;
	size_t n = 0;
	int r = netfilter_check(req->filters, req->n_filters, true, now_ns, err);

	r = r ? r : network_list(engine, &networks, &n, err);
	if (r == 0 && !(reply->names = calloc(n + 1, sizeof(*reply->names))))
		r = err_sys(err, ENOMEM, "prune the networks");
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool used = false;

		r = network_is_used(engine, networks[i].id, &used, err);
		if (r == 0 && !used && !network_is_builtin(&networks[i]) &&
		    netfilter_match(req->filters, req->n_filters, &networks[i], used, now_ns))
			r = prune_one(engine, &networks[i], reply, err);
	}
	network_list_free(networks, n);
	if (r == 0)
		history_pruned(engine, "network", 0);
	return r;
}

static const struct cleat_v1_networks_ops ops = {
	.create = on_create,
	.list = on_list,
	.inspect = on_inspect,
	.remove = on_remove,
	.connect = on_connect,
	.disconnect = on_disconnect,
	.prune = on_prune,
};

int service_register_networks(struct rpc_server *server)
{
	return cleat_v1_networks_register(server, &ops);
}
