/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest an image came with is used when every blob it names is here; else one is made of the layers as the
 * engine has them. */
#include "saveplan.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "blobs.h"
#include "content.h"
#include "distribution.h"
#include "reference.h"
#include "sha256.h"
#include "store.h"
#include "str.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG   "application/vnd.oci.image.config.v1+json"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "save");
}

void saveplan_deinit(struct save_plan *plan)
{
	for (size_t i = 0; i < plan->n_images; i++) {
		image_deinit(&plan->images[i].image);
		strings_deinit(&plan->images[i].tags);
		strings_deinit(&plan->images[i].layers);
	}
	for (size_t i = 0; i < plan->n_blobs; i++)
		buf_deinit(&plan->blobs[i].bytes);
	free(plan->images);
	free(plan->blobs);
	*plan = (struct save_plan){ 0 };
}

/* ---- blobs */

/* A new one, or NULL when the plan has it. -ENOMEM. */
static int add_blob(struct save_plan *plan, const char *digest, struct save_blob **out)
{
	*out = NULL;
	for (size_t i = 0; i < plan->n_blobs; i++)
		if (strcmp(plan->blobs[i].digest, digest) == 0)
			return 0;
	struct save_blob *grown =
		reallocarray(plan->blobs, plan->n_blobs + 1, sizeof(*plan->blobs));

	if (!grown)
		return -ENOMEM;
	plan->blobs = grown;
	*out = &grown[plan->n_blobs++];
	**out = (struct save_blob){ .size_bytes = 0 };
	snprintf((*out)->digest, sizeof((*out)->digest), "%s", digest);
	return 0;
}

/* A document, whose bytes are copied. */
static int add_document(struct save_plan *plan, const char *digest, const void *data, size_t len)
{
	struct save_blob *blob;
	int r = add_blob(plan, digest, &blob);

	if (r < 0 || !blob)
		return r;
	buf_append(&blob->bytes, data, len);
	blob->size_bytes = len;
	return blob->bytes.error;
}

/* The bytes of a layer: those of `digest` (NULL: as the engine has it), whose digest goes to the image's list. */
static int add_layer(struct save_plan *plan, struct save_image *image, const char *diff_id,
		     const char *digest, struct err *err)
{
	cleanup(content_deinit) struct content content = CONTENT_NULL;
	struct save_blob *blob;
	int r = digest ? content_blob(plan->engine, digest, &content)
		       : content_layer(plan->engine, diff_id, &content, err);

	r = r ? r : add_blob(plan, content.digest, &blob);
	r = r ? r : strings_append(&image->layers, content.digest);
	if (r < 0)
		return r;
	if (blob) {
		snprintf(blob->diff_id, sizeof(blob->diff_id), "%s", diff_id);
		blob->size_bytes = content.size_bytes;
	}
	return 0;
}

int saveplan_open(const struct save_plan *plan, const struct save_blob *blob, struct err *err)
{
	struct content content = CONTENT_NULL;

	if (content_blob(plan->engine, blob->digest, &content) < 0) {
		int r = content_layer(plan->engine, blob->diff_id, &content, err);

		if (r < 0)
			return r;
	}
	if (strcmp(content.digest, blob->digest) == 0 && content.size_bytes == blob->size_bytes)
		return steal_fd(&content.fd);
	content_deinit(&content);
	return err_set(err, ERR_ABORTED, "blob %.19s was removed meanwhile: try again",
		       blob->digest);
}

/* ---- manifests */

static int take_text(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}

/* The manifest it came with: 1, 0 when it is not whole here. */
static int kept_manifest(struct save_plan *plan, struct save_image *image, struct err *err)
{
	cleanup(strings_deinit) struct strings digest = { 0 };
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct distribution d = { 0 };
	int r = store_query(plan->engine->store, err, take_text, &digest,
			    "SELECT manifest FROM images WHERE id = ?", "s", image->image.id);

	if (r < 0 || digest.n == 0 || !digest.v[0][0] ||
	    blobs_read(plan->engine, digest.v[0], MANIFEST_BYTES_MAX, &text) < 0 ||
	    distribution_parse(text.data, text.len, &d, NULL) < 0)
		return r;
	bool whole = !d.index && d.n == image->image.config.diff_ids.n &&
		     strcmp(d.config.digest, image->image.id) == 0;

	for (size_t i = 0; whole && i < d.n; i++)
		whole = add_layer(plan, image, image->image.config.diff_ids.v[i], d.items[i].digest,
				  NULL) == 0;
	if (whole) {
		snprintf(image->manifest, sizeof(image->manifest), "%s", digest.v[0]);
		snprintf(image->media_type, sizeof(image->media_type), "%s",
			 d.media_type[0] ? d.media_type : OCI_MANIFEST);
		image->manifest_bytes = text.len;
		r = add_document(plan, digest.v[0], text.data, text.len);
	} else {
		strings_deinit(&image->layers);
	}
	distribution_deinit(&d);
	return r < 0 ? no_memory(err) : whole;
}

static json_t *descriptor(const char *type, const char *digest, uint64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest, "size",
			 (json_int_t)size);
}

