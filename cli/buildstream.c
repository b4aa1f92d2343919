/* SPDX-License-Identifier: Apache-2.0 */
/* A tar on stdin is sent as it comes. A directory is listed, and then the engine asks for those files' contents that it
 * needs and does not have. */
#include "buildstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleat/v1/images.rpc.h"
#include "fd.h"
#include "human.h"
#include "msg.h"
#include "str.h"

enum { CHUNK = 64 << 10 };

/* How often progress is shown, by who reads it. */
static const int64_t show_each_ns[] = {
	[BUILDPROGRESS_PLAIN] = 2000000000,
	[BUILDPROGRESS_TTY] = 200000000,
	[BUILDPROGRESS_QUIET] = INT64_MAX,
};

#define CONTEXT_STEP "[internal] load build context"

void buildstream_deinit(struct buildstream *b)
{
	for (size_t i = 0; i < b->n_wanted; i++)
		msg_free(b->wanted[i]);
	free(b->wanted);
	rpc_client_call_closep(&b->call);
	buildprogress_deinit(&b->progress);
	buildsource_deinit(&b->source);
	free(b->image_id);
	*b = BUILDSTREAM_NULL;
}

/* ---- how much was sent */

static void show_sent(struct buildstream *b, bool done)
{
	char sent[HUMAN_MAX], all[HUMAN_MAX], text[160];
	uint64_t listed = b->listing_bytes + b->context.bytes;
	int64_t now = fd_monotonic_ns();

	if (!done && now - b->shown_ns < show_each_ns[b->progress.face])
		return;
	b->shown_ns = now;
	(void)snprintf(text, sizeof(text), "transferring context: %s of %s%s",
		       human_size(b->sent_bytes, 4, sent),
		       /* a file may have grown since */
		       human_size(listed > b->sent_bytes ? listed : b->sent_bytes, 4, all),
		       done ? " done" : "");
	buildprogress_line(&b->progress, CONTEXT_STEP, text);
}

/* Nothing more of the context will be asked for. */
static void end_context(struct buildstream *b)
{
	if (!b->shows_context)
		return;
	show_sent(b, true);
	buildprogress_end(&b->progress, CONTEXT_STEP, b->sent_ns);
	b->shows_context = false;
}

/* ---- what the engine tells */

static int keep_wanted(struct buildstream *b, Cleat__V1__BuildReply **reply, struct err *err)
{
	Cleat__V1__BuildReply **grown =
		realloc(b->wanted, (b->n_wanted + 1) * sizeof(Cleat__V1__BuildReply *));

	if (!grown)
		return err_sys(err, ENOMEM, "build");
	b->wanted = grown;
	b->wanted[b->n_wanted++] = steal(reply);
	return 0;
}

static int take_reply(struct buildstream *b, Cleat__V1__BuildReply **reply, struct err *err)
{
	const Cleat__V1__BuildReply *m = *reply;

	if (m->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_WANTED)
		return keep_wanted(b, reply, err);
	if (m->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_IMAGE_ID) {
		b->image_id = strdup(m->image_id);
		return 0;
	}
	if (m->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_PROGRESS &&
	    strcmp(m->progress->id, "exporting to image") == 0)
		end_context(b);
	buildprogress_show(&b->progress, m);
	return 0;
}

/* The next one: 1; 0 at the end; -EAGAIN when it has not come yet, unless one waits. */
static int take_next(struct buildstream *b, bool wait, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__BuildReply *m = NULL;
	ProtobufCMessage **p = (ProtobufCMessage **)(void *)&m;
	int r = wait ? rpc_client_call_recv(b->call, p, err)
		     : rpc_client_call_try_recv(b->call, p, err);

	if (r <= 0)
		return r;
	r = take_reply(b, &m, err);
	return r ? r : 1;
}

/* ---- what is sent. 1 = the engine has ended early: its status says why. */

static int send_message(struct buildstream *b, const Cleat__V1__BuildRequest *m, struct err *err)
{
	int r = rpc_client_call_send(b->call, &m->base, err);

	if (r == -EPIPE)
		return 1;
	b->sent_ns = fd_monotonic_ns();
	while (r == 0 || r == 1) {
		r = take_next(b, false, err);
		if (r == -EAGAIN)
			return 0;
		if (r == 0)
			return 1;
	}
	return r;
}

static int send_data(struct buildstream *b, const void *data, size_t n, struct err *err)
{
	Cleat__V1__BuildRequest m = CLEAT__V1__BUILD_REQUEST__INIT;

	m.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_DATA;
	m.data.data = (uint8_t *)(uintptr_t)data;
	m.data.len = n;
	return n ? send_message(b, &m, err) : 0;
}

