/* SPDX-License-Identifier: Apache-2.0 */
/* What of Docker's /networks is there: the prune. */
#include "cleat/v1/networks.pb-c.h"
#include "exchange.h"

static json_t *names(char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}

static void prune_networks(struct gw *gw)
{
	Cleat__V1__PruneNetworksRequest request = CLEAT__V1__PRUNE_NETWORKS_REQUEST__INIT;
	Cleat__V1__PruneNetworksReply *reply = NULL;
	struct err err = ERR_NULL;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, "cleat.v1.Networks/Prune", &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200,
		json_pack("{s:o}", "NetworksDeleted", names(reply->names, reply->n_names)));
	cleat__v1__prune_networks_reply__free_unpacked(reply, NULL);
}

const struct gw_route gw_netvolume[] = {
	{ "POST", "/networks/prune", prune_networks },
	{ 0 },
};
