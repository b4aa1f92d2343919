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
	strings_deinit(&image->digests);
	*image = (struct image){ 0 };
}

/* A variant that the image does not tell may be the one. */
int image_check_platform(const struct image *image, const Cleat__V1__Platform *wanted,
			 struct err *err)
{
	const char *os = str_or_empty(image->config.os),
		   *variant = str_or_empty(image->config.variant);
	const char *architecture = str_or_empty(image->config.architecture);

	if (!wanted || ((!wanted->os[0] || !strcmp(wanted->os, os)) &&
			(!wanted->architecture[0] || !strcmp(wanted->architecture, architecture)) &&
			(!wanted->variant[0] || !variant[0] || !strcmp(wanted->variant, variant))))
		return 0;
	return err_reason(err, ERR_NOT_FOUND, "IMAGE_NOT_FOUND",
			  "image was found but does not match the specified platform: wanted "
			  "%.32s%s%.32s%s%.32s, actual: %.32s/%.32s%s%.32s",
			  wanted->os, wanted->architecture[0] ? "/" : "", wanted->architecture,
			  wanted->variant[0] ? "/" : "", wanted->variant, os, architecture,
			  variant[0] ? "/" : "", variant);
}

static int take_text(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}

/* Images with their names, a row a name: those of one image in a row, sorted. */
#define ROWS(containers, names)                                                  \
	"SELECT i.id, i.config, i.created_ns, i.size_bytes, t.name, " containers \
	" FROM images i LEFT JOIN " names " t ON t.image_id = i.id "
#define ALL_NAMES                                     \
	"(SELECT image_id, name FROM tags UNION ALL " \
	"SELECT image_id, repository || '@' || digest FROM repo_digests)"

struct images {
	struct image *v;
	size_t n, cap;
};

static void images_deinit(struct images *images)
{
	for (size_t i = 0; i < images->n; i++)
		image_deinit(&images->v[i]);
	free(images->v);
}

static int grow(struct images *images)
{
	if (images->n < images->cap)
		return 0;
	size_t cap = images->cap ? images->cap * 2 : 16;
	struct image *v = realloc(images->v, cap * sizeof(*v));

	if (!v)
		return -ENOMEM;
	images->v = v;
	images->cap = cap;
	return 0;
}

static int take_first(const struct store_row *row, struct image *image)
{
	const void *json = store_blob(row, 1, &image->config_len);

	snprintf(image->id, sizeof(image->id), "%s", store_text(row, 0));
	image->config_json = strndup(json ? json : "", image->config_len);
	image->created_ns = store_int(row, 2);
	image->size_bytes = (uint64_t)store_int(row, 3);
	image->containers = (uint32_t)store_int(row, 5);
	return image->config_json ? 0 : -ENOMEM;
}

static int take_row(const struct store_row *row, void *ctx)
{
	struct images *images = ctx;
	const char *name = store_text(row, 4);
	struct image *image;
	int r = 0;

	if (images->n == 0 || strcmp(images->v[images->n - 1].id, store_text(row, 0)) != 0) {
		r = grow(images);
		if (r < 0)
			return r;
		images->v[images->n] = (struct image){ 0 };
		r = take_first(row, &images->v[images->n++]);
	}
	image = &images->v[images->n - 1];
	return r || !name[0]
		       ? r
		       : strings_append(strchr(name, '@') ? &image->digests : &image->tags, name);
}

static int not_found(const char *name, struct err *err)
{
	const char *slash = strrchr(name, '/');
	bool whole = str_is_id_prefix(name) || strpbrk(slash ? slash : name, ":@");

	return err_reason(err, ERR_NOT_FOUND, "IMAGE_NOT_FOUND", "No such image: %.150s%s", name,
			  whole ? "" : ":latest");
}

static int load_image(struct engine *engine, const char *id, struct image *out, struct err *err)
{
	cleanup(images_deinit) struct images images = { 0 };
	int r = store_query(engine->store, err, take_row, &images,
			    ROWS("0", "tags") "WHERE i.id = ? ORDER BY t.name", "s", id);

	if (r == 0 && images.n == 0)
		r = not_found(id, err);
	if (r < 0)
		return r;
	*out = images.v[0];
	images.n = 0;
	r = image_config_parse(out->config_json, out->config_len, &out->config, err);
	return r ? r
		 : store_query(engine->store, err, take_text, &out->digests,
			       "SELECT repository || '@' || digest FROM repo_digests "
			       "WHERE image_id = ? ORDER BY 1",
			       "s", id);
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
			   "SELECT id FROM images WHERE id >= ?1 AND id < ?2 AND "
			   "(lease = '' OR id = ?1) LIMIT 2",
			   "ss", low, high);
}

