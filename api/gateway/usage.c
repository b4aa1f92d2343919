/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /system/df and /containers/prune. */
#include <string.h>

#include "cleat/v1/system.pb-c.h"
#include "exchange.h"
#include "listjson.h"
#include "olderjson.h"

static json_t *images(const Cleat__V1__DiskUsageReply *reply, unsigned minor)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reply->n_images; i++) {
		const Cleat__V1__DiskUsageReply__ImageUsage *u = reply->images[i];
		json_t *image = listjson_image(u->image);

		json_object_set_new(image, "SharedSize", json_integer((json_int_t)u->shared_bytes));
		json_object_set_new(image, "Containers",
				    json_integer((json_int_t)u->image->containers));
		olderjson_image_summary(image, minor);
		json_array_append_new(array, image);
	}
	return array;
}

static json_t *containers(const Cleat__V1__DiskUsageReply *reply)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reply->n_containers; i++)
		json_array_append_new(array, listjson_container(reply->containers[i]));
	return array;
}

static json_t *caches(const Cleat__V1__DiskUsageReply *reply)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reply->n_caches; i++)
		json_array_append_new(array, listjson_cache(reply->caches[i]));
	return array;
}

static json_int_t cache_size(const Cleat__V1__DiskUsageReply *reply)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < reply->n_caches; i++)
		sum += reply->caches[i]->size_bytes;
	return (json_int_t)sum;
}

static json_t *volumes(const Cleat__V1__DiskUsageReply *reply)
{
	json_t *array = json_array();

	for (size_t i = 0; i < reply->n_volumes; i++) {
		const Cleat__V1__VolumeDetails *v = reply->volumes[i];
		json_t *volume = listjson_volume(v);

		json_object_set_new(volume, "UsageData",
				    json_pack("{s:I, s:I}", "Size", (json_int_t)v->size_bytes,
					      "RefCount", (json_int_t)v->references));
		json_array_append_new(array, volume);
	}
	return array;
}

/* The types asked for; an answer without one of them has null in its place, as dockerd's. */
static int read_types(const struct gw *gw, Cleat__V1__DiskUsageRequest *request, struct err *err)
{
	const char *type;

	for (size_t i = 0; (type = http_query_nth(gw->http, "type", i)); i++) {
		if (!strcmp(type, "image"))
			request->images = true;
		else if (!strcmp(type, "container"))
			request->containers = true;
		else if (!strcmp(type, "volume"))
			request->volumes = true;
		else if (!strcmp(type, "build-cache"))
			request->build_cache = true;
		else
			return err_set(err, ERR_INVALID, "unknown object type: %.60s", type);
	}
	return 0;
}

void gw_disk_usage(struct gw *gw)
{
	Cleat__V1__DiskUsageRequest request = CLEAT__V1__DISK_USAGE_REQUEST__INIT;
	Cleat__V1__DiskUsageReply *reply = NULL;
	struct err err = ERR_NULL;
	int r = read_types(gw, &request, &err);
	bool all =
		!request.images && !request.containers && !request.volumes && !request.build_cache;

	request.details = true;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200,
		json_pack("{s:I, s:o, s:o, s:o, s:o, s:I}", "LayersSize",
			  (json_int_t)reply->layers_bytes, "Images",
			  all || request.images ? images(reply, gw->match.minor) : json_null(),
			  "Containers", all || request.containers ? containers(reply) : json_null(),
			  "Volumes", all || request.volumes ? volumes(reply) : json_null(),
			  "BuildCache", all || request.build_cache ? caches(reply) : json_null(),
			  "BuilderSize", cache_size(reply)));
	cleat__v1__disk_usage_reply__free_unpacked(reply, NULL);
}

void gw_prune_containers(struct gw *gw)
{
	Cleat__V1__PruneContainersRequest request = CLEAT__V1__PRUNE_CONTAINERS_REQUEST__INIT;
	Cleat__V1__PruneContainersReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *ids;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	ids = reply->n_ids ? json_array() : json_null();
	for (size_t i = 0; i < reply->n_ids; i++)
		json_array_append_new(ids, json_string(reply->ids[i]));
	gw_json(gw, 200,
		json_pack("{s:o, s:I}", "ContainersDeleted", ids, "SpaceReclaimed",
			  (json_int_t)reply->reclaimed_bytes));
	cleat__v1__prune_containers_reply__free_unpacked(reply, NULL);
}
