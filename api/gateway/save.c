/* SPDX-License-Identifier: Apache-2.0 */
/* GET /images/{name}/get and /images/get?names=... . What fails after the first byte is cut off. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/images.pb-c.h"
#include "exchange.h"

#define TAR_TYPE "application/x-tar"

static int copy(struct gw *gw, struct rpc_client_call *call, struct err *err)
{
	int r = 0;

	while (r == 0) {
		Cleat__V1__Chunk *chunk = NULL;
		int n = gw_recv(gw, call, &chunk, err);

		if (n <= 0)
			return n;
		if (!gw->streaming)
			http_begin(gw->http, 200, TAR_TYPE);
		gw->streaming = true;
		r = http_write(gw->http, chunk->data.data, chunk->data.len);
		cleat__v1__chunk__free_unpacked(chunk, NULL);
	}
	return r;
}

static void save(struct gw *gw, char **names, size_t n)
{
	Cleat__V1__SaveImagesRequest request = CLEAT__V1__SAVE_IMAGES_REQUEST__INIT;
	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup(json_decrefp) json_t *given = NULL;
	struct err err = ERR_NULL;
	int r = gw_json_platform(gw, &given, &platform, &err);

	request.images = names;
	request.n_images = n;
	request.platform = r > 0 ? &platform : NULL;
	if (r >= 0)
		r = gw_open(gw, &request.base, &call, &err);
	r = r ? r : copy(gw, call, &err);
	if (r < 0 && gw->streaming)
		gw->http->broken = true;
	else if (r < 0 && r != -EPIPE)
		gw_fail(gw, &err);
}

void gw_save(struct gw *gw)
{
	char *name = gw->match.param;

	save(gw, &name, 1);
}

void gw_save_several(struct gw *gw)
{
	enum { NAMES_MAX = 256 };
	char *all[NAMES_MAX];
	const char *value;
	size_t n = 0;

	for (size_t i = 0; n < NAMES_MAX && (value = http_query_nth(gw->http, "names", i)); i++)
		all[n++] = (char *)(uintptr_t)value;
	save(gw, all, n);
}