/* A digest is the stronger word: the tag beside it is not looked at. */
static int find_named(struct engine *engine, const struct reference *ref, struct strings *ids,
		      struct err *err)
{
	char name[REFERENCE_MAX];

	if (ref->digest[0]) {
		snprintf(name, sizeof(name), "%s/%s", ref->domain, ref->path);
		return store_query(engine->store, err, take_text, ids,
				   "SELECT image_id FROM repo_digests "
				   "WHERE repository = ? AND digest = ?",
				   "ss", name, ref->digest);
	}
	reference_full(ref, name);
	return store_query(engine->store, err, take_text, ids,
			   "SELECT image_id FROM tags WHERE name = ?", "s", name);
}

int image_find(struct engine *engine, const char *name, struct image *out, struct err *err)
{
	cleanup(strings_deinit) struct strings ids = { 0 };
	struct reference ref;
	int r = 0;

	*out = (struct image){ 0 };
	if (reference_parse(name, &ref, NULL) == 0) {
		r = find_named(engine, &ref, &ids, err);
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

int image_exists(struct engine *engine, const char *id, struct err *err)
{
	cleanup(strings_deinit) struct strings ids = { 0 };
	int r = store_query(engine->store, err, take_text, &ids,
			    "SELECT id FROM images WHERE id = ?", "s", id);

	return r == 0 && ids.n == 0 ? not_found(id, err) : r;
}

int image_list(struct engine *engine, struct image **out, size_t *n, struct err *err)
{
	struct images images = { 0 };
	int r = grow(&images);

	r = r ? r
	      : store_query(
			engine->store, err, take_row, &images,
			ROWS("u.n",
			     ALL_NAMES) "LEFT JOIN (SELECT image_id, COUNT(*) AS n FROM "
					"image_users "
					"GROUP BY image_id) u ON u.image_id = i.id WHERE i.lease = "
					"'' "
					"ORDER BY i.created_ns DESC, i.id, t.name",
			"");
	*out = images.v;
	*n = 0;
	for (size_t i = 0; i < images.n; i++) {
		struct image *image = &images.v[i];

		if (r == 0 && image_config_parse(image->config_json, image->config_len,
						 &image->config, NULL) == 0)
			images.v[(*n)++] = *image;
		else
			image_deinit(image);
	}
	return r;
}

int image_check_tag(const char *reference, struct err *err)
{
	struct reference ref;
	int r = reference_parse(reference, &ref, err);

	if (r == 0 && ref.digest[0])
		r = err_set(err, ERR_INVALID, "refusing to create a tag with a digest reference");
	if (r == 0 && (!strcmp(ref.path, "library/sha256") || !strcmp(ref.path, "library/sha512")))
		r = err_set(err, ERR_INVALID,
			    "refusing to create an ambiguous tag using digest algorithm as name");
	return r;
}

int image_tag(struct engine *engine, const char *id, const char *reference, struct err *err)
{
	struct reference ref;
	char full[REFERENCE_MAX];
	int r = image_check_tag(reference, err);

	r = r ? r : reference_parse(reference, &ref, err);
	if (r < 0)
		return r;
	reference_full(&ref, full);
	r = store_run(engine->store, err,
		      "INSERT INTO tags(name, image_id) VALUES(?, ?) "
		      "ON CONFLICT(name) DO UPDATE SET image_id = excluded.image_id",
		      "ss", full, id);
	return r < 0 ? r : 0;
}

int image_add_digest(struct engine *engine, const char *id, const char *repository,
		     const char *digest, struct err *err)
{
	int r = store_run(engine->store, err,
			  "INSERT INTO repo_digests(repository, digest, image_id) VALUES(?, ?, ?) "
			  "ON CONFLICT DO UPDATE SET image_id = excluded.image_id",
			  "sss", repository, digest, id);

	return r < 0 ? r : 0;
}

int image_insert(struct engine *engine, const char *id, const char *json, size_t len,
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
