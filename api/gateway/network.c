/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /networks. */
#include <string.h>

#include "cleat/v1/networks.pb-c.h"
#include "dockerjson.h"
#include "exchange.h"
#include "networkjson.h"
#include "str.h"

static void free_body(json_t **body)
{
	json_decref(*body);
}

void gw_list_networks(struct gw *gw)
{
	Cleat__V1__ListNetworksRequest request = CLEAT__V1__LIST_NETWORKS_REQUEST__INIT;
	Cleat__V1__ListNetworksReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *array;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	array = json_array();
	for (size_t i = 0; i < reply->n_networks; i++)
		json_array_append_new(array, dockerjson_network(reply->networks[i]));
	gw_json(gw, 200, array);
	cleat__v1__list_networks_reply__free_unpacked(reply, NULL);
}

void gw_inspect_network(struct gw *gw)
{
	Cleat__V1__InspectNetworkRequest request = CLEAT__V1__INSPECT_NETWORK_REQUEST__INIT;
	Cleat__V1__NetworkDetails *reply = NULL;
	struct err err = ERR_NULL;

	request.network = gw->match.param;
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, dockerjson_network(reply));
	cleat__v1__network_details__free_unpacked(reply, NULL);
}

void gw_create_network(struct gw *gw)
{
	struct err err = ERR_NULL;
	cleanup(free_body) json_t *body = gw_body(gw, &err);
	Cleat__V1__CreateNetworkRequest *request = NULL;
	Cleat__V1__CreateNetworkReply *reply = NULL;
	int r = body ? networkjson_parse(body, &request, &err) : -1;

	r = r ? r : gw_call(gw, request, &reply, &err);
	if (request)
		cleat__v1__create_network_request__free_unpacked(request, NULL);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 201, json_pack("{s:s, s:s}", "Id", reply->id, "Warning", reply->warning));
	cleat__v1__create_network_reply__free_unpacked(reply, NULL);
}

void gw_remove_network(struct gw *gw)
{
	Cleat__V1__RemoveNetworkRequest request = CLEAT__V1__REMOVE_NETWORK_REQUEST__INIT;
	Cleat__V1__RemoveNetworkReply *reply = NULL;
	struct err err = ERR_NULL;

	request.network = gw->match.param;
	if (gw_call(gw, &request, &reply, &err) < 0) {
		/* Docker's status for one that is in use */
		if (strcmp(err.reason, "NETWORK_IN_USE") == 0)
			err.code = ERR_PERMISSION;
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__remove_network_reply__free_unpacked(reply, NULL);
	gw_status(gw, 204);
}

static char *member(json_t *body, const char *key)
{
	return (char *)(uintptr_t)str_or_empty(json_string_value(json_object_get(body, key)));
}

void gw_connect_network(struct gw *gw)
{
	Cleat__V1__ConnectNetworkRequest request = CLEAT__V1__CONNECT_NETWORK_REQUEST__INIT;
	Cleat__V1__ConnectNetworkReply *reply = NULL;
	struct err err = ERR_NULL;
	cleanup(free_body) json_t *body = gw_body(gw, &err);
	int r = body ? networkjson_endpoint(json_object_get(body, "EndpointConfig"), "",
					    &request.endpoint, &err)
		     : -1;

	request.network = gw->match.param;
	request.container = member(body, "Container");
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (request.endpoint)
		cleat__v1__endpoint_config__free_unpacked(request.endpoint, NULL);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__connect_network_reply__free_unpacked(reply, NULL);
	gw_status(gw, 200);
}

void gw_disconnect_network(struct gw *gw)
{
	Cleat__V1__DisconnectNetworkRequest request = CLEAT__V1__DISCONNECT_NETWORK_REQUEST__INIT;
	Cleat__V1__DisconnectNetworkReply *reply = NULL;
	struct err err = ERR_NULL;
	cleanup(free_body) json_t *body = gw_body(gw, &err);
	int r = body ? 0 : -1;

	request.network = gw->match.param;
	request.container = member(body, "Container");
	request.force = json_is_true(json_object_get(body, "Force"));
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__disconnect_network_reply__free_unpacked(reply, NULL);
	gw_status(gw, 200);
}

void gw_prune_networks(struct gw *gw)
{
	Cleat__V1__PruneNetworksRequest request = CLEAT__V1__PRUNE_NETWORKS_REQUEST__INIT;
	Cleat__V1__PruneNetworksReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *names;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	names = reply->n_names ? json_array() : json_null();
	for (size_t i = 0; i < reply->n_names; i++)
		json_array_append_new(names, json_string(reply->names[i]));
	gw_json(gw, 200, json_pack("{s:o}", "NetworksDeleted", names));
	cleat__v1__prune_networks_reply__free_unpacked(reply, NULL);
}
