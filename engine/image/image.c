/* SPDX-License-Identifier: Apache-2.0 */
/* An image is its config: the row holds the JSON as it came, and what is listed is read from it. */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "reference.h"
#include "store.h"
#include "str.h"

void image_deinit(struct image *image)
{
	free(image->config_json);
	image_config_deinit(&image->config);
	strings_deinit(&image->tags);
	*image = (struct image){ 0 };
}

static int take_text(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}

static int take_image(const struct store_row *row, void *ctx)
{
	struct image *image = ctx;
	const void *json = store_blob(row, 1, &image->config_len);

	snprintf(image->id, sizeof(image->id), "%s", store_text(row, 0));
	image->config_json = strndup(json ? json : "", image->config_len);
	image->created_ns = store_int(row, 2);
	image->size_bytes = (uint64_t)store_int(row, 3);
	return image->config_json ? 0 : -ENOMEM;
}

static int not_found(const char *name, struct err *err)
{
	return err_reason(err, ERR_NOT_FOUND, "IMAGE_NOT_FOUND", "No such image: %.150s", name);
}

static int load_image(struct engine *engine, const char *id, struct image *out, struct err *err)
{
	int r = store_query(engine->store, err, take_image, out,
			    "SELECT id, config, created_ns, size_bytes FROM images WHERE id = ?",
			    "s", id);

	if (r == 0 && !out->config_json)
		r = not_found(id, err);
	r = r ? r : image_config_parse(out->config_json, out->config_len, &out->config, err);
	return r ? r
		 : store_query(engine->store, err, take_text, &out->tags,
			       "SELECT name FROM tags WHERE image_id = ? ORDER BY name", "s", id);
}

/* Ids that `name` stands for by its digits. */
static int find_ids(struct engine *engine, const char *name, struct strings *ids, struct err *err)
{
	const char *hex = str_has_prefix(name, "sha256:") ? name + 7 : name;
	char low[80], high[80];

	if (!str_is_id_prefix(hex))
		return 0;
	snprintf(low, sizeof(low), "sha256:%s", hex);
	snprintf(high, sizeof(high), "sha256:%sg", hex);
	return store_query(engine->store, err, take_text, ids,
			   "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2", "ss", low,
			   high);
}

int image_find(struct engine *engine, const char *name, struct image *out, struct err *err)
{
	cleanup(strings_deinit) struct strings ids = { 0 };
	struct reference ref;
	char full[REFERENCE_MAX];
	int r = 0;

	*out = (struct image){ 0 };
	if (reference_parse(name, &ref, NULL) == 0) {
		reference_full(&ref, full);
		r = store_query(engine->store, err, take_text, &ids,
				"SELECT image_id FROM tags WHERE name = ?", "s", full);
	} else if (!str_is_digest(name) && !str_is_id(name)) {
		return reference_parse(name, &ref, err);
	}
	if (r == 0 && ids.n == 0)
		r = find_ids(engine, name, &ids, err);
	if (r < 0)
		return r;
	if (ids.n == 0)
		return not_found(name, err);
	if (ids.n > 1)
		return err_reason(err, ERR_INVALID, "AMBIGUOUS_ID",
				  "%.80s is a prefix of several images' ids", name);
	r = load_image(engine, ids.v[0], out, err);
	if (r < 0)
		image_deinit(out);
	return r;
}

int image_list(struct engine *engine, struct image **out, size_t *n, struct err *err)
{
	cleanup(strings_deinit) struct strings ids = { 0 };
	int r = store_query(engine->store, err, take_text, &ids,
			    "SELECT id FROM images ORDER BY created_ns DESC, id", "");

	*out = calloc(ids.n + 1, sizeof(**out));
	*n = 0;
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		if (load_image(engine, ids.v[i], &(*out)[*n], NULL) == 0)
			(*n)++;
		else
			image_deinit(&(*out)[*n]);
	}
	return r;
}

int image_tag(struct engine *engine, const char *id, const char *reference, struct err *err)
{
	struct reference ref;
	char full[REFERENCE_MAX];
	int r = reference_parse(reference, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest[0])
		return err_set(err, ERR_INVALID,
			       "refusing to create a tag with a digest reference");
	reference_full(&ref, full);
	r = store_run(engine->store, err,
		      "INSERT INTO tags(name, image_id) VALUES(?, ?) "
		      "ON CONFLICT(name) DO UPDATE SET image_id = excluded.image_id",
		      "ss", full, id);
	return r < 0 ? r : 0;
}

int image_layers(struct engine *engine, const struct image *image, struct strings *out,
		 struct err *err)
{
	int r = 0;

