/* SPDX-License-Identifier: Apache-2.0 */
/* What was moved when a later step fails is swept at once: no row speaks of it. */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "blobs.h"
#include "fault.h"
#include "image.h"
#include "layer.h"
#include "store.h"

static int publish_layers(struct engine *engine, const struct publish_image *image, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
		const struct publish_layer *l = &image->layers[i];
		uint64_t size;

		if (layers_size(engine->layers, l->diff, &size) == 0)
			continue;
		r = l->lease ? layers_publish(engine->layers, l->lease, l->number, l->diff,
					      l->size_bytes, err)
			     : err_set(err, ERR_ABORTED,
				       "layer %.12s was removed meanwhile: try again", l->diff);
	}
	return r;
}

static int publish_blobs(struct engine *engine, const struct publish_image *image, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->n_blobs; i++) {
		const struct publish_blob *b = &image->blobs[i];

		r = b->part ? blobs_publish_part(engine, b->digest, b->fd)
			    : blobs_publish(engine, b->digest, b->dir_fd, b->name);
	}
	if (r == 0 && image->n_blobs)
		r = blobs_sync(engine);
	fault_point(FAULT_PUBLISH_BLOBS_SYNCED);
	if (r == -ENOENT)
		return err_set(err, ERR_ABORTED, "a blob was removed meanwhile: try again");
	return r < 0 ? err_sys(err, r, "keep the blobs of image %.19s", image->id) : 0;
}

static int record_blob(struct engine *engine, const struct publish_image *image,
		       const struct publish_blob *b, struct err *err)
{
	int r = store_run(engine->store, err,
			  "INSERT INTO blobs(digest, media_type, size_bytes, diff_id) "
			  "VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
			  "ssis", b->digest, b->media_type, (int64_t)b->size_bytes, b->diff_id);

	if (r >= 0)
		r = store_run(engine->store, err,
			      "INSERT INTO image_blobs(image_id, digest) VALUES(?, ?) "
			      "ON CONFLICT DO NOTHING",
			      "ss", image->id, b->digest);
	if (r >= 0 && image->repository)
		r = store_run(engine->store, err,
			      "INSERT INTO blob_sources(digest, repository) VALUES(?, ?) "
			      "ON CONFLICT DO NOTHING",
			      "ss", b->digest, image->repository);
	fault_point(FAULT_PUBLISH_BLOB_INSERTED);
	return r;
}

/* A layer that was here already came as a blob of another image, and does not come again: what is known of it
 * is this image's too, or it would go with the other. */
static int share_blobs(struct engine *engine, const struct publish_image *image, struct err *err)
{
	const struct strings *diff_ids = &image->config->diff_ids;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < diff_ids->n; i++)
		r = store_run(
			engine->store, err,
			"INSERT INTO image_blobs(image_id, digest) SELECT ?1, digest FROM blobs "
			"WHERE diff_id = ?2 AND NOT EXISTS (SELECT 1 FROM image_blobs JOIN blobs "
			"USING(digest) WHERE image_id = ?1 AND diff_id = ?2)",
			"ss", image->id, diff_ids->v[i]);
	return r;
}

static int record_image(struct engine *engine, const struct publish_image *image, struct err *err)
{
	int r = image_insert(engine, image->id, image->json, image->len, image->config,
			     image->size_bytes, image->tags, err);

	fault_point(FAULT_PUBLISH_IMAGE_INSERTED);
	for (size_t i = 0; r >= 0 && i < image->n_blobs; i++)
		r = record_blob(engine, image, &image->blobs[i], err);
	r = r < 0 ? r : share_blobs(engine, image, err);
	if (r >= 0 && image->manifest[0])
		r = store_run(engine->store, err, "UPDATE images SET manifest = ? WHERE id = ?",
			      "ss", image->manifest, image->id);
	if (r >= 0 && image->repository)
		r = image_add_digest(engine, image->id, image->repository, image->digest, err);
	return r < 0 ? r : 0;
}

static int record_all(struct engine *engine, const struct publish_image *images, size_t n,
		      struct err *err)
{
	int r = store_begin(engine->store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = record_image(engine, &images[i], err);
	fault_point(FAULT_PUBLISH_ROWS_WRITTEN);
	int ended = store_end(engine->store, r == 0, err);

	fault_point(FAULT_PUBLISH_COMMITTED);
	return r ? r : ended;
}

static void drop_parts(const struct engine *engine, const struct publish_image *image)
{
	for (size_t i = 0; i < image->n_blobs; i++)
		if (image->blobs[i].part)
			blobs_drop_part(engine, image->blobs[i].digest, image->blobs[i].fd);
}

int publish_images(struct engine *engine, const struct publish_image *images, size_t n,
		   struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	cleanup_fd int lock = image_lock(engine, err);
	int r = lock < 0 ? lock : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = publish_blobs(engine, &images[i], err);
		r = r ? r : publish_layers(engine, &images[i], err);
	}
	r = r ? r : record_all(engine, images, n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		drop_parts(engine, &images[i]);
	if (r < 0 && lock >= 0 && lease_open_to_free(&lease, engine->state_fd, NULL) == 0) {
		(void)!image_sweep_layers(engine, &lease, NULL);
		(void)!blobs_sweep(engine, &lease, NULL);
		lease_give_back(&lease);
	}
	return r;
}
