/* SPDX-License-Identifier: Apache-2.0 */
#include "imageimport.h"

#include <errno.h>
#include <string.h>

#include "commit.h"
#include "container/history.h"
#include "service.h"
#include "str.h"

struct upload {
	struct cleat_v1_images_import_stream *io;
	Cleat__V1__ImportImageRequest *message; /* the one at hand */
};

static void upload_deinit(struct upload *u)
{
	if (u->message)
		cleat__v1__import_image_request__free_unpacked(u->message, NULL);
	u->message = NULL;
}

static int next_data(void *ctx, const void **data, size_t *n, struct err *err)
{
	struct upload *u = ctx;

	upload_deinit(u);
	int r = cleat_v1_images_import_recv(u->io, &u->message, err);

	if (r != 1)
		return r;
	if (u->message->message_case != CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_DATA)
		return err_set(err, ERR_INVALID,
			       "data is missing: only the first message has options");
	*data = u->message->data.data;
	*n = u->message->data.len;
	return 1;
}

static const char *word(const char *text)
{
	return text && text[0] ? text : NULL;
}

static int import(struct engine *engine, const Cleat__V1__ImportImageRequest__Options *o,
		  const struct feed_source *source, char id[72], struct err *err)
{
	const Cleat__V1__Platform *platform = o->platform;
	const struct image_import_options options = {
		.reference = o->reference,
		.message = o->message,
		.changes = o->changes,
		.n_changes = o->n_changes,
		.os = platform ? word(platform->os) : NULL,
		.architecture = platform ? word(platform->architecture) : NULL,
		.variant = platform ? word(platform->variant) : NULL,
	};

	if (o->url[0])
		return err_set(err, ERR_UNIMPLEMENTED,
			       "import from an URL: this release reads files and standard input");
	return image_import(engine, &options, source, id, err);
}

int imageimport(struct rpc_call *call, struct cleat_v1_images_import_stream *io, struct err *err)
{
	cleanup(upload_deinit) struct upload first = { .io = io }, rest = { .io = io };
	const struct feed_source source = { next_data, &rest };
	Cleat__V1__ImportImageReply reply = CLEAT__V1__IMPORT_IMAGE_REPLY__INIT;
	char id[72];
	int r = cleat_v1_images_import_recv(io, &first.message, err);

	if (r < 0)
		return r;
	if (r == 0 ||
	    first.message->message_case != CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_OPTIONS)
		return err_set(err, ERR_INVALID, "import: the first message must be options");
	r = import(service_engine(call), first.message->options, &source, id, err);
	if (r < 0)
		return r;
	if (first.message->options->reference[0])
		history_tagged(service_engine(call), id, first.message->options->reference);
	history_image_id(service_engine(call), id, "import");
	reply.message_case = CLEAT__V1__IMPORT_IMAGE_REPLY__MESSAGE_IMAGE_ID;
	reply.image_id = id;
	return cleat_v1_images_import_send(io, &reply, err);
}