static int send_stdin(struct buildstream *b, struct err *err)
{
	cleanup_free char *block = malloc(CHUNK);
	int r = block ? send_data(b, b->source.head.data, b->source.head.len, err)
		      : err_sys(err, ENOMEM, "build");

	while (r == 0) {
		ssize_t n = read(STDIN_FILENO, block, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read the context from stdin");
		if (n == 0)
			break;
		r = send_data(b, block, (size_t)n, err);
	}
	return r;
}

/* A buildcontext_list_fn. */
static int send_listing(void *ctx, const Cleat__V1__BuildRequest__ContextListing *listing,
			struct err *err)
{
	struct buildstream *b = ctx;
	Cleat__V1__BuildRequest m = CLEAT__V1__BUILD_REQUEST__INIT;

	m.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_LISTING;
	m.listing = (Cleat__V1__BuildRequest__ContextListing *)(uintptr_t)listing;
	size_t n = protobuf_c_message_get_packed_size(&m.base);
	int r = send_message(b, &m, err);

	b->listing_bytes += n;
	b->sent_bytes += n;
	show_sent(b, false);
	return r;
}

static int send_contents(struct buildstream *b, const void *data, size_t n, bool end,
			 struct err *err)
{
	Cleat__V1__BuildRequest__ContextContents contents =
		CLEAT__V1__BUILD_REQUEST__CONTEXT_CONTENTS__INIT;
	Cleat__V1__BuildRequest m = CLEAT__V1__BUILD_REQUEST__INIT;

	contents.data.data = (uint8_t *)(uintptr_t)data;
	contents.data.len = n;
	contents.end = end;
	m.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_CONTENTS;
	m.contents = &contents;
	int r = send_message(b, &m, err);

	b->sent_bytes += n;
	show_sent(b, false);
	return r;
}

/* Less than a chunk at the end alone. -errno. */
static ssize_t read_chunk(int fd, char block[CHUNK])
{
	size_t n = 0;
	ssize_t part;

	while (n < CHUNK && (part = read(fd, block + n, CHUNK - n)) != 0) {
		if (part < 0 && errno != EINTR)
			return -errno;
		n += part > 0 ? (size_t)part : 0;
	}
	return (ssize_t)n;
}

static int send_file(struct buildstream *b, const ProtobufCBinaryData *name, struct err *err)
{
	cleanup_free char *path = strndup((const char *)name->data, name->len);
	cleanup_free char *block = malloc(CHUNK);

	if (!path || !block)
		return err_sys(err, ENOMEM, "build");
	cleanup_fd int fd = buildcontext_open(&b->context, path, err);
	int r = fd < 0 ? fd : 0;

	for (bool end = false; r == 0 && !end;) {
		ssize_t n = read_chunk(fd, block);

		if (n < 0)
			return err_sys(err, (int)n, "error from sender: %.150s", path);
		end = n < CHUNK;
		r = send_contents(b, block, (size_t)n, end, err);
	}
	return r;
}

static int send_wanted(struct buildstream *b, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__BuildReply *m = b->wanted[0];
	int r = 0;

	b->n_wanted--;
	memmove(b->wanted, b->wanted + 1, b->n_wanted * sizeof(Cleat__V1__BuildReply *));
	for (size_t i = 0; r == 0 && i < m->wanted->n_paths; i++)
		r = send_file(b, &m->wanted->paths[i], err);
	return r;
}

/* ---- the whole */

/* 0, or 1 when the engine is done. */
static int wait_for_more(struct buildstream *b, struct err *err)
{
	int r = take_next(b, true, err);

	return r < 0 ? r : r == 0;
}

static int serve_directory(struct buildstream *b, struct err *err)
{
	int r;

	b->context = (struct buildcontext){ b->source.context_fd, &b->source.ignore, 0 };
	buildprogress_begin(&b->progress, CONTEXT_STEP);
	b->shows_context = true;
	b->shown_ns = fd_monotonic_ns();
	r = buildcontext_list(&b->context, send_listing, b, err);
	while (r == 0)
		r = b->n_wanted ? send_wanted(b, err) : wait_for_more(b, err);
	return r < 0 ? r : 0;
}

static int take_rest(struct buildstream *b, struct err *err)
{
	int r;

	while ((r = take_next(b, true, err)) == 1)
		;
	return r;
}

int buildstream_run(struct buildstream *b, struct cli *cli,
		    Cleat__V1__BuildRequest__Options *options, struct err *err)
{
	Cleat__V1__BuildRequest first = CLEAT__V1__BUILD_REQUEST__INIT;
	int r;

	options->listed = b->source.context_fd >= 0;
	first.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_OPTIONS;
	first.options = options;
	r = remote_open(cli, &cleat_v1_images, "Build", NULL, &first.base, &b->call, err);
	if (r == 0 && options->listed)
		r = serve_directory(b, err);
	else if (r == 0 && b->source.stream_stdin)
		r = send_stdin(b, err);
	if (r == 0 && !options->listed)
		r = rpc_client_call_end(b->call, err);
	r = r < 0 && r != -EPIPE ? r : take_rest(b, err);
	end_context(b);
	return r;
}
