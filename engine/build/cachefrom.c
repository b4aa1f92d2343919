/* SPDX-License-Identifier: Apache-2.0 */
/* What is found here does not go into the engine's own cache: who names an image trusts it for this build alone. */
#include "cachefrom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "layer.h"
#include "str.h"
#include "work.h"

static int add(struct cachefrom *from, const struct image_history *h, const char *diff_id)
{
	struct cachefrom_step *grown = realloc(from->v, (from->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	from->v = grown;
	struct cachefrom_step *s = &grown[from->n++];

	*s = (struct cachefrom_step){ .result.created_ns = h->created_ns };
	(void)snprintf(s->key, sizeof(s->key), "%s", h->step + strlen("sha256:"));
	(void)snprintf(s->result.diff_id, sizeof(s->result.diff_id), "%s", diff_id);
	return 0;
}

/* The layers of an image are those of the entries that are not empty, in the same order. */
static int add_image(struct cachefrom *from, const struct image_config *config)
{
	size_t layer = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_history; i++) {
		const struct image_history *h = &config->history[i];
		const char *diff_id = "";

		if (!h->empty_layer && layer == config->diff_ids.n)
			break;
		if (!h->empty_layer)
			diff_id = config->diff_ids.v[layer++];
		if (h->step && str_is_digest(h->step))
			r = add(from, h, diff_id);
	}
	return r;
}

static void tell_missing(struct build *b, const char *name)
{
	cleanup_free char *text =
		str_printf("[Warning] --cache-from: there is no image %.120s here", name);

	if (text)
		told_note(b, text);
}

static int read_one(struct build *b, const char *name, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	struct err own = ERR_NULL;
	int r = image_find(b->engine, name, &image, &own);

	if (r == -ENOENT) {
		tell_missing(b, name);
		return 0;
	}
	if (r < 0) {
		if (err)
			*err = own;
		return r;
	}
	r = add_image(&b->cache_from, &image.config);
	return r < 0 ? err_sys(err, r, "build") : 0;
}

int cachefrom_read(struct build *b, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_cache_from; i++)
		r = read_one(b, o->cache_from[i], err);
	return r;
}

void cachefrom_deinit(struct cachefrom *from)
{
	free(from->v);
	*from = (struct cachefrom){ 0 };
}

int cachefrom_find(const struct build *b, const char *key, struct cached *out)
{
	for (size_t i = 0; i < b->cache_from.n; i++) {
		const struct cachefrom_step *s = &b->cache_from.v[i];

		if (strcmp(s->key, key) != 0)
			continue;
		*out = s->result;
		if (!out->diff_id[0] ||
		    layers_size(b->engine->layers, out->diff_id + 7, &out->size_bytes) == 0)
			return 1;
	}
	return 0;
}
