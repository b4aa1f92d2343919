/* SPDX-License-Identifier: Apache-2.0 */
/* Service Volumes. This release makes none, so that there is never one to list or to prune. */
#include "cleat/v1/volumes.rpc.h"
#include "container/history.h"
#include "filterkeys.h"
#include "service.h"

static int on_list(struct rpc_call *call, const Cleat__V1__ListVolumesRequest *req,
		   Cleat__V1__ListVolumesReply *reply, struct err *err)
{
	static const char *const keys[] = { "dangling", "driver", "label", "name", NULL };

	(void)call;
	(void)reply;
	return filterkeys_check(req->filters, req->n_filters, keys, err);
}

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneVolumesRequest *req,
		    Cleat__V1__PruneVolumesReply *reply, struct err *err)
{
	static const char *const keys[] = { "all", "label", "label!", NULL };

	int r = filterkeys_check(req->filters, req->n_filters, keys, err);

	(void)reply;
	if (r == 0)
		history_pruned(service_engine(call), "volume", 0);
	return r;
}

static const struct cleat_v1_volumes_ops ops = {
	.list = on_list,
	.prune = on_prune,
};

int service_register_volumes(struct rpc_server *server)
{
	return cleat_v1_volumes_register(server, &ops);
}
