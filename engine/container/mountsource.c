/* SPDX-License-Identifier: Apache-2.0 */
/* A volume with options is what they say: a directory of the host that is bound, or a file system that is mounted
 * where the container is made, at each of its starts, and is gone with it. */
#include "mountsource.h"

#include <errno.h>
#include <string.h>

#include "image.h"
#include "mountlist.h"
#include "str.h"
#include "volume.h"
#include "volumecheck.h"

void mountsource_deinit(struct mountsource *sources)
{
	for (size_t i = 0; i < sources->n_texts; i++)
		free(sources->texts[i]);
	free(sources->texts);
	free(sources->v);
}

/* Keeps the text, which is consumed; NULL without memory. */
static const char *keep(struct mountsource *sources, char *text)
{
	if (text)
		sources->texts[sources->n_texts++] = text;
	return text;
}

static int find_volume(struct mountsource *sources, struct engine *engine, struct spec_mount *out,
		       struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	int r = volume_find(engine, out->mount->source, &volume, err);

	if (r < 0)
		return r;
	const char *type = volumecheck_option(volume.config, "type");
	const char *options = str_or_empty(volumecheck_option(volume.config, "o"));
	const char *device = str_or_empty(volumecheck_option(volume.config, "device"));
	bool bind = volumecheck_bind(volume.config) != NULL;
	/* the runtime knows a bind by its word */
	bool word =
		volumecheck_has(volume.config, "bind") || volumecheck_has(volume.config, "rbind");

	if (!type) {
		out->source = keep(sources, volume_path(engine, volume.name));
		return out->source ? 0 : -ENOMEM;
	}
	out->source = keep(sources, strdup(device));
	out->type = bind ? "bind" : keep(sources, strdup(type));
	out->options =
		keep(sources, bind && !word ? str_printf("rbind,%s", options) : strdup(options));
	return out->source && out->type && out->options ? 0 : -ENOMEM;
}

static int find_layers(struct mountsource *sources, struct engine *engine,
		       struct rootlayers *layers, struct spec_mount *out, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	char *lower;
	int r = image_find(engine, out->mount->image_id, &image, err);

	r = r ? r : rootlayers_add(layers, engine, &image, &lower, err);
	if (r < 0)
		return r;
	out->source = keep(sources, lower);
	return 0;
}

int mountsource_find(struct mountsource *sources, struct engine *engine,
		     const struct mountplan *plan, struct rootlayers *layers, struct err *err)
{
	int r = 0;

	sources->v = calloc(plan->n + 1, sizeof(*sources->v));
	sources->texts = calloc(3 * plan->n + 1, sizeof(*sources->texts));
	if (!sources->v || !sources->texts)
		return err_sys(err, ENOMEM, "plan the mounts");
	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		sources->v[i] = (struct spec_mount){ .mount = plan->v[i].mount };
		sources->n++;
		if (mountlist_is_volume(plan->v[i].mount))
			r = find_volume(sources, engine, &sources->v[i], err);
		else if (mountlist_is_image(plan->v[i].mount))
			r = find_layers(sources, engine, layers, &sources->v[i], err);
	}
	return r == -ENOMEM ? err_sys(err, ENOMEM, "plan the mounts") : r;
}
