/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of its own feeds the context to the build as it comes, through a socket, and, of a listed one, the
 * contents that were asked for; whatever is told the client is sent by the build's threads, one at a time. */
#include "imagebuild.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "buf.h"
#include "build.h"
#include "cache.h"
#include "cachekeep.h"
#include "container/history.h"
#include "contentcache.h"
#include "contents.h"
#include "fd.h"
#include "reference.h"
#include "service.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

struct feed {
	struct rpc_call *call;
	struct cleat_v1_images_build_stream *io;
	struct contents *contents; /* of a listed context; NULL = it comes whole */
	int fd;                    /* takes the context's tar; -1 once nobody reads */
	int stop_fd;               /* an eventfd: nothing of the client matters any more */
	int result;                /* what was wrong with what came */
	struct err err;
};

static void write_data(struct feed *f, const void *data, size_t len)
{
	for (size_t done = 0; f->fd >= 0 && done < len;) {
		ssize_t n = send(f->fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			close(f->fd);
			f->fd = -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
}

/* An error of the client's; it ends the build. */
static int feed_one(struct feed *f, const Cleat__V1__BuildRequest *msg, struct err *err)
{
	switch (msg->message_case) {
	case CLEAT__V1__BUILD_REQUEST__MESSAGE_DATA:
		if (!f->contents)
			write_data(f, msg->data.data, msg->data.len);
		return 0;
	case CLEAT__V1__BUILD_REQUEST__MESSAGE_LISTING:
		return f->contents ? contents_list(f->contents, msg->listing, err) : 0;
	case CLEAT__V1__BUILD_REQUEST__MESSAGE_CONTENTS:
		return f->contents ? contents_take(f->contents, msg->contents->data.data,
						   msg->contents->data.len, msg->contents->end, err)
				   : 0;
	default:
		return 0;
	}
}

/* 1 with a message, 0 at the end: the client's, the call's, or when the build is done. */
static int next_message(struct feed *f, Cleat__V1__BuildRequest **msg)
{
	struct pollfd fds[] = { { .fd = rpc_call_recv_fd(f->call), .events = POLLIN },
				{ .fd = f->stop_fd, .events = POLLIN } };
	int r;

	while ((r = cleat_v1_images_build_try_recv(f->io, msg, NULL)) == -EAGAIN) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return 0;
		if (fds[1].revents)
			return 0;
	}
	return r == 1;
}

static void *feed_main(void *ctx)
{
	struct feed *f = ctx;
	Cleat__V1__BuildRequest *msg = NULL;
	int r = 0;

	while (r == 0 && next_message(f, &msg)) {
		r = feed_one(f, msg, &f->err);
		cleat__v1__build_request__free_unpacked(msg, NULL);
	}
	f->result = r;
	closep(&f->fd);
	f->fd = -1;
	if (f->contents)
		contents_close(f->contents);
	return NULL;
}

/* ---- what is told */

static const char *const words[] = {
	[BUILD_BEGIN] = "BEGIN",
	[BUILD_CACHED] = "CACHED",
	[BUILD_DONE] = "DONE",
	[BUILD_FAILED] = "ERROR",
};

static int tell_output(struct cleat_v1_images_build_stream *io, const struct build_event *e,
		       struct err *err)
{
	Cleat__V1__BuildReply__Output output = CLEAT__V1__BUILD_REPLY__OUTPUT__INIT;
	Cleat__V1__BuildReply reply = CLEAT__V1__BUILD_REPLY__INIT;
	bool note = e->kind == BUILD_NOTE;

	output.step = TEXT_OF(note ? "" : e->step);
	output.stream = (Cleat__V1__OutputStream)(note ? 2 : e->stream);
	output.data.data = (uint8_t *)TEXT_OF(note ? e->step : e->data);
	output.data.len = note ? strlen(e->step) : e->len;
	reply.message_case = CLEAT__V1__BUILD_REPLY__MESSAGE_OUTPUT;
	reply.output = &output;
	return cleat_v1_images_build_send(io, &reply, err);
}

static int tell_wanted(struct cleat_v1_images_build_stream *io, const struct build_event *e,
		       struct err *err)
{
	Cleat__V1__BuildReply__ContextWanted wanted = CLEAT__V1__BUILD_REPLY__CONTEXT_WANTED__INIT;
	Cleat__V1__BuildReply reply = CLEAT__V1__BUILD_REPLY__INIT;
	const char *end = (const char *)e->data + e->len;
	size_t n = 0;

	for (const char *p = e->data; p < end; p += strlen(p) + 1)
		n++;
	cleanup_free ProtobufCBinaryData *paths = calloc(n + 1, sizeof(*paths));

	if (!paths)
		return err_sys(err, ENOMEM, "build");
	for (const char *p = e->data; p < end; p += strlen(p) + 1)
		paths[wanted.n_paths++] = (ProtobufCBinaryData){ strlen(p), (uint8_t *)TEXT_OF(p) };
	wanted.paths = paths;
	reply.message_case = CLEAT__V1__BUILD_REPLY__MESSAGE_WANTED;
	reply.wanted = &wanted;
	return cleat_v1_images_build_send(io, &reply, err);
}

static int tell(void *ctx, const struct build_event *e, struct err *err)
{
	Cleat__V1__Progress progress = CLEAT__V1__PROGRESS__INIT;
	Cleat__V1__BuildReply reply = CLEAT__V1__BUILD_REPLY__INIT;

	if (e->kind == BUILD_OUTPUT || e->kind == BUILD_NOTE)
		return tell_output(ctx, e, err);
	if (e->kind == BUILD_WANTED)
		return tell_wanted(ctx, e, err);
	progress.id = TEXT_OF(e->step);
	progress.status = TEXT_OF(words[e->kind]);
	reply.message_case = CLEAT__V1__BUILD_REPLY__MESSAGE_PROGRESS;
	reply.progress = &progress;
	return cleat_v1_images_build_send(ctx, &reply, err);
}

/* ---- the call */

/* The step that every build ends with. */
static int tell_image(struct cleat_v1_images_build_stream *io, const char *id,
		      const Cleat__V1__BuildRequest__Options *request, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct build_event e = { .kind = BUILD_BEGIN, .step = "exporting to image", .stream = 1 };
	char full[REFERENCE_MAX];
	struct reference ref;
	int r = tell(io, &e, err);

	buf_printf(&text, "writing image %s done\n", id);
	for (size_t i = 0; i < request->n_tags; i++)
		if (reference_parse(request->tags[i], &ref, NULL) == 0) {
			reference_full(&ref, full);
			buf_printf(&text, "naming to %s done\n", full);
		}
	e.kind = BUILD_OUTPUT;
	e.data = str_or_empty(text.data);
	e.len = text.len;
	r = r ? r : tell(io, &e, err);
	e.kind = BUILD_DONE;
	return r ? r : tell(io, &e, err);
}

static int send_id(struct engine *engine, struct cleat_v1_images_build_stream *io, const char *id,
		   const Cleat__V1__BuildRequest__Options *request, struct err *err)
{
	Cleat__V1__BuildReply reply = CLEAT__V1__BUILD_REPLY__INIT;
	int r = request->quiet ? 0 : tell_image(io, id, request, err);

	for (size_t i = 0; i < request->n_tags; i++)
		history_tagged(engine, id, request->tags[i]);
	reply.message_case = CLEAT__V1__BUILD_REPLY__MESSAGE_IMAGE_ID;
	reply.image_id = TEXT_OF(id);
	return r ? r : cleat_v1_images_build_send(io, &reply, err);
}

static void stop_feed(struct feed *feed, pthread_t thread, int in_fd)
{
	const uint64_t one = 1;

	(void)shutdown(in_fd, SHUT_RDWR); /* the feeder's sends fail from here on */
	(void)!write(feed->stop_fd, &one, sizeof(one));
	pthread_join(thread, NULL);
}

static int build(struct feed *feed, const Cleat__V1__BuildRequest__Options *request, int in_fd,
		 struct err *err)
{
	const struct build_options options = { .request = request,
					       .tell = tell,
					       .ctx = feed->io,
					       .cancel_fd = rpc_call_cancel_fd(feed->call),
					       .contents = feed->contents };
	struct engine *engine = service_engine(feed->call);
	pthread_t thread;
	char id[72];
	int r = pthread_create(&thread, NULL, feed_main, feed);

	if (r != 0) {
		closep(&feed->fd);
		return err_sys(err, r, "start a thread");
	}
	r = build_image(engine, &options, in_fd, id, err);
	stop_feed(feed, thread, in_fd);
	if (r == 0)
		return send_id(engine, feed->io, id, request, err);
	if (feed->result < 0 && err)
		*err = feed->err; /* what came was wrong: the build only saw that it ended */
	return r;
}

static int serve(struct rpc_call *call, struct cleat_v1_images_build_stream *io,
		 const Cleat__V1__BuildRequest *first, struct err *err)
{
	struct feed feed = { .call = call, .io = io, .err = ERR_NULL };
	cleanup(contents_freep) struct contents *contents = NULL;
	int pair[2], r = 0;

	if (!first || first->message_case != CLEAT__V1__BUILD_REQUEST__MESSAGE_OPTIONS)
		return err_set(err, ERR_INVALID, "build: the first message must be options");
	if (first->options->listed)
		r = contents_new(&contents, service_engine(call), err);
	if (r < 0)
		return r;
	cleanup_fd int stop = eventfd(0, EFD_CLOEXEC);

	if (stop < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socketpair");
	cleanup_fd int in = pair[0];

	feed.fd = pair[1];
	feed.stop_fd = stop;
	feed.contents = contents;
	return build(&feed, first->options, in, err);
}

int imagebuild(struct rpc_call *call, struct cleat_v1_images_build_stream *io, struct err *err)
{
	Cleat__V1__BuildRequest *first = NULL;
	int r = cleat_v1_images_build_recv(io, &first, err);

	if (r >= 0)
		r = serve(call, io, first, err);
	if (first)
		cleat__v1__build_request__free_unpacked(first, NULL);
	return r;
}

/* ---- prune */

static int read_until(const Cleat__V1__PruneBuildCacheRequest *req, int64_t *until_ns,
		      struct err *err)
{
	for (size_t i = 0; i < req->n_filters; i++) {
		const Cleat__V1__Filter *f = req->filters[i];

		if (strcmp(f->key, "until") != 0 || f->n_values != 1 ||
		    str_until_ns(f->values[0], fd_realtime_ns(), until_ns) < 0)
			return err_set(err, ERR_INVALID, "invalid filter '%.60s'", f->key);
	}
	return 0;
}

int imagebuild_prune(struct rpc_call *call, const Cleat__V1__PruneBuildCacheRequest *req,
		     Cleat__V1__PruneBuildCacheReply *reply, struct err *err)
{
	cleanup(strings_deinit) struct strings keys = { 0 };
	struct cache_prune options = { .all = req->all };
	struct engine *engine = service_engine(call);
	int r = read_until(req, &options.until_ns, err);

	if (r == 0 && req->keep_bytes)
		r = cachekeep_narrow(engine, &options, req->keep_bytes, err);
	r = r ? r : cache_prune(engine, &options, &keys, &reply->reclaimed_bytes, err);
	r = r ? r : contentcache_prune(engine, options.until_ns, &reply->reclaimed_bytes, err);
	if (r == 0) {
		history_pruned(engine, "builder", reply->reclaimed_bytes);
		reply->ids = keys.v;
		reply->n_ids = keys.n;
		keys = (struct strings){ 0 };
	}
	return r;
}
