/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends is fed to the loading worker through a socket, as it comes, by a thread of its
 * own; that thread tells the progress too. Once it is done the caller's thread sends what was loaded,
 * so that there is one sender at a time. */
#include "imageload.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "container/history.h"
#include "fd.h"
#include "image.h"
#include "imageview.h"
#include "service.h"
#include "str.h"

enum { PROGRESS_NS = 200000000 };

struct feed {
	struct cleat_v1_images_load_stream *io;
	const Cleat__V1__LoadImageRequest__Options *options; /* NULL: none were sent */
	int fd;                                              /* the socket; -1 once nobody reads */
	int result;
	uint64_t bytes;
	int64_t told_ns;
	struct err err;
};

static void write_data(struct feed *f, const ProtobufCBinaryData *data)
{
	for (size_t done = 0; f->fd >= 0 && done < data->len;) {
		ssize_t n = send(f->fd, data->data + done, data->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			close(f->fd);
			f->fd = -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	f->bytes += data->len;
}

static void tell_progress(struct feed *f)
{
	Cleat__V1__LoadImageReply reply = CLEAT__V1__LOAD_IMAGE_REPLY__INIT;
	Cleat__V1__Progress progress = CLEAT__V1__PROGRESS__INIT;
	int64_t now = fd_monotonic_ns();

	if (!f->options || f->options->quiet || now - f->told_ns < PROGRESS_NS)
		return;
	f->told_ns = now;
	progress.status = (char *)(uintptr_t) "Loading";
	progress.current_bytes = f->bytes;
	reply.message_case = CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_PROGRESS;
	reply.progress = &progress;
	(void)!cleat_v1_images_load_send(f->io, &reply, NULL);
}

static void *feed_main(void *ctx)
{
	struct feed *f = ctx;
	Cleat__V1__LoadImageRequest *msg = NULL;

	while ((f->result = cleat_v1_images_load_recv(f->io, &msg, &f->err)) == 1) {
		if (msg->message_case == CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_DATA) {
			write_data(f, &msg->data);
			tell_progress(f);
		}
		cleat__v1__load_image_request__free_unpacked(msg, NULL);
	}
	closep(&f->fd);
	return NULL;
}

struct loaded {
	struct engine *engine;
	struct cleat_v1_images_load_stream *io;
	pthread_t *feeder; /* NULL once it has ended */
};

static void join(struct loaded *l)
{
	if (l->feeder)
		pthread_join(*l->feeder, NULL);
	l->feeder = NULL;
}

static int send_loaded(void *ctx, const char *id, const struct strings *tags)
{
	struct loaded *l = ctx;
	Cleat__V1__LoadImageReply reply = CLEAT__V1__LOAD_IMAGE_REPLY__INIT;
	Cleat__V1__LoadImageReply__Loaded loaded = CLEAT__V1__LOAD_IMAGE_REPLY__LOADED__INIT;
	int r = imageview_tags(tags, &loaded.tags, &loaded.n_tags);

	join(l);
	history_image_id(l->engine, id, "load");
	loaded.image_id = (char *)(uintptr_t)id;
	reply.message_case = CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_LOADED;
	reply.loaded = &loaded;
	r = r ? r : cleat_v1_images_load_send(l->io, &reply, NULL);
	for (size_t i = 0; i < loaded.n_tags; i++)
		free(loaded.tags[i]);
	free(loaded.tags);
	return r;
}

static const char *word(const char *text)
{
	return text && text[0] ? text : NULL;
}

static int load(struct engine *engine, struct feed *feed, int in_fd, struct err *err)
{
	const Cleat__V1__Platform *platform = feed->options ? feed->options->platform : NULL;
	pthread_t thread;
	struct loaded loaded = { engine, feed->io, &thread };
	const struct image_load_options options = {
		.os = platform ? word(platform->os) : NULL,
		.architecture = platform ? word(platform->architecture) : NULL,
		.loaded = send_loaded,
		.ctx = &loaded,
	};
	int r = pthread_create(&thread, NULL, feed_main, feed);

	if (r != 0) {
		closep(&feed->fd);
		return err_sys(err, r, "start a thread");
	}
	r = image_load(engine, in_fd, &options, err);
	(void)shutdown(in_fd, SHUT_RDWR); /* the feeder's sends fail from here on */
	join(&loaded);
	return r;
}

int imageload(struct rpc_call *call, struct cleat_v1_images_load_stream *io, struct err *err)
{
	Cleat__V1__LoadImageRequest *first = NULL;
	struct feed feed = { .io = io, .told_ns = fd_monotonic_ns(), .fd = -1 };
	int pair[2], r = cleat_v1_images_load_recv(io, &first, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		r = err_sys(err, errno, "socketpair");
	} else {
		cleanup_fd int in = pair[0];

		feed.fd = pair[1];
		if (r == 1 && first->message_case == CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_OPTIONS)
			feed.options = first->options;
		else if (r == 1)
			r = err_set(err, ERR_INVALID, "load: the first message must be options");
		if (r == 0)
			r = err_set(err, ERR_INVALID, "load: nothing was sent");
		if (r < 0)
			closep(&feed.fd);
		else
			r = load(service_engine(call), &feed, in, err);
	}
	if (first)
		cleat__v1__load_image_request__free_unpacked(first, NULL);
	return r;
}
