/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "str.h"

void looked_deinit(struct looked *l)
{
	free(l->platforms);
	*l = (struct looked){ 0 };
}

static int of_index(struct looked *out, const struct distribution *index, struct err *err)
{
	out->platforms = calloc(index->n + 1, sizeof(*out->platforms));
	if (!out->platforms)
		return err_sys(err, ENOMEM, "platforms");
	for (size_t i = 0; i < index->n; i++)
		if (index->items[i].platform.os[0])
			out->platforms[out->n++] = index->items[i].platform;
	return 0;
}

/* Only its config tells what a single image is for. */
static int of_manifest(struct looked *out, struct resolved *what, struct engine *engine,
		       const struct pull_options *options, struct err *err)
{
	int r = resolve_config(what, engine, options, err);
	const struct image_config *c = &what->config;

	out->platforms = calloc(1, sizeof(*out->platforms));
	if (r < 0 || !out->platforms)
		return r ? r : err_sys(err, ENOMEM, "platforms");
	snprintf(out->platforms->os, sizeof(out->platforms->os), "%s", str_or_empty(c->os));
	snprintf(out->platforms->architecture, sizeof(out->platforms->architecture), "%s",
		 str_or_empty(c->architecture));
	snprintf(out->platforms->variant, sizeof(out->platforms->variant), "%s",
		 str_or_empty(c->variant));
	out->n = 1;
	return 0;
}

int registry_look(struct engine *engine, const struct pull_options *options, struct looked *out,
		  struct err *err)
{
	cleanup(resolved_deinit) struct resolved what = { 0 };
	struct reference ref;
	int r = reference_parse(options->reference, &ref, err);

	if (r < 0)
		return r;
	resolve_reference(&what, &ref);
	r = resolve_top(&what, engine, options, err);
	if (r < 0)
		return r;
	*out = (struct looked){ .size_bytes = what.top.bytes.len };
	snprintf(out->digest, sizeof(out->digest), "%s", what.top.digest);
	snprintf(out->media_type, sizeof(out->media_type), "%s", what.top.media_type);
	r = what.top.parsed.index ? of_index(out, &what.top.parsed, err)
				  : of_manifest(out, &what, engine, options, err);
	if (r < 0)
		looked_deinit(out);
	return r;
}
