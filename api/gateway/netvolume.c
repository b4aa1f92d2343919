/* SPDX-License-Identifier: Apache-2.0 */
/* What of Docker's /networks and /volumes is there: their prunes, and the list of volumes. */
#include "cleat/v1/networks.pb-c.h"
#include "cleat/v1/volumes.pb-c.h"
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

/* The filter all=true is passed on as it is. */
static void prune_volumes(struct gw *gw)
{
	Cleat__V1__PruneVolumesRequest request = CLEAT__V1__PRUNE_VOLUMES_REQUEST__INIT;
	Cleat__V1__PruneVolumesReply *reply = NULL;
	struct err err = ERR_NULL;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, "cleat.v1.Volumes/Prune", &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200,
		json_pack("{s:o, s:I}", "VolumesDeleted", names(reply->names, reply->n_names),
			  "SpaceReclaimed", (json_int_t)reply->reclaimed_bytes));
	cleat__v1__prune_volumes_reply__free_unpacked(reply, NULL);
}

static json_t *volume_json(const Cleat__V1__VolumeDetails *v)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "Name", v->name, "Driver", v->driver, "Mountpoint",
			 v->mount_point, "Scope", v->scope);
}

static void list_volumes(struct gw *gw)
{
	Cleat__V1__ListVolumesRequest request = CLEAT__V1__LIST_VOLUMES_REQUEST__INIT;
	Cleat__V1__ListVolumesReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *array;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, "cleat.v1.Volumes/List", &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	array = json_array();
	for (size_t i = 0; i < reply->n_volumes; i++)
		json_array_append_new(array, volume_json(reply->volumes[i]));
	gw_json(gw, 200, json_pack("{s:o, s:n}", "Volumes", array, "Warnings"));
	cleat__v1__list_volumes_reply__free_unpacked(reply, NULL);
}

const struct gw_route gw_netvolume[] = {
	{ "POST", "/networks/prune", prune_networks },
	{ "POST", "/volumes/prune", prune_volumes },
	{ "GET", "/volumes", list_volumes },
	{ 0 },
};
