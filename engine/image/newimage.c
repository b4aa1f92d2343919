/* SPDX-License-Identifier: Apache-2.0 */
/* The new image needs its parent's layers and, to go out again, the bytes those came as: both are its own from the
 * moment it is there, whatever becomes of the parent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "commit.h"
#include "content.h"
#include "fault.h"
#include "layer.h"
#include "publish.h"
#include "sha256.h"
#include "store.h"
#include "str.h"

/* The new image's parts while it is recorded. */
struct making {
	struct engine *engine;
	const struct lease *lease;
	const struct image_new *new_image;
	const struct image_layer *layer; /* NULL = adds none */
	struct buf json;
	struct image_config config;
	struct publish_layer layers[MANIFEST_LAYERS_MAX];
	struct publish_blob *blobs;
	struct strings texts; /* that blobs point to */
	size_t n_blobs;
};

static void making_deinit(struct making *m)
{
	buf_deinit(&m->json);
	image_config_deinit(&m->config);
	strings_deinit(&m->texts);
	free(m->blobs);
}

static int write_config(struct making *m, struct err *err)
{
	const struct image_new *n = m->new_image;
	const struct child child = {
		.parent = n->parent ? n->parent->config_json : NULL,
		.parent_len = n->parent ? n->parent->config_len : 0,
		.diff_id = m->layer ? m->layer->diff_id : NULL,
		.config = n->config,
		.author = str_or_empty(n->author),
		.comment = str_or_empty(n->comment),
		.created_by = str_or_empty(n->created_by),
		.created_ns = n->created_ns,
		.os = n->os,
		.architecture = n->architecture,
		.variant = n->variant,
	};
	int r = child_config(&child, &m->json, err);

	r = r ? r : image_config_parse(m->json.data, m->json.len, &m->config, err);
	if (r == 0 && m->config.diff_ids.n > MANIFEST_LAYERS_MAX)
		r = err_set(err, ERR_INVALID, "the image would have more than %d layers",
			    MANIFEST_LAYERS_MAX);
	return r;
}

/* ---- blobs */

/* Room for one more; the texts are copied. `name` NULL: it is in its place already. */
static int add_blob(struct making *m, const char *digest, const char *media_type,
		    const char *diff_id, uint64_t size, const char *name)
{
	struct publish_blob *grown = reallocarray(m->blobs, m->n_blobs + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->blobs = grown;
	if (strings_append(&m->texts, media_type) < 0 || strings_append(&m->texts, diff_id) < 0)
		return -ENOMEM;
	struct publish_blob *b = &grown[m->n_blobs++];

	*b = (struct publish_blob){ .media_type = m->texts.v[m->texts.n - 2],
				    .diff_id = m->texts.v[m->texts.n - 1],
				    .size_bytes = size,
				    .dir_fd = m->lease->fd,
				    .part = !name,
				    .fd = -1 };
	snprintf(b->digest, sizeof(b->digest), "%s", digest);
	snprintf(b->name, sizeof(b->name), "%s", str_or_empty(name));
	return 0;
}

static int take_blob(const struct store_row *row, void *ctx)
{
	return add_blob(ctx, store_text(row, 0), store_text(row, 1), store_text(row, 3),
			(uint64_t)store_int(row, 2), NULL);
}

static int list_blobs(struct making *m, struct err *err)
{
	const struct image_layer *layer = m->layer;
	int r = 0;

	if (m->new_image->parent)
		r = store_query(
			m->engine->store, err, take_blob, m,
			"SELECT b.digest, b.media_type, b.size_bytes, b.diff_id FROM blobs b "
			"JOIN image_blobs i ON i.digest = b.digest "
			"WHERE i.image_id = ? AND b.diff_id != ''",
			"s", m->new_image->parent->id);
	if (r == 0 && layer && layer->blob_bytes)
		r = add_blob(m, layer->diff_id, content_oci_type(CONTENT_PLAIN), layer->diff_id,
			     layer->blob_bytes, IMAGE_LAYER_BLOB);
	return r < 0 ? err_wrap(err, r, "list the blobs") : 0;
}

/* ---- the image */

static void list_layers(struct making *m)
{
	const struct strings *diffs = &m->config.diff_ids;

	for (size_t i = 0; i < diffs->n; i++)
		m->layers[i] = (struct publish_layer){ .diff = diffs->v[i] + strlen("sha256:") };
	if (m->layer) {
		struct publish_layer *top = &m->layers[diffs->n - 1];

		top->lease = m->lease;
		top->number = IMAGE_LAYER_NUMBER;
		top->size_bytes = m->layer->size_bytes;
	}
}

static int publish(struct making *m, const char *id, struct err *err)
{
	const struct image_new *n = m->new_image;
	char *name = (char *)(uintptr_t)str_or_empty(n->reference);
	const struct strings tags = { &name, name[0] ? 1 : 0 };
	const struct publish_image image = {
		.id = id,
		.json = m->json.data,
		.len = m->json.len,
		.config = &m->config,
		.size_bytes = (n->parent ? n->parent->size_bytes : 0) +
			      (m->layer ? m->layer->size_bytes : 0),
		.tags = &tags,
		.manifest = "",
		.layers = m->layers,
		.n_layers = m->config.diff_ids.n,
		.blobs = m->blobs,
		.n_blobs = m->n_blobs,
	};

	return publish_images(m->engine, &image, 1, err);
}

int image_make(struct engine *engine, const struct lease *lease, const struct image_new *new_image,
	       char id[72], struct err *err)
{
	const struct image_layer *layer = new_image->layer;
	cleanup(making_deinit) struct making m = { .engine = engine,
						   .lease = lease,
						   .new_image = new_image,
						   .layer = layer && !layer->empty ? layer : NULL };
	int r = str_or_empty(new_image->reference)[0] ? image_check_tag(new_image->reference, err)
						      : 0;

	r = r ? r : write_config(&m, err);
	r = r ? r : list_blobs(&m, err);
	if (r == 0 && m.layer)
		r = layers_sync(engine->layers, lease, err);
	fault_point(FAULT_COMMIT_SYNCED);
	if (r < 0)
		return r;
	list_layers(&m);
	memcpy(id, "sha256:", 8);
	sha256_hex(m.json.data, m.json.len, id + 7);
	return publish(&m, id, err);
}

int image_commit(struct engine *engine, int upper_fd, const struct image_new *new_image,
		 char id[72], struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct image_new own = *new_image;
	struct image_layer layer;
	int r = lease_open(&lease, engine->state_fd, err);

	own.layer = &layer;
	r = r ? r : image_pack_layer(engine, &lease, upper_fd, &layer, err);
	return r ? r : image_make(engine, &lease, &own, id, err);
}