	for (size_t i = image->config.diff_ids.n; r == 0 && i-- > 0;) {
		cleanup_free char *path = str_printf("%s/layers/%s/fs", engine->state_dir,
						     image->config.diff_ids.v[i] + 7);

		r = path ? strings_append(out, path) : -ENOMEM;
	}
	return r < 0 ? err_sys(err, r, "list the layers") : 0;
}

static int insert_rows(struct engine *engine, const char *id, const char *json, size_t len,
		       const struct image_config *config, uint64_t size, const struct strings *tags,
		       struct err *err)
{
	int r = store_run(
		engine->store, err,
		"INSERT INTO images(id, config, created_ns, size_bytes) VALUES(?, ?, ?, ?) "
		"ON CONFLICT(id) DO NOTHING",
		"sbii", id, json, len, config->created_ns, (int64_t)size);

	for (size_t i = 0; r >= 0 && i < config->diff_ids.n; i++)
		r = store_run(
			engine->store, err,
			"INSERT INTO image_layers(image_id, position, diff_id) VALUES(?, ?, ?) "
			"ON CONFLICT DO NOTHING",
			"sis", id, (int64_t)i, config->diff_ids.v[i]);
	for (size_t i = 0; r >= 0 && i < tags->n; i++)
		r = image_tag(engine, id, tags->v[i], err);
	return r < 0 ? r : 0;
}

int image_insert(struct engine *engine, const char *id, const char *json, size_t len,
		 const struct image_config *config, uint64_t size, const struct strings *tags,
		 struct err *err)
{
	int r = store_begin(engine->store, err);

	if (r < 0)
		return r;
	r = insert_rows(engine, id, json, len, config, size, tags, err);
	int ended = store_end(engine->store, r == 0, err);

	return r ? r : ended;
}

static int count_row(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

static int delete_image(struct engine *engine, const struct image *image, bool force,
			struct strings *changes, struct err *err)
{
	int64_t users = 0, left;
	int r = store_query(engine->store, err, count_row, &users,
			    "SELECT COUNT(*) FROM containers WHERE image_id = ?", "s", image->id);

	if (r == 0 && users > 0)
		return force ? 0
			     : err_reason(
				       err, ERR_PRECONDITION, "IMAGE_IN_USE",
				       "conflict: unable to delete %.12s: %lld container(s) use it",
				       image->id + 7, (long long)users);
	r = r ? r
	      : store_run(engine->store, err, "DELETE FROM images WHERE id = ?", "s", image->id);
	for (size_t i = 0; r >= 0 && i < image->config.diff_ids.n; i++) {
		const char *diff = image->config.diff_ids.v[i];
		cleanup_free char *path = str_printf("layers/%s", diff + 7);

		left = 1;
		r = store_query(engine->store, err, count_row, &left,
				"SELECT COUNT(*) FROM image_layers WHERE diff_id = ?", "s", diff);
		if (r == 0 && left == 0 && path)
			r = fd_remove_tree(engine->state_fd, path);
	}
	cleanup_free char *line = str_printf("deleted %s", image->id);

	return r < 0 ? r : line ? strings_append(changes, line) : -ENOMEM;
}

int image_remove(struct engine *engine, const char *name, bool force, struct strings *changes,
		 struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	struct reference ref;
	char full[REFERENCE_MAX] = "", shown[REFERENCE_MAX];
	bool named = false;
	int r = image_find(engine, name, &image, err);

	if (r < 0)
		return r;
	if (reference_parse(name, &ref, NULL) == 0)
		reference_full(&ref, full);
	for (size_t i = 0; i < image.tags.n; i++)
		named |= strcmp(image.tags.v[i], full) == 0;
	if (!named && image.tags.n > 1 && !force)
		return err_set(
			err, ERR_PRECONDITION,
			"conflict: unable to delete %.12s (must be forced) - image is referenced "
			"in multiple repositories",
			image.id + 7);
	bool last = !named || image.tags.n <= 1;

	if (last)
		r = delete_image(engine, &image, force, changes, err);
	for (size_t i = 0; r == 0 && i < image.tags.n; i++) {
		if (named && strcmp(image.tags.v[i], full) != 0)
			continue;
		reference_familiar(image.tags.v[i], shown);
		cleanup_free char *line = str_printf("untagged %s", shown);

		r = store_run(engine->store, err, "DELETE FROM tags WHERE name = ?", "s",
			      image.tags.v[i]);
		r = r < 0 ? r : line ? strings_append(changes, line) : -ENOMEM;
	}
	return r;
}
