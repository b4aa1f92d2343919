/* SPDX-License-Identifier: Apache-2.0 */
#include "save.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "reference.h"
#include "saveplan.h"
#include "str.h"
#include "tar.h"

enum { BLOCK_BYTES = 128 << 10 };

struct save {
	struct save_plan plan;
	const struct image_save_sink *sink;
	struct buf out;
	char *block;
};

static void save_deinit(struct save *s)
{
	saveplan_deinit(&s->plan);
	buf_deinit(&s->out);
	free(s->block);
}

static int flush(struct save *s, struct err *err)
{
	int r = s->out.error ? err_sys(err, s->out.error, "save")
			     : s->sink->data(s->sink->ctx, s->out.data, s->out.len, err);

	s->out.len = 0;
	return r;
}

static void put_head(struct save *s, enum tar_type type, const char *path, uint64_t size)
{
	const struct tar_entry e = { .type = type,
				     .path = path,
				     .mode = type == TAR_DIR ? 0755 : 0644,
				     .size_bytes = size };

	tar_head(&e, &s->out);
}

static void put_padding(struct save *s, uint64_t size)
{
	static const char zeros[TAR_BLOCK];

	buf_append(&s->out, zeros, tar_padding(size));
}

static int put_text(struct save *s, const char *path, const void *data, size_t len, struct err *err)
{
	put_head(s, TAR_FILE, path, len);
	buf_append(&s->out, data, len);
	put_padding(s, len);
	return s->out.len >= BLOCK_BYTES ? flush(s, err) : 0;
}

/* The json is consumed. */
static int put_json(struct save *s, const char *path, json_t *json, struct err *err)
{
	cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(json);
	return text ? put_text(s, path, text, strlen(text), err) : err_sys(err, ENOMEM, "save");
}

static int put_file(struct save *s, int fd, uint64_t size, struct err *err)
{
	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(fd, s->block,
				  size - at < BLOCK_BYTES ? (size_t)(size - at) : BLOCK_BYTES,
				  (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "read a blob");
		buf_append(&s->out, s->block, (size_t)n);
		at += (uint64_t)n;
		int r = flush(s, err);

		if (r < 0)
			return r;
	}
	put_padding(s, size);
	return 0;
}

static int put_blob(struct save *s, const struct save_blob *blob, struct err *err)
{
	cleanup_free char *path = str_printf("blobs/sha256/%s", blob->digest + strlen("sha256:"));

	if (!path)
		return err_sys(err, ENOMEM, "save");
	if (blob->bytes.len)
		return put_text(s, path, blob->bytes.data, blob->bytes.len, err);
	cleanup_fd int fd = saveplan_open(&s->plan, blob, err);

	if (fd < 0)
		return fd;
	put_head(s, TAR_FILE, path, blob->size_bytes);
	return put_file(s, fd, blob->size_bytes, err);
}

static json_t *blob_path(const char *digest)
{
	return json_sprintf("blobs/sha256/%s", digest + strlen("sha256:"));
}

/* An entry of index.json; `tag` NULL = it has no name. */
static json_t *index_entry(const struct save_image *image, const char *tag)
{
	json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", image->media_type, "digest",
				  image->manifest, "size", (json_int_t)image->manifest_bytes);

	if (tag)
		json_object_set_new(entry, "annotations",
				    json_pack("{s:s, s:s}", "io.containerd.image.name", tag,
					      "org.opencontainers.image.ref.name",
					      strrchr(tag, ':') + 1));
	return entry;
}

static json_t *make_index(const struct save_plan *plan)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < plan->n_images; i++) {
		const struct save_image *image = &plan->images[i];

		for (size_t k = 0; k < image->tags.n; k++)
			json_array_append_new(entries, index_entry(image, image->tags.v[k]));
		if (image->tags.n == 0)
			json_array_append_new(entries, index_entry(image, NULL));
	}
	return json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType",
			 "application/vnd.oci.image.index.v1+json", "manifests", entries);
}

static json_t *make_manifest(const struct save_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n_images; i++) {
		const struct save_image *image = &plan->images[i];
		json_t *tags = json_array(), *layers = json_array();

		for (size_t k = 0; k < image->tags.n; k++) {
			char shown[REFERENCE_MAX];

			reference_familiar(image->tags.v[k], shown);
			json_array_append_new(tags, json_string(shown));
		}
		for (size_t k = 0; k < image->layers.n; k++)
			json_array_append_new(layers, blob_path(image->layers.v[k]));
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "Config",
						      blob_path(image->image.id), "RepoTags",
						      image->tags.n ? tags : json_null(), "Layers",
						      layers));
		if (image->tags.n == 0)
			json_decref(tags);
	}
	return list;
}

static int write_all(struct save *s, struct err *err)
{
	int r = 0;

	put_head(s, TAR_DIR, "blobs/", 0);
	put_head(s, TAR_DIR, "blobs/sha256/", 0);
	for (size_t i = 0; r == 0 && i < s->plan.n_blobs; i++)
		r = put_blob(s, &s->plan.blobs[i], err);
	r = r ? r : put_json(s, "index.json", make_index(&s->plan), err);
	r = r ? r : put_json(s, "manifest.json", make_manifest(&s->plan), err);
	r = r ? r
	      : put_json(s, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"), err);
	tar_end(&s->out);
	return r ? r : flush(s, err);
}

static void tell_saved(const struct save *s)
{
	for (size_t i = 0; i < s->plan.n_images; i++)
		s->sink->saved(s->sink->ctx, &s->plan.images[i].image);
}

int image_save(struct engine *engine, const struct image_save_options *options,
	       const struct image_save_sink *sink, struct err *err)
{
	cleanup(save_deinit) struct save s = { .plan = { .engine = engine }, .sink = sink };
	int r = saveplan_fill(&s.plan, options, err);

	if (r < 0)
		return r;
	s.block = malloc(BLOCK_BYTES);
	r = s.block ? write_all(&s, err) : err_sys(err, ENOMEM, "save");
	if (r == 0)
		tell_saved(&s);
	return r;
}
