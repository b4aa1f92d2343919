/* SPDX-License-Identifier: Apache-2.0 */
/* A document that is both, or says it is one and has the fields of the other, is refused: two readers of it
 * could take it for two images (OCI distribution advisory GHSA-mc8v-mgrf-8f4m). */
#include "distribution.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "manifest.h"
#include "str.h"

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
	"application/octet-stream", /* Docker before 1.10 and some builders */
};
static const char *const index_types[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
};
static const char *const layer_prefixes[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
};

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}

static bool listed(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static void copy_text(const json_t *object, const char *key, char *out, size_t size)
{
	snprintf(out, size, "%s", str_or_empty(json_string_value(json_object_get(object, key))));
}

static int read_descriptor(const json_t *item, const char *what, struct descriptor *out,
			   struct err *err)
{
	const char *digest = json_string_value(json_object_get(item, "digest"));
	const json_t *size = json_object_get(item, "size");
	const json_t *platform = json_object_get(item, "platform");

	*out = (struct descriptor){ 0 };
	if (!digest || !str_is_digest(digest))
		return err_set(err, ERR_INVALID,
			       "manifest, %s: digest \"%.80s\", expected sha256:...", what,
			       str_or_empty(digest));
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_INVALID, "manifest, %s: expected a size", what);
	snprintf(out->digest, sizeof(out->digest), "%s", digest);
	out->size = (uint64_t)json_integer_value(size);
	copy_text(item, "mediaType", out->media_type, sizeof(out->media_type));
	copy_text(platform, "os", out->platform.os, sizeof(out->platform.os));
	copy_text(platform, "architecture", out->platform.architecture,
		  sizeof(out->platform.architecture));
	copy_text(platform, "variant", out->platform.variant, sizeof(out->platform.variant));
	return 0;
}

static int read_items(const json_t *list, const char *what, size_t max, struct distribution *out,
		      struct err *err)
{
	const json_t *item;
	char name[32];
	size_t i;

	if (json_array_size(list) > max)
		return err_set(err, ERR_INVALID,
			       "manifest, %s: %zu of them, at most %zu are possible", what,
			       json_array_size(list), max);
	out->items = calloc(json_array_size(list) + 1, sizeof(*out->items));
	if (!out->items)
		return err_sys(err, ENOMEM, "manifest");
	json_array_foreach(list, i, item)
	{
		snprintf(name, sizeof(name), "%s[%zu]", what, i);
		int r = read_descriptor(item, name, &out->items[i], err);

		if (r < 0)
			return r;
		out->n++;
	}
	return 0;
}

static int check_types(const struct distribution *d, struct err *err)
{
	if (!listed(config_types, ARRAY_LEN(config_types), d->config.media_type))
		return err_set(err, ERR_INVALID, "it is no image: its config is of type \"%.90s\"",
			       d->config.media_type);
	for (size_t i = 0; i < d->n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(layer_prefixes); k++)
			known = known || str_has_prefix(d->items[i].media_type, layer_prefixes[k]);
		if (!known || strstr(d->items[i].media_type, "+encrypted"))
			return err_set(err, ERR_INVALID, "layer %zu is of type \"%.90s\"", i + 1,
				       d->items[i].media_type);
	}
	return 0;
}

static int read_document(const json_t *doc, struct distribution *out, struct err *err)
{
	const json_t *layers = json_object_get(doc, "layers");
	const json_t *manifests = json_object_get(doc, "manifests");
	bool named = false;

	copy_text(doc, "mediaType", out->media_type, sizeof(out->media_type));
	named = listed(index_types, ARRAY_LEN(index_types), out->media_type);
	if (json_integer_value(json_object_get(doc, "schemaVersion")) == 1)
		return err_set(err, ERR_INVALID,
			       "manifest: schema 1 is not supported; push the image again with a "
			       "tool of today");
	if (!json_is_array(layers) == !json_is_array(manifests) ||
	    (out->media_type[0] && named != json_is_array(manifests)))
		return err_set(err, ERR_INVALID,
			       "manifest: expected either layers or manifests, as its type says");
	out->index = json_is_array(manifests);
	if (out->index)
		return read_items(manifests, "manifests", DISTRIBUTION_ENTRIES_MAX, out, err);
	int r = read_descriptor(json_object_get(doc, "config"), "config", &out->config, err);

	r = r ? r : read_items(layers, "layers", MANIFEST_LAYERS_MAX, out, err);
	return r ? r : check_types(out, err);
}

int distribution_parse(const char *text, size_t len, struct distribution *out, struct err *err)
{
	json_error_t e = { 0 };
	cleanup(json_freep) json_t *doc = NULL;

	*out = (struct distribution){ 0 };
	if (len > MANIFEST_BYTES_MAX)
		return err_set(err, ERR_INVALID, "manifest: it is longer than 4 MiB");
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!doc)
		return err_set(err, ERR_INVALID, "manifest: %s", e.text);
	int r = read_document(doc, out, err);

	if (r < 0)
		distribution_deinit(out);
	return r;
}

void distribution_deinit(struct distribution *d)
{
	free(d->items);
	*d = (struct distribution){ 0 };
}

/* How good a variant is for the wanted one: 0 = not at all. Of "v6", "v7", "v8" a lower one runs too; arm64
 * is v8 when nothing is said. */
static int fitness(const struct platform *has, const struct platform *wanted)
{
	const char *want = wanted->variant, *is = has->variant;

	if (strcmp(has->architecture, "arm64") == 0) {
		is = is[0] ? is : "v8";
		want = want[0] ? want : "v8";
	}
	if (strcmp(is, want) == 0)
		return 1000;
	if (!is[0])
		return 1;
	if (!want[0])
		return 2;
	if (is[0] == 'v' && want[0] == 'v' && strlen(is) == 2 && strlen(want) == 2 &&
	    is[1] < want[1])
		return 2 + is[1] - '0';
	return 0;
}

const struct descriptor *distribution_choose(const struct distribution *index,
					     const struct platform *wanted)
{
	const struct descriptor *best = NULL;
	int found = 0;

	for (size_t i = 0; i < index->n; i++) {
		const struct platform *p = &index->items[i].platform;
		int fit = strcmp(p->os, wanted->os) == 0 &&
					  strcmp(p->architecture, wanted->architecture) == 0
				  ? fitness(p, wanted)
				  : 0;

		if (fit > found) {
			best = &index->items[i];
			found = fit;
		}
	}
	return best;
}
