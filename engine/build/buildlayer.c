/* SPDX-License-Identifier: Apache-2.0 */
/* A layer is published and named by cache and stage under the images' lock, so that no sweep comes between.
 * It is not synced here: the rows of the build say so until its end, when all is synced at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "blobs.h"
#include "cache.h"
#include "content.h"
#include "contents.h"
#include "copytree.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "layer.h"
#include "rootfs.h"
#include "store.h"
#include "work.h"

static int add_history(struct work *w, const char *history, const struct cached *c, const char *key,
		       struct err *err)
{
	const char *diff_id = c && c->diff_id[0] ? c->diff_id : NULL;

	w->changed = true;
	int r = imagedoc_add_history(&w->meta.image, history, diff_id ? c->created_ns : 0, diff_id,
				     key);

	return r < 0 ? err_sys(err, r, "build") : 0;
}

int buildlayer_empty(struct work *w, const char *history, struct err *err)
{
	return add_history(w, history, NULL, NULL, err);
}

static int push(struct work *w, const struct cached *c, const char *key, const char *history,
		struct err *err)
{
	int r = c->diff_id[0] ? stack_push(&w->stack, c->diff_id, c->size_bytes, c->created_ns, err)
			      : 0;

	return r ? r : add_history(w, history, c, key, err);
}

int buildlayer_recall(struct work *w, const char *key, const char *history, struct err *err)
{
	struct engine *engine = w->build->engine;
	struct cached found = { "", 0, 0 };

	if (w->build->options->request->no_cache)
		return 0;
	cleanup_fd int lock = image_lock(engine, err);
	int r = lock < 0 ? lock : cache_find(engine, key, w->build->lease.path, &found, err);

	r = r ? r : cachefrom_find(w->build, key, &found);
	if (r <= 0)
		return r;
	r = push(w, &found, key, history, err);
	return r ? r : 1;
}

/* Where the driver keeps no tar: the tar as a blob, so that what is built can go out. */
static int publish_blob(struct engine *engine, const struct lease *lease,
			const struct image_layer *layer, struct err *err)
{
	int r = layer->blob_bytes && !layer->empty
			? blobs_publish(engine, layer->diff_id, lease->fd, IMAGE_LAYER_BLOB)
			: 0;

	if (r < 0)
		return err_sys(err, r, "keep a layer's tar");
	if (!layer->blob_bytes || layer->empty)
		return 0;
	r = store_run(
		engine->store, err,
		"INSERT INTO blobs(digest, media_type, size_bytes, diff_id) VALUES(?, ?, ?, ?) "
		"ON CONFLICT DO NOTHING",
		"ssis", layer->diff_id, content_oci_type(CONTENT_PLAIN), (int64_t)layer->blob_bytes,
		layer->diff_id);
	fault_point(FAULT_BUILD_BLOB_RECORDED);
	return r < 0 ? r : 0;
}

static int publish(struct work *w, const struct lease *lease, const struct image_layer *layer,
		   const char *key, const char *history, struct err *err)
{
	struct engine *engine = w->build->engine;
	struct cached c = { "", 0, fd_realtime_ns() };
	cleanup_fd int lock = image_lock(engine, err);
	int r = lock < 0 ? lock : 0;
	uint64_t size;

	if (!layer->empty) {
		memcpy(c.diff_id, layer->diff_id, sizeof(c.diff_id));
		c.size_bytes = layer->size_bytes;
	}
	if (r == 0 && c.diff_id[0] && layers_size(engine->layers, c.diff_id + 7, &size) < 0)
		r = layers_publish_unsynced(engine->layers, lease, IMAGE_LAYER_NUMBER,
					    c.diff_id + 7, c.size_bytes, err);
	r = r ? r : publish_blob(engine, lease, layer, err);
	if (contents_changed(w->build->options->contents))
		key = NULL;
	if (key)
		r = r ? r : cache_add(engine, key, w->build->lease.path, &c, w->title, err);
	fault_point(FAULT_BUILD_CACHE_RECORDED);
	return r ? r : push(w, &c, key, history, err);
}

int buildlayer_commit(struct work *w, int upper_fd, const char *key, const char *history,
		      struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = w->build->options->request;
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct engine *engine = w->build->engine;
	struct image_layer packed = { .empty = false };
	int r = lease_open(&lease, engine->state_fd, err);

	lease.stop = &engine->last;
	if (r == 0 && o->reproducible_case ==
			      CLEAT__V1__BUILD_REQUEST__OPTIONS__REPRODUCIBLE_TIMESTAMP_SECONDS)
		r = copytree_clamp(upper_fd, o->timestamp_seconds * 1000000000, err);
	r = r ? r : image_packer_layer(w->packer, engine, &lease, upper_fd, &packed, err);
	fault_point(FAULT_BUILD_LAYER_PACKED);
	w->build->wrote = true;
	return r ? r : publish(w, &lease, &packed, key, history, err);
}

/* ---- places */

static int make_dir(const struct lease *lease, const char *name, int *fd)
{
	if (mkdirat(lease->fd, name, 0755) < 0)
		return -errno;
	*fd = openat(lease->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

int scratch_open(struct scratch *s, struct work *w, bool alone, struct err *err)
{
	cleanup(lowers_deinit) struct lowers lowers = { 0 };
	int r = lease_open(&s->lease, w->build->engine->state_fd, err);

	if (r < 0)
		return r;
	s->lease.stop = &w->build->engine->last;
	r = make_dir(&s->lease, "upper", &s->upper_fd);
	r = r ? r : make_dir(&s->lease, "work", &s->work_fd);
	fault_point(FAULT_BUILD_SCRATCH_MADE);
	if (r < 0)
		return err_sys(err, r, "make a temporary directory");
	r = alone ? lowers_open_empty(&lowers, w->build->engine, err)
		  : lowers_open(&lowers, &w->stack, err);
	if (r == 0)
		s->root_fd = rootfs_open(w->build->engine->state_dir, lowers.fds, lowers.n,
					 s->upper_fd, s->work_fd, err);
	return r ? r : s->root_fd < 0 ? s->root_fd : 0;
}

void scratch_deinit(struct scratch *s)
{
	closep(&s->root_fd);
	closep(&s->upper_fd);
	closep(&s->work_fd);
	lease_deinit(&s->lease);
	*s = SCRATCH_NULL;
}

int stack_root(const struct stack *stack, struct err *err)
{
	cleanup(lowers_deinit) struct lowers lowers = { 0 };
	int r = lowers_open(&lowers, stack, err);

	return r ? r : rootfs_open(stack->engine->state_dir, lowers.fds, lowers.n, -1, -1, err);
}
