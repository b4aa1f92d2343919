/* SPDX-License-Identifier: Apache-2.0 */
/* Service Networks. This release makes none, so that there is never one to prune. */
#include "cleat/v1/networks.rpc.h"
#include "container/history.h"
#include "filterkeys.h"
#include "service.h"

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneNetworksRequest *req,
		    Cleat__V1__PruneNetworksReply *reply, struct err *err)
{
	static const char *const keys[] = { "until", "label", "label!", NULL };

	int r = filterkeys_check(req->filters, req->n_filters, keys, err);

	(void)reply;
	if (r == 0)
		history_pruned(service_engine(call), "network", 0);
	return r;
}

static const struct cleat_v1_networks_ops ops = {
	.prune = on_prune,
};

int service_register_networks(struct rpc_server *server)
{
	return cleat_v1_networks_register(server, &ops);
}
