/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "image.h"
#include "imagefilter.h"
#include "str.h"

/* Bytes of the image's layers that are there. */
static uint64_t present(struct engine *engine, const struct image *image)
{
	uint64_t sum = 0, size;

	for (size_t i = 0; i < image->config.diff_ids.n; i++)
		if (layers_size(engine->layers, image->config.diff_ids.v[i] + 7, &size) == 0)
			sum += size;
	return sum;
}

static int prune_one(struct engine *engine, const struct image *image, struct image_pruned *out,
		     struct err *err)
{
	const struct image_remove_options options = { .force = image->tags.n > 1 };
	uint64_t before = present(engine, image);
	size_t from = out->changes.n;
	struct err own = ERR_NULL;
	int r = image_remove(engine, image->id, &options, &out->changes, &own);

	out->told(out->ctx, image, &out->changes, from);
	if (r < 0 && own.code != ERR_PRECONDITION && own.code != ERR_NOT_FOUND) {
		if (err)
			*err = own;
		return r;
	}
	out->bytes += before - present(engine, image);
	return 0;
}

int image_prune(struct engine *engine, const struct image_filter *filter, struct image_pruned *out,
		struct err *err)
{
	bool dangling = image_filter_bool(filter, "dangling", 1);
	struct image *images = NULL;
	size_t n = 0;
	int r = image_list(engine, &images, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (r == 0 && !(dangling && (images[i].tags.n || images[i].digests.n)) &&
		    !images[i].containers && image_filter_match(filter, &images[i]))
			r = prune_one(engine, &images[i], out, err);
		image_deinit(&images[i]);
	}
	free(images);
	return r;
}
