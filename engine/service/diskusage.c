/* SPDX-License-Identifier: Apache-2.0 */
/* System.DiskUsage. A layer counts once however many images have it; what a prune of all unused images would free
 * are the layers that no used image has. */
#include "diskusage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/cache.h"
#include "build/contentcache.h"
#include "image.h"
#include "imageview.h"
#include "service.h"
#include "str.h"
#include "view.h"
#include "volumeview.h"

/* A layer of an image. */
struct place {
	const char *diff;
	size_t image;
};

struct report {
	struct engine *engine;
	const Cleat__V1__DiskUsageRequest *request;
	Cleat__V1__DiskUsageReply *reply;
	struct image *images;
	size_t n_images;
	uint64_t *shared, *unique; /* of each image */
	uint64_t used;             /* bytes of layers of used images */
};

static void report_deinit(struct report *d)
{
	for (size_t i = 0; i < d->n_images; i++)
		image_deinit(&d->images[i]);
	free(d->images);
	free(d->shared);
	free(d->unique);
}

static Cleat__V1__DiskUsageReply__Usage *add_usage(struct report *d, const char *type)
{
	Cleat__V1__DiskUsageReply__Usage *u = malloc(sizeof(*u));

	if (!u)
		return NULL;
	cleat__v1__disk_usage_reply__usage__init(u);
	u->type = strdup(type);
	if (!u->type) {
		free(u);
		return NULL;
	}
	d->reply->usages[d->reply->n_usages++] = u;
	return u;
}

/* ---- images */

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int r = strcmp(x->diff, y->diff);

	return r ? r : (x->image > y->image) - (x->image < y->image);
}

/* The layer at the first of n places, which are sorted by image. */
static void count_layer(struct report *d, const struct place *p, size_t n)
{
	bool several = p[0].image != p[n - 1].image, used = false;
	uint64_t size;

	if (layers_size(d->engine->layers, p->diff + strlen("sha256:"), &size) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (i && p[i].image == p[i - 1].image)
			continue; /* it has it twice */
		used = used || d->images[p[i].image].containers;
		*(several ? &d->shared[p[i].image] : &d->unique[p[i].image]) += size;
	}
	d->reply->layers_bytes += size;
	d->used += used ? size : 0;
}

static int count_layers(struct report *d)
{
	cleanup_free struct place *places = NULL;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < d->n_images; i++)
		n += d->images[i].config.diff_ids.n;
	places = calloc(n + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_images; i++)
		for (size_t k = 0; k < d->images[i].config.diff_ids.n; k++)
			places[at++] = (struct place){ d->images[i].config.diff_ids.v[k], i };
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && strcmp(places[end].diff, places[i].diff) == 0; end++)
			;
		count_layer(d, places + i, end - i);
	}
	return 0;
}

static int detail_image(struct report *d, size_t i)
{
	Cleat__V1__DiskUsageReply__ImageUsage *u = malloc(sizeof(*u));

	if (!u)
		return -ENOMEM;
	cleat__v1__disk_usage_reply__image_usage__init(u);
	d->reply->images[d->reply->n_images++] = u;
	u->shared_bytes = d->shared[i];
	u->unique_bytes = d->unique[i];
	u->image = malloc(sizeof(*u->image));
	if (!u->image)
		return -ENOMEM;
	cleat__v1__image_summary__init(u->image);
	int r = imageview_summary(&d->images[i], u->image);

	u->image->containers = d->images[i].containers;
	return r;
}

static int report_images(struct report *d, struct err *err)
{
	Cleat__V1__DiskUsageReply__Usage *u = add_usage(d, "images");
	int r = u ? image_list(d->engine, &d->images, &d->n_images, err) : -ENOMEM;

	d->shared = calloc(d->n_images + 1, sizeof(*d->shared));
	d->unique = calloc(d->n_images + 1, sizeof(*d->unique));
	d->reply->images = calloc(d->n_images + 1, sizeof(*d->reply->images));
	if (r == 0)
		r = d->shared && d->unique && d->reply->images ? count_layers(d) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < d->n_images; i++) {
		u->active += d->images[i].containers > 0;
		r = d->request->details ? detail_image(d, i) : 0;
	}
	if (r < 0)
		return err_wrap(err, r, "disk usage");
	u->total = (uint32_t)d->n_images;
	u->size_bytes = d->reply->layers_bytes;
	u->reclaimable_bytes = d->reply->layers_bytes - d->used;
	return 0;
}

/* ---- containers */

static bool is_active(const Cleat__V1__ContainerSummary *c)
{
	return c->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING ||
	       c->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED ||
	       c->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING;
}

