/* SPDX-License-Identifier: Apache-2.0 */
/* Service Images: what is loaded is fed to a worker through a socket, as its bytes come. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cleat/v1/images.rpc.h"
#include "image.h"
#include "record.h"
#include "reference.h"
#include "service.h"
#include "status.h"
#include "str.h"

/* Familiar names of an image, owned, for a reply. */
static int copy_tags(const struct strings *tags, char ***out, size_t *n)
{
	char shown[REFERENCE_MAX], full[REFERENCE_MAX];
	struct reference ref;

	*out = calloc(tags->n + 1, sizeof(**out));
	for (size_t i = 0; *out && i < tags->n; i++) {
		snprintf(full, sizeof(full), "%s", tags->v[i]);
		if (reference_parse(full, &ref, NULL) == 0)
			reference_full(&ref, full);
		reference_familiar(full, shown);
		(*out)[*n] = strdup(shown);
		if (!(*out)[*n])
			return -ENOMEM;
		(*n)++;
	}
	return *out ? 0 : -ENOMEM;
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListImagesRequest *req,
		   Cleat__V1__ListImagesReply *reply, struct err *err)
{
	struct image *images = NULL;
	size_t n = 0;

	if (req->n_filters)
		return err_set(err, ERR_UNIMPLEMENTED, "filters of images are not built yet");
	int r = image_list(service_engine(call), &images, &n, err);

	reply->images = calloc(n + 1, sizeof(*reply->images));
	for (size_t i = 0; i < n; i++) {
		Cleat__V1__ImageSummary *s = malloc(sizeof(*s));

		if (r == 0 && s && reply->images) {
			cleat__v1__image_summary__init(s);
			s->id = strdup(images[i].id);
			s->created_ns = images[i].created_ns;
			s->size_bytes = images[i].size_bytes;
			r = copy_tags(&images[i].tags, &s->tags, &s->n_tags);
			reply->images[reply->n_images++] = s;
		}
		image_deinit(&images[i]);
	}
	free(images);
	return r;
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectImageRequest *req,
		      Cleat__V1__ImageDetails *reply, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = image_find(service_engine(call), req->image, &image, err);

	if (r < 0)
		return r;
	reply->id = strdup(image.id);
	reply->created_ns = image.created_ns;
	reply->size_bytes = image.size_bytes;
	reply->layer_driver = strdup(layers_driver(service_engine(call)->layers));
	reply->config_json.data = (uint8_t *)steal(&image.config_json);
	reply->config_json.len = image.config_len;
	reply->layers = image.config.diff_ids.v;
	reply->n_layers = image.config.diff_ids.n;
	image.config.diff_ids = (struct strings){ 0 };
	return copy_tags(&image.tags, &reply->tags, &reply->n_tags);
}

static int on_tag(struct rpc_call *call, const Cleat__V1__TagImageRequest *req,
		  Cleat__V1__TagImageReply *reply, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = image_find(service_engine(call), req->image, &image, err);

	(void)reply;
	return r ? r : image_tag(service_engine(call), image.id, req->reference, err);
}

static bool is_running(void *ctx, const char *id)
{
	const struct engine *engine = ctx;
	struct record record = { 0 };
	struct status status;
	bool runs = false;

	if (record_find(engine->store, id, &record, NULL) == 0) {
		status_read(engine, &record, &status);
		runs = status_active(&status);
	}
	record_deinit(&record);
	return runs;
}

static int on_remove(struct rpc_call *call, const Cleat__V1__RemoveImageRequest *req,
		     Cleat__V1__RemoveImageReply *reply, struct err *err)
{
	cleanup(strings_deinit) struct strings changes = { 0 };
	const struct image_remove_options options = { req->force, is_running,
						      service_engine(call) };
	int r = image_remove(service_engine(call), req->image, &options, &changes, err);

	reply->changes = calloc(changes.n + 1, sizeof(*reply->changes));
	for (size_t i = 0; r == 0 && reply->changes && i < changes.n; i++) {
		Cleat__V1__RemoveImageReply__Change *c = malloc(sizeof(*c));

		if (!c)
			return -ENOMEM;
		cleat__v1__remove_image_reply__change__init(c);
		if (str_has_prefix(changes.v[i], "untagged "))
			c->untagged = strdup(changes.v[i] + 9);
		else
			c->deleted = strdup(changes.v[i] + 8);
		reply->changes[reply->n_changes++] = c;
	}
	return r;
}

/* The call's bytes go into the socket from a thread of their own, as loading reads them. */
struct feed {
	struct cleat_v1_images_load_stream *io;
	int fd, result;
	struct err err;
};

static void *feed_main(void *ctx)
{
	struct feed *f = ctx;
	Cleat__V1__LoadImageRequest *msg = NULL;

	while ((f->result = cleat_v1_images_load_recv(f->io, &msg, &f->err)) == 1) {
		bool data = msg->message_case == CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_DATA;

		for (size_t done = 0; data && f->fd >= 0 && done < msg->data.len;) {
			ssize_t n = send(f->fd, msg->data.data + done, msg->data.len - done,
					 MSG_NOSIGNAL);

			if (n < 0 && errno != EINTR) {
				close(f->fd);
				f->fd = -1;
				break;
			}
			done += n > 0 ? (size_t)n : 0;
		}
		cleat__v1__load_image_request__free_unpacked(msg, NULL);
	}
	if (f->fd >= 0)
		close(f->fd);
	return NULL;
}

static int send_loaded(void *ctx, const char *id, const struct strings *tags)
{
	Cleat__V1__LoadImageReply reply = CLEAT__V1__LOAD_IMAGE_REPLY__INIT;
	Cleat__V1__LoadImageReply__Loaded loaded = CLEAT__V1__LOAD_IMAGE_REPLY__LOADED__INIT;
	int r = copy_tags(tags, &loaded.tags, &loaded.n_tags);

	loaded.image_id = (char *)id;
	reply.message_case = CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_LOADED;
	reply.loaded = &loaded;
	r = r ? r : cleat_v1_images_load_send(ctx, &reply, NULL);
	for (size_t i = 0; i < loaded.n_tags; i++)
		free(loaded.tags[i]);
	free(loaded.tags);
	return r;
}

static int on_load(struct rpc_call *call, struct cleat_v1_images_load_stream *io, struct err *err)
{
	int pair[2];
	pthread_t thread;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socketpair");
	struct feed feed = { .io = io, .fd = pair[1] };
	int r = pthread_create(&thread, NULL, feed_main, &feed);

	if (r != 0) {
		close(pair[0]);
		close(pair[1]);
		return err_sys(err, r, "start a thread");
	}
	const struct image_load_options options = { .loaded = send_loaded, .ctx = io };

	r = image_load(service_engine(call), pair[0], &options, err);
	close(pair[0]);
	pthread_join(thread, NULL);
	return r;
}

static const struct cleat_v1_images_ops ops = {
	.list = on_list,
	.inspect = on_inspect,
	.tag = on_tag,
	.remove = on_remove,
	.load = on_load,
};

int service_register_images(struct rpc_server *server)
{
	return cleat_v1_images_register(server, &ops);
}
