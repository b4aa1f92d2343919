/* SPDX-License-Identifier: Apache-2.0 */
#include "imageimport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "commit.h"
#include "container/history.h"
#include "fd.h"
#include "feed.h"
#include "lease.h"
#include "registry/download.h"
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

/* ---- from a URL: into a file first, as a server's pauses are no business of the worker's */

struct fetched {
	struct lease lease;
	struct feed_file file;
};

static void fetched_freep(struct fetched **f)
{
	if (!*f)
		return;
	closep(&(*f)->file.fd);
	lease_deinit(&(*f)->lease);
	free(*f);
}

/* As Docker has it, http where the URL does not say. */
static int fetch(struct engine *engine, struct rpc_call *call, const char *url,
		 struct fetched **out, struct err *err)
{
	cleanup_free char *whole = str_printf("%s%s", strstr(url, "://") ? "" : "http://", url);
	cleanup(fetched_freep) struct fetched *f = calloc(1, sizeof(*f));
	char sha[65];

	if (!whole || !f)
		return err_sys(err, ENOMEM, "import");
	f->file.fd = -1;
	f->lease = LEASE_NULL;
	if (!download_is_url(whole))
		return err_set(err, ERR_INVALID, "import: \"%.120s\" is no http or https URL", url);
	int r = lease_open(&f->lease, engine->state_fd, err);

	if (r < 0)
		return r;
	f->file.fd = openat(f->lease.fd, "download", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->file.fd < 0)
		return err_sys(err, errno, "make a temporary file");
	r = download_file(engine, whole, rpc_call_cancel_fd(call), f->file.fd, sha, err);
	if (r == 0 && lseek(f->file.fd, 0, SEEK_SET) < 0)
		r = err_sys(err, errno, "read the archive");
	if (r == 0)
		*out = steal(&f);
	return r;
}

/* ---- the call */

static int import(struct rpc_call *call, const Cleat__V1__ImportImageRequest__Options *o,
		  const struct feed_source *stream, char id[72], struct err *err)
{
	struct engine *engine = service_engine(call);
	cleanup(fetched_freep) struct fetched *fetched = NULL;
	cleanup_free char *from = str_printf("Imported from %s", o->url[0] ? o->url : "-");
	const Cleat__V1__Platform *platform = o->platform;
	json_t *config = json_object();
	const struct image_import_options options = {
		.reference = o->reference,
		.message = o->message[0] ? o->message : from,
		.config = config,
		.os = platform ? word(platform->os) : NULL,
		.architecture = platform ? word(platform->architecture) : NULL,
		.variant = platform ? word(platform->variant) : NULL,
	};

	int r = from ? changes_apply(config, o->changes, o->n_changes, err)
		     : err_sys(err, ENOMEM, "import");

	if (r == 0 && o->url[0])
		r = fetch(engine, call, o->url, &fetched, err);

	const struct feed_source file = { feed_file_next, fetched ? &fetched->file : NULL };

	r = r ? r : image_import(engine, &options, fetched ? &file : stream, id, err);
	json_decref(config);
	return r;
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
	r = import(call, first.message->options, &source, id, err);
	if (r < 0)
		return r;
	if (first.message->options->reference[0])
		history_tagged(service_engine(call), id, first.message->options->reference);
	history_image_id(service_engine(call), id, "import");
	reply.message_case = CLEAT__V1__IMPORT_IMAGE_REPLY__MESSAGE_IMAGE_ID;
	reply.image_id = id;
	return cleat_v1_images_import_send(io, &reply, err);
}
