/* SPDX-License-Identifier: Apache-2.0 */
#include "pushplan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blobs.h"
#include "compose.h"
#include "rows.h"
#include "store.h"
#include "str.h"

enum { SOURCES_MAX = 2 };

static void forget_layers(struct push_plan *plan)
{
	for (size_t i = 0; i < plan->n_layers; i++) {
		content_deinit(&plan->layers[i].content);
		strings_deinit(&plan->layers[i].sources);
	}
	free(plan->layers);
	plan->layers = NULL;
	plan->n_layers = 0;
	document_deinit(&plan->manifest);
	strings_deinit(&plan->sources);
}

void push_plan_deinit(struct push_plan *plan)
{
	forget_layers(plan);
	image_deinit(&plan->image);
}

static bool listed(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], text) == 0)
			return true;
	return false;
}

/* Repositories of the registry `to` is in, but for `to` itself: those the blob came from or went to, and those
 * the image is known in. */
static int find_sources(struct push_plan *plan, struct push_layer *l, struct engine *engine,
			const struct reference *to, struct err *err)
{
	cleanup(strings_deinit) struct strings found = { 0 };
	char prefix[REFERENCE_MAX];
	int r = store_query(engine->store, err, rows_take_text, &found,
			    "SELECT repository FROM blob_sources WHERE digest = ? UNION "
			    "SELECT repository FROM repo_digests WHERE image_id = ?",
			    "ss", l->blob->digest, plan->image.id);

	snprintf(prefix, sizeof(prefix), "%s/", to->domain);
	for (size_t i = 0; r == 0 && i < found.n && l->sources.n < SOURCES_MAX; i++) {
		const char *path = found.v[i] + strlen(prefix);

		if (!str_has_prefix(found.v[i], prefix) || strcmp(path, to->path) == 0)
			continue;
		r = strings_append(&l->sources, path);
		if (r == 0 && !listed(&plan->sources, path))
			r = strings_append(&plan->sources, path);
	}
	return r;
}

static int list_layers(struct push_plan *plan, struct engine *engine, const struct reference *to,
		       struct err *err)
{
	const struct distribution *m = &plan->manifest.parsed;
	const struct strings *diffs = &plan->image.config.diff_ids;
	int r = 0;

	plan->layers = calloc(m->n + 1, sizeof(*plan->layers));
	if (!plan->layers)
		return err_sys(err, ENOMEM, "push");
	for (size_t i = 0; r == 0 && i < m->n; i++) {
		struct push_layer *l = &plan->layers[plan->n_layers++];

		*l = (struct push_layer){ .blob = &m->items[i], .content = CONTENT_NULL };
		snprintf(l->id, sizeof(l->id), "%.12s",
			 (i < diffs->n ? diffs->v[i] : l->blob->digest) + strlen("sha256:"));
		if (content_blob(engine, l->blob->digest, &l->content) < 0)
			l->content = CONTENT_NULL;
		r = find_sources(plan, l, engine, to, err);
	}
	return r;
}

int push_plan_exact(struct push_plan *plan, struct engine *engine, const struct reference *to,
		    struct err *err)
{
	cleanup(strings_deinit) struct strings digest = { 0 };
	int r = store_query(engine->store, err, rows_take_text, &digest,
			    "SELECT manifest FROM images WHERE id = ?", "s", plan->image.id);

	if (r < 0)
		return r;
	if (digest.n == 0 || !str_is_digest(digest.v[0]))
		return 1;
	r = document_kept(&plan->manifest, engine, digest.v[0], err);
	if (r == -ENOENT)
		return 1;
	return r ? r : list_layers(plan, engine, to, err);
}

int push_plan_composed(struct push_plan *plan, struct engine *engine, const struct reference *to,
		       int stop_fd, struct err *err)
{
	forget_layers(plan);
	int r = compose_manifest(engine, &plan->image, stop_fd, &plan->manifest.bytes, err);

	r = r ? r : document_read(&plan->manifest, err);
	return r ? r : list_layers(plan, engine, to, err);
}
