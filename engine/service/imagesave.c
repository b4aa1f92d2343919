/* SPDX-License-Identifier: Apache-2.0 */
#include "imagesave.h"

#include "container/history.h"
#include "save.h"
#include "service.h"

struct saving {
	struct engine *engine;
	struct cleat_v1_images_save_stream *out;
};

static int send_chunk(void *ctx, const void *data, size_t n, struct err *err)
{
	const struct saving *s = ctx;
	Cleat__V1__Chunk chunk = CLEAT__V1__CHUNK__INIT;

	chunk.data.data = (uint8_t *)(uintptr_t)data;
	chunk.data.len = n;
	return cleat_v1_images_save_send(s->out, &chunk, err);
}

static void tell_saved(void *ctx, const struct image *image)
{
	const struct saving *s = ctx;

	history_image(s->engine, image, "save");
}

int imagesave(struct rpc_call *call, const Cleat__V1__SaveImagesRequest *req,
	      struct cleat_v1_images_save_stream *out, struct err *err)
{
	const struct image_save_options options = {
		.names = req->images,
		.n_names = req->n_images,
		.platform = req->platform,
	};
	struct saving saving = { service_engine(call), out };
	const struct image_save_sink sink = { send_chunk, tell_saved, &saving };

	return image_save(saving.engine, &options, &sink, err);
}
