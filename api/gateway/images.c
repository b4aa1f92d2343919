/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /images. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/images.pb-c.h"
#include "dockerjson.h"
#include "exchange.h"
#include "listjson.h"
#include "olderjson.h"
#include "str.h"

void gw_list_images(struct gw *gw)
{
	Cleat__V1__ListImagesRequest request = CLEAT__V1__LIST_IMAGES_REQUEST__INIT;
	Cleat__V1__ListImagesReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *array = NULL;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	request.all = gw_query_bool(gw, "all");
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r == 0) {
		array = json_array();
		for (size_t i = 0; i < reply->n_images; i++) {
			json_t *image = listjson_image(reply->images[i]);

			olderjson_image_summary(image, gw->match.minor);
			json_array_append_new(array, image);
		}
		gw_json(gw, 200, array);
		cleat__v1__list_images_reply__free_unpacked(reply, NULL);
	} else {
		gw_fail(gw, &err);
	}
	filtersjson_free(request.filters, request.n_filters);
}

void gw_inspect_image(struct gw *gw)
{
	Cleat__V1__InspectImageRequest request = CLEAT__V1__INSPECT_IMAGE_REQUEST__INIT;
	Cleat__V1__ImageDetails *reply = NULL;
	struct err err = ERR_NULL;

	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	json_t *given = NULL;
	int r = gw_json_platform(gw, &given, &platform, &err);

	request.image = gw->match.param;
	request.platform = r > 0 ? &platform : NULL;
	r = r < 0 ? r : gw_call(gw, &request, &reply, &err);
	json_decref(given);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	json_t *image = dockerjson_image(reply);

	olderjson_image(image, gw->match.minor);
	gw_json(gw, 200, image);
	cleat__v1__image_details__free_unpacked(reply, NULL);
}

void gw_image_history(struct gw *gw)
{
	Cleat__V1__ImageHistoryRequest request = CLEAT__V1__IMAGE_HISTORY_REQUEST__INIT;
	Cleat__V1__ImageHistoryReply *reply = NULL;
	struct err err = ERR_NULL;
	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	json_t *given = NULL, *array;
	int r = gw_json_platform(gw, &given, &platform, &err);

	request.image = gw->match.param;
	request.platform = r > 0 ? &platform : NULL;
	r = r < 0 ? r : gw_call(gw, &request, &reply, &err);
	json_decref(given);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	array = json_array();
	for (size_t i = 0; i < reply->n_entries; i++)
		json_array_append_new(array, listjson_history(reply->entries[i]));
	gw_json(gw, 200, array);
	cleat__v1__image_history_reply__free_unpacked(reply, NULL);
}

void gw_tag_image(struct gw *gw)
{
	Cleat__V1__TagImageRequest request = CLEAT__V1__TAG_IMAGE_REQUEST__INIT;
	Cleat__V1__TagImageReply *reply = NULL;
	const char *name = http_query(gw->http, "tag");
	cleanup_free char *reference =
		str_printf("%s%s%s", http_query(gw->http, "repo"), *name ? ":" : "", name);
	struct err err = ERR_NULL;

	request.image = gw->match.param;
	request.reference = reference;
	if (!reference || gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__tag_image_reply__free_unpacked(reply, NULL);
	gw_status(gw, 201);
}

static json_t *changes(Cleat__V1__RemoveImageReply__Change *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
				      list[i]->untagged[0]
					      ? json_pack("{s:s}", "Untagged", list[i]->untagged)
					      : json_pack("{s:s}", "Deleted", list[i]->deleted));
	return array;
}

void gw_remove_image(struct gw *gw)
{
	Cleat__V1__RemoveImageRequest request = CLEAT__V1__REMOVE_IMAGE_REQUEST__INIT;
	Cleat__V1__RemoveImageReply *reply = NULL;
	struct err err = ERR_NULL;

	request.image = gw->match.param;
	request.force = gw_query_bool(gw, "force");
	request.no_prune = gw_query_bool(gw, "noprune");
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, changes(reply->changes, reply->n_changes));
	cleat__v1__remove_image_reply__free_unpacked(reply, NULL);
}

void gw_prune_images(struct gw *gw)
{
	Cleat__V1__PruneImagesRequest request = CLEAT__V1__PRUNE_IMAGES_REQUEST__INIT;
	Cleat__V1__PruneImagesReply *reply = NULL;
	struct err err = ERR_NULL;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200,
		json_pack("{s:o, s:I}", "ImagesDeleted",
			  reply->n_changes ? changes(reply->changes, reply->n_changes)
					   : json_null(),
			  "SpaceReclaimed", (json_int_t)reply->reclaimed_bytes));
	cleat__v1__prune_images_reply__free_unpacked(reply, NULL);
}