static int report_containers(struct report *d, struct err *err)
{
	Cleat__V1__ListContainersRequest request = CLEAT__V1__LIST_CONTAINERS_REQUEST__INIT;
	Cleat__V1__ListContainersReply list = CLEAT__V1__LIST_CONTAINERS_REPLY__INIT;
	Cleat__V1__DiskUsageReply__Usage *u = add_usage(d, "containers");
	int r;

	request.all = true;
	request.size = true;
	r = u ? view_list(d->engine, &request, &list, err) : err_sys(err, ENOMEM, "disk usage");
	for (size_t i = 0; r == 0 && i < list.n_containers; i++) {
		const Cleat__V1__ContainerSummary *c = list.containers[i];

		u->total++;
		u->active += is_active(c);
		u->size_bytes += c->size_rw_bytes;
		u->reclaimable_bytes += is_active(c) ? 0 : c->size_rw_bytes;
	}
	/* the details are the list itself */
	if (d->request->details) {
		d->reply->containers = list.containers;
		d->reply->n_containers = list.n_containers;
		return r;
	}
	for (size_t i = 0; i < list.n_containers; i++)
		cleat__v1__container_summary__free_unpacked(list.containers[i], NULL);
	free(list.containers);
	return r;
}

static int detail_cache(void *ctx, const struct cache_entry *entry)
{
	Cleat__V1__DiskUsageReply *reply = ((struct report *)ctx)->reply;
	Cleat__V1__DiskUsageReply__CacheUsage *u = malloc(sizeof(*u));
	void *grown = realloc(reply->caches, (reply->n_caches + 1) * sizeof(*reply->caches));

	if (grown)
		reply->caches = grown;
	if (!u || !grown) {
		free(u);
		return -ENOMEM;
	}
	cleat__v1__disk_usage_reply__cache_usage__init(u);
	reply->caches[reply->n_caches++] = u;
	u->id = strdup(entry->key);
	u->description = strdup(entry->what);
	u->in_use = entry->active;
	u->size_bytes = entry->size_bytes;
	u->created_ns = entry->created_ns;
	u->last_used_ns = entry->used_ns;
	return u->id && u->description ? 0 : -ENOMEM;
}

static int report_cache(struct report *d, struct err *err)
{
	Cleat__V1__DiskUsageReply__Usage *u = add_usage(d, "build cache");
	struct contentcache_usage context = { 0 };
	struct cache_usage usage = { 0 };
	int r = u ? cache_usage(d->engine, &usage, err) : err_sys(err, ENOMEM, "disk usage");

	r = r ? r : contentcache_usage(d->engine, &context, err);
	if (r < 0)
		return r;
	u->total = usage.total + (context.files > 0); /* the contexts' files are one item */
	u->active = usage.active;
	u->size_bytes = usage.size_bytes + context.bytes;
	u->reclaimable_bytes = usage.reclaimable_bytes + context.bytes;
	r = d->request->details ? cache_list(d->engine, detail_cache, d, err) : 0;
	return r == -ENOMEM ? err_sys(err, ENOMEM, "disk usage") : r;
}

static int report_volume(struct report *d, const struct volume *v,
			 Cleat__V1__DiskUsageReply__Usage *u, struct err *err)
{
	uint64_t size = 0;

	/* one that is being removed has a size no more */
	if (volume_size(d->engine, v->name, &size) < 0)
		size = 0;
	u->total++;
	u->active += v->references > 0;
	u->size_bytes += size;
	u->reclaimable_bytes += v->references ? 0 : size;
	if (!d->request->details)
		return 0;
	int r = volumeview_add(d->engine, v, &d->reply->volumes, &d->reply->n_volumes, err);

	if (r == 0)
		d->reply->volumes[d->reply->n_volumes - 1]->size_bytes = size;
	return r;
}

static int report_volumes(struct report *d, struct err *err)
{
	Cleat__V1__DiskUsageReply__Usage *u = add_usage(d, "volumes");
	struct volume *volumes = NULL;
	size_t n = 0;
	int r = u ? volume_list(d->engine, &volumes, &n, err) : err_sys(err, ENOMEM, "disk usage");

	d->reply->volumes = calloc(n + 1, sizeof(*d->reply->volumes));
	if (r == 0 && !d->reply->volumes)
		r = err_sys(err, ENOMEM, "disk usage");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = report_volume(d, &volumes[i], u, err);
	volume_list_free(volumes, n);
	return r;
}

int diskusage(struct rpc_call *call, const Cleat__V1__DiskUsageRequest *req,
	      Cleat__V1__DiskUsageReply *reply, struct err *err)
{
	cleanup(report_deinit) struct report d = { .engine = service_engine(call),
						   .request = req,
						   .reply = reply };
	bool all = !req->images && !req->containers && !req->volumes && !req->build_cache;
	int r = 0;

	reply->usages = calloc(4, sizeof(*reply->usages));
	if (!reply->usages)
		return err_sys(err, ENOMEM, "disk usage");
	if (all || req->images)
		r = report_images(&d, err);
	if (r == 0 && (all || req->containers))
		r = report_containers(&d, err);
	if (r == 0 && (all || req->volumes))
		r = report_volumes(&d, err);
	if (r == 0 && (all || req->build_cache))
		r = report_cache(&d, err);
	return r;
}
