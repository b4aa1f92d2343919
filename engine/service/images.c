/* SPDX-License-Identifier: Apache-2.0 */
/* Service Images: what is done with images that are here. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/images.rpc.h"
#include "container/history.h"
#include "fd.h"
#include "image.h"
#include "imagebuild.h"
#include "imagefilter.h"
#include "imageimport.h"
#include "imageload.h"
#include "imagelook.h"
#include "imagepull.h"
#include "imagesave.h"
#include "imagesearch.h"
#include "imageview.h"
#include "record.h"
#include "reference.h"
#include "service.h"
#include "status.h"
#include "str.h"

static int add_summary(const struct image *image, Cleat__V1__ListImagesReply *reply,
		       struct err *err)
{
	Cleat__V1__ImageSummary *s = malloc(sizeof(*s));

	if (!s)
		return err_sys(err, ENOMEM, "list the images");
	cleat__v1__image_summary__init(s);
	reply->images[reply->n_images++] = s;
	s->containers = image->containers;
	return imageview_summary(image, s);
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListImagesRequest *req,
		   Cleat__V1__ListImagesReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct image_filter filter = { .filters = req->filters, .n = req->n_filters };
	struct image *images = NULL;
	size_t n = 0;
	int r = image_filter_open(&filter, engine, fd_realtime_ns(), err);

	r = r ? r : image_list(engine, &images, &n, err);
	reply->images = calloc(n + 1, sizeof(*reply->images));
	if (r == 0 && !reply->images)
		r = err_sys(err, ENOMEM, "list the images");
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && image_filter_match(&filter, &images[i]))
			r = add_summary(&images[i], reply, err);
		image_deinit(&images[i]);
	}
	free(images);
	return r;
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectImageRequest *req,
		      Cleat__V1__ImageDetails *reply, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	struct engine *engine = service_engine(call);
	int r = image_find(engine, req->image, &image, err);

	r = r ? r : image_check_platform(&image, req->platform, err);
	return r ? r : imageview_details(&image, layers_driver(engine->layers), reply);
}

static int on_history(struct rpc_call *call, const Cleat__V1__ImageHistoryRequest *req,
		      Cleat__V1__ImageHistoryReply *reply, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	struct engine *engine = service_engine(call);
	uint64_t sizes[MANIFEST_LAYERS_MAX] = { 0 };
	int r = image_find(engine, req->image, &image, err);

	r = r ? r : image_check_platform(&image, req->platform, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < image.config.diff_ids.n && i < ARRAY_LEN(sizes); i++)
		if (layers_size(engine->layers, image.config.diff_ids.v[i] + 7, &sizes[i]) < 0)
			sizes[i] = 0;
	return imageview_history(&image, sizes, reply);
}

static int on_tag(struct rpc_call *call, const Cleat__V1__TagImageRequest *req,
		  Cleat__V1__TagImageReply *reply, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	struct engine *engine = service_engine(call);
	int r = image_check_tag(req->reference, err);

	(void)reply;
	r = r ? r : image_find(engine, req->image, &image, err);
	r = r ? r : image_tag(engine, image.id, req->reference, err);
	if (r == 0)
		history_tagged(engine, image.id, req->reference);
	return r;
}

static bool is_running(void *ctx, const char *id)
{
	const struct engine *engine = ctx;
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;

	if (record_find(engine->store, id, &record, NULL) < 0)
		return false;
	status_read(engine, &record, &status);
	return status_active(&status);
}

/* Events of what happened to the image: the changes from the given one on. Digests that went with a tag are none of
 * their own, as in dockerd. */
static void tell_changes(void *ctx, const struct image *image, const struct strings *changes,
			 size_t from)
{
	bool tag = false;

	for (size_t i = from; i < changes->n; i++) {
		bool digest = strchr(changes->v[i], '@');

		if (str_has_prefix(changes->v[i], "deleted "))
			history_image_id(ctx, image->id, "delete"); /* its labels went with it */
		else if (!digest || !tag)
			history_image(ctx, image, "untag");
		tag |= !digest;
	}
}

static void remember(struct engine *engine, const char *key,
		     const Cleat__V1__RemoveImageReply *reply)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	size_t len = cleat__v1__remove_image_reply__get_packed_size(reply);

	if (!key[0] || buf_reserve(&bytes, len) < 0)
		return;
	cleat__v1__remove_image_reply__pack(reply, (uint8_t *)bytes.data);
	(void)!requests_remember(engine->store, key, bytes.data, len, NULL);
}

/* 0 with the reply of an earlier try of the same call; else `r`, what this one came to. */
static int removed_before(struct engine *engine, const char *key,
			  Cleat__V1__RemoveImageReply *reply, int r, struct err *err)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__V1__RemoveImageReply *known = NULL;

	if (requests_recall(engine->store, key, &bytes, NULL) <= 0)
		return r;
	known = cleat__v1__remove_image_reply__unpack(NULL, bytes.len, (uint8_t *)bytes.data);
	if (!known)
		return r;

	const Cleat__V1__RemoveImageReply empty = *reply;

	*reply = *known;
	*known = empty;
	cleat__v1__remove_image_reply__free_unpacked(known, NULL);
	*err = ERR_NULL;
	return 0;
}

static int on_remove(struct rpc_call *call, const Cleat__V1__RemoveImageRequest *req,
		     Cleat__V1__RemoveImageReply *reply, struct err *err)
{
	cleanup(strings_deinit) struct strings changes = { 0 };
	struct engine *engine = service_engine(call);
	const struct image_remove_options options = { req->force, is_running, engine };
	const struct call_key key = service_key(call);
	cleanup(image_deinit) struct image image = { 0 };
	int r = image_find(engine, req->image, &image, err);

	if (r == -ENOENT)
		return removed_before(engine, key.text, reply, r, err);
	/* known from here on; its answer once it is there */
	r = r ? r : requests_remember(engine->store, key.text, NULL, 0, err);
	r = r ? r : image_remove(engine, req->image, &options, &changes, err);
	tell_changes(engine, &image, &changes, 0);
	r = r ? r : imageview_changes(&changes, &reply->changes, &reply->n_changes);
	if (r == 0)
		remember(engine, key.text, reply);
	return r;
}

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneImagesRequest *req,
		    Cleat__V1__PruneImagesReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct image_pruned pruned = { .told = tell_changes, .ctx = engine };
	struct image_filter filter = { .filters = req->filters,
				       .n = req->n_filters,
				       .prune = true };
	int r = image_filter_open(&filter, engine, fd_realtime_ns(), err);

	r = r ? r : image_prune(engine, &filter, &pruned, err);
	r = r ? r : imageview_changes(&pruned.changes, &reply->changes, &reply->n_changes);
	strings_deinit(&pruned.changes);
	reply->reclaimed_bytes = pruned.bytes;
	if (r == 0)
		history_pruned(engine, "image", pruned.bytes);
	return r;
}

static const struct cleat_v1_images_ops ops = {
	.list = on_list,
	.inspect = on_inspect,
	.inspect_remote = imagelook,
	.history = on_history,
	.tag = on_tag,
	.remove = on_remove,
	.prune = on_prune,
	.load = imageload,
	.import = imageimport,
	.save = imagesave,
	.pull = imagepull,
	.push = imagepush,
	.search = imagesearch,
	.build = imagebuild,
	.prune_build_cache = imagebuild_prune,
};

int service_register_images(struct rpc_server *server)
{
	return cleat_v1_images_register(server, &ops);
}
