/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /volumes. */
#include <string.h>

#include "cleat/v1/volumes.pb-c.h"
#include "exchange.h"
#include "jsonfield.h"
#include "listjson.h"
#include "msg.h"

void gw_list_volumes(struct gw *gw)
{
	Cleat__V1__ListVolumesRequest request = CLEAT__V1__LIST_VOLUMES_REQUEST__INIT;
	Cleat__V1__ListVolumesReply *reply = NULL;
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
	for (size_t i = 0; i < reply->n_volumes; i++)
		json_array_append_new(array, listjson_volume(reply->volumes[i]));
	gw_json(gw, 200, json_pack("{s:o, s:n}", "Volumes", array, "Warnings"));
	cleat__v1__list_volumes_reply__free_unpacked(reply, NULL);
}

static int add_pairs(json_t *object, const char *what, void *entries, size_t *n,
		     const ProtobufCMessageDescriptor *type, struct err *err)
{
	const char *key;
	json_t *value;

	if (object && !json_is_object(object) && !json_is_null(object))
		return jsonfield_wrong(what, "an object", err);
	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value))
			return jsonfield_wrong(what, "strings as values", err);
		if (!msg_map_set(entries, n, type, key, strlen(key), json_string_value(value)))
			return jsonfield_no_memory(err);
	}
	return 0;
}

static int read_create(json_t *body, Cleat__V1__CreateVolumeRequest *request, struct err *err)
{
	static const struct jsonfield_rule rules[] = {
		{ "Name", JSONFIELD_TEXT, offsetof(Cleat__V1__CreateVolumeRequest, name), 0 },
		{ "Driver", JSONFIELD_TEXT, offsetof(Cleat__V1__CreateVolumeRequest, driver), 0 },
	};
	int r = jsonfield_apply(rules, ARRAY_LEN(rules), body, request, err);

	r = r ? r
	      : add_pairs(json_object_get(body, "DriverOpts"), "DriverOpts", &request->options,
			  &request->n_options,
			  &cleat__v1__create_volume_request__options_entry__descriptor, err);
	return r ? r
		 : add_pairs(json_object_get(body, "Labels"), "Labels", &request->labels,
			     &request->n_labels,
			     &cleat__v1__create_volume_request__labels_entry__descriptor, err);
}

void gw_create_volume(struct gw *gw)
{
	cleanup(msg_freep) Cleat__V1__CreateVolumeRequest *request =
		msg_new(&cleat__v1__create_volume_request__descriptor);
	Cleat__V1__VolumeDetails *reply = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	int r = !body ? -1 : request ? read_create(body, request, &err) : jsonfield_no_memory(&err);

	json_decref(body);
	r = r ? r : gw_call(gw, request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 201, listjson_volume(reply));
	cleat__v1__volume_details__free_unpacked(reply, NULL);
}

void gw_inspect_volume(struct gw *gw)
{
	Cleat__V1__InspectVolumeRequest request = CLEAT__V1__INSPECT_VOLUME_REQUEST__INIT;
	Cleat__V1__VolumeDetails *reply = NULL;
	struct err err = ERR_NULL;

	request.volume = gw->match.param;
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, listjson_volume(reply));
	cleat__v1__volume_details__free_unpacked(reply, NULL);
}

void gw_remove_volume(struct gw *gw)
{
	Cleat__V1__RemoveVolumeRequest request = CLEAT__V1__REMOVE_VOLUME_REQUEST__INIT;
	Cleat__V1__RemoveVolumeReply *reply = NULL;
	struct err err = ERR_NULL;

	request.volume = gw->match.param;
	request.force = gw_query_bool(gw, "force");
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__remove_volume_reply__free_unpacked(reply, NULL);
	gw_status(gw, 204);
}

/* Clients of an API before 1.42 mean all volumes. */
void gw_prune_volumes(struct gw *gw)
{
	Cleat__V1__PruneVolumesRequest request = CLEAT__V1__PRUNE_VOLUMES_REQUEST__INIT;
	Cleat__V1__PruneVolumesReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *names;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	request.all = gw->match.minor < 42;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	names = json_array();
	for (size_t i = 0; i < reply->n_names; i++)
		json_array_append_new(names, json_string(reply->names[i]));
	gw_json(gw, 200,
		json_pack("{s:o, s:I}", "VolumesDeleted", names, "SpaceReclaimed",
			  (json_int_t)reply->reclaimed_bytes));
	cleat__v1__prune_volumes_reply__free_unpacked(reply, NULL);
}