static json_t *layer_descriptors(struct save_plan *plan, const struct save_image *image)
{
	json_t *array = json_array();

	for (size_t i = 0; i < image->layers.n; i++) {
		struct content content = CONTENT_NULL;
		const char *digest = image->layers.v[i];

		if (content_blob(plan->engine, digest, &content) < 0 &&
		    content_layer(plan->engine, image->image.config.diff_ids.v[i], &content, NULL) <
			    0)
			continue; /* gone meanwhile: writing it fails */
		json_array_append_new(array, descriptor(content_oci_type(content.kind), digest,
							content.size_bytes));
		content_deinit(&content);
	}
	return array;
}

static int made_manifest(struct save_plan *plan, struct save_image *image, struct err *err)
{
	const struct strings *diffs = &image->image.config.diff_ids;
	int r = 0;

	for (size_t i = 0; r == 0 && i < diffs->n; i++)
		r = add_layer(plan, image, diffs->v[i], NULL, err);
	if (r < 0)
		return r;
	json_t *doc = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType",
				OCI_MANIFEST, "config",
				descriptor(OCI_CONFIG, image->image.id, image->image.config_len),
				"layers", layer_descriptors(plan, image));
	cleanup_free char *text = doc ? json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(doc);
	if (!text)
		return no_memory(err);
	memcpy(image->manifest, "sha256:", 8);
	sha256_hex(text, strlen(text), image->manifest + 7);
	snprintf(image->media_type, sizeof(image->media_type), "%s", OCI_MANIFEST);
	image->manifest_bytes = strlen(text);
	return add_document(plan, image->manifest, text, strlen(text)) < 0 ? no_memory(err) : 0;
}

static int add_parts(struct save_plan *plan, struct save_image *image, struct err *err)
{
	int r = kept_manifest(plan, image, err);

	if (r == 0)
		r = made_manifest(plan, image, err);
	if (r < 0)
		return r;
	return add_document(plan, image->image.id, image->image.config_json,
			    image->image.config_len) < 0
		       ? no_memory(err)
		       : 0;
}

/* ---- images */

static bool has(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], text) == 0)
			return true;
	return false;
}

/* The image of a name or id, in the plan already or new, with the name among its tags. */
static int add_image(struct save_plan *plan, const char *name, const char *tag,
		     const struct image_save_options *o, struct err *err)
{
	struct save_image one = { .manifest = "" }, *at = NULL;
	int r = image_find(plan->engine, name, &one.image, err);

	r = r ? r : image_check_platform(&one.image, o->platform, err);
	for (size_t i = 0; r == 0 && i < plan->n_images; i++)
		if (strcmp(plan->images[i].image.id, one.image.id) == 0)
			at = &plan->images[i];
	if (r < 0 || at) {
		image_deinit(&one.image);
	} else {
		at = reallocarray(plan->images, plan->n_images + 1, sizeof(*at));
		if (!at) {
			image_deinit(&one.image);
			return no_memory(err);
		}
		plan->images = at;
		at += plan->n_images++;
		*at = one;
	}
	if (r == 0 && tag && !has(&at->tags, tag))
		r = strings_append(&at->tags, tag) < 0 ? no_memory(err) : 0;
	return r;
}

/* All tags of a repository: how many, or -errno. */
static int add_repository(struct save_plan *plan, const struct reference *ref,
			  const struct image_save_options *o, struct err *err)
{
	cleanup(strings_deinit) struct strings names = { 0 };
	cleanup_free char *low = str_printf("%s/%s:", ref->domain, ref->path);
	cleanup_free char *high = str_printf("%s/%s;", ref->domain, ref->path);
	int r = low && high ? store_query(plan->engine->store, err, take_text, &names,
					  "SELECT name FROM tags WHERE name >= ? AND name < ? "
					  "ORDER BY name",
					  "ss", low, high)
			    : no_memory(err);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = add_image(plan, names.v[i], names.v[i], o, err);
	return r ? r : (int)names.n;
}

static int add_name(struct save_plan *plan, const char *name, const struct image_save_options *o,
		    struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	char full[REFERENCE_MAX];
	struct reference ref;
	int r = 0;

	if (reference_parse(name, &ref, NULL) < 0 || ref.digest[0])
		return add_image(plan, name, NULL, o, err);
	if (!ref.tag[0])
		r = add_repository(plan, &ref, o, err);
	if (r)
		return r < 0 ? r : 0;
	r = image_find(plan->engine, name, &image, err);
	if (r < 0)
		return r;
	reference_full(&ref, full);
	return add_image(plan, name, has(&image.tags, full) ? full : NULL, o, err);
}

int saveplan_fill(struct save_plan *plan, const struct image_save_options *options, struct err *err)
{
	int r = options->n_names ? 0 : err_set(err, ERR_INVALID, "save: no image is named");

	for (size_t i = 0; r == 0 && i < options->n_names; i++)
		r = add_name(plan, options->names[i], options, err);
	for (size_t i = 0; r == 0 && i < plan->n_images; i++)
		r = add_parts(plan, &plan->images[i], err);
	return r;
}
