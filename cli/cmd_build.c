/* SPDX-License-Identifier: Apache-2.0 */
/* build, builder prune. The context goes to the engine as a tar; what the engine tells comes back meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buildauth.h"
#include "buildcontext.h"
#include "buildflags.h"
#include "buildprogress.h"
#include "buildsource.h"
#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "msg.h"
#include "str.h"

enum { CHUNK = 64 << 10, SECRET_MAX = 1 << 20 };

struct building {
	struct cli *cli;
	const struct flags *flags;
	Cleat__V1__BuildRequest__Options *options;
	struct rpc_client_call *call;
	struct buildprogress progress;
	struct buildsource source;
	char *image_id;
};

static void building_deinit(struct building *b)
{
	msg_free(b->options);
	rpc_client_call_closep(&b->call);
	buildprogress_deinit(&b->progress);
	buildsource_deinit(&b->source);
	free(b->image_id);
}

/* ---- the stream */

static int take_reply(struct building *b, const Cleat__V1__BuildReply *reply)
{
	if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_IMAGE_ID)
		b->image_id = strdup(reply->image_id);
	else
		buildprogress_show(&b->progress, reply);
	return 0;
}

/* What has come; with `wait` until the end. 1 = goes on, 0 = ended. */
static int take_replies(struct building *b, bool wait, struct err *err)
{
	for (;;) {
		cleanup(msg_freep) Cleat__V1__BuildReply *m = NULL;
		ProtobufCMessage **p = (ProtobufCMessage **)(void *)&m;
		int r = wait ? rpc_client_call_recv(b->call, p, err)
			     : rpc_client_call_try_recv(b->call, p, err);

		if (r == -EAGAIN)
			return 1;
		if (r <= 0)
			return r;
		take_reply(b, m);
	}
}

/* A buildcontext_sink. An engine that has ended early says why in its status. */
static int send_data(void *ctx, const void *data, size_t n, struct err *err)
{
	struct building *b = ctx;
	Cleat__V1__BuildRequest m = CLEAT__V1__BUILD_REQUEST__INIT;
	int r = 0;

	for (size_t done = 0; r == 0 && done < n; done += CHUNK) {
		m.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_DATA;
		m.data.data = (uint8_t *)(uintptr_t)data + done;
		m.data.len = n - done < CHUNK ? n - done : CHUNK;
		r = rpc_client_call_send(b->call, &m.base, err);
	}
	if (r == -EPIPE)
		return 1;
	if (r < 0)
		return r;
	r = take_replies(b, false, err);
	return r == 1 ? 0 : r == 0 ? 1 : r;
}

static int send_stdin(struct building *b, struct err *err)
{
	cleanup_free char *block = malloc(CHUNK);
	int r = block ? send_data(b, b->source.head.data, b->source.head.len, err) : -ENOMEM;

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

static int run_stream(struct building *b, struct err *err)
{
	Cleat__V1__BuildRequest first = CLEAT__V1__BUILD_REQUEST__INIT;
	int r;

	first.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_OPTIONS;
	first.options = b->options;
	r = remote_open(b->cli, &cleat_v1_images, "Build", NULL, &first.base, &b->call, err);
	if (r == 0 && b->source.stream_stdin)
		r = send_stdin(b, err);
	else if (r == 0 && b->source.context_fd >= 0)
		r = buildcontext_pack(b->source.context_fd, &b->source.ignore, send_data, b, err);
	if (r == 0)
		r = rpc_client_call_end(b->call, err);
	if (r == -EPIPE)
		r = 0;
	return r < 0 ? r : take_replies(b, true, err);
}

/* ---- the command */

static char *read_file(const char *path, size_t *n, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, path, SECRET_MAX, &text);

	if (r < 0) {
		err_sys(err, r, "read %.120s", path);
		return NULL;
	}
	*n = text.len;
	return buf_steal(&text);
}

static int choose_progress(struct building *b, struct err *err)
{
	static const struct {
		const char *word;
		enum buildprogress_face face;
	} faces[] = {
		{ "plain", BUILDPROGRESS_PLAIN },
		{ "tty", BUILDPROGRESS_TTY },
		{ "quiet", BUILDPROGRESS_QUIET },
	};
	const char *progress = str_or_empty(flags_text(b->flags, "progress"));

	b->progress.face = b->options->quiet       ? BUILDPROGRESS_QUIET
			   : isatty(STDERR_FILENO) ? BUILDPROGRESS_TTY
						   : BUILDPROGRESS_PLAIN;
	if (!progress[0] || strcmp(progress, "auto") == 0 || b->options->quiet)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(faces); i++)
		if (strcmp(faces[i].word, progress) == 0) {
			b->progress.face = faces[i].face;
			b->options->quiet = faces[i].face == BUILDPROGRESS_QUIET;
			return 0;
		}
	return err_set(err, ERR_INVALID, "invalid progress mode %.40s", progress);
}

static int write_id(struct building *b, struct err *err)
{
	const char *file = flags_text(b->flags, "iidfile");
	int r = 0;

	if (!b->image_id)
		return err_set(err, ERR_INTERNAL, "the engine ended the build without an image");
	if (b->options->quiet)
		printf("%s\n", b->image_id);
	if (file)
		r = fd_replace_file(AT_FDCWD, file, b->image_id, strlen(b->image_id), 0644, false);
	return r < 0 ? err_sys(err, r, "write %.120s", file) : 0;
}

/* When this build fails, no script may take the id of an earlier one for its own. */
static int drop_old_id(const struct flags *flags, struct err *err)
{
	const char *file = flags_text(flags, "iidfile");

	return file && unlink(file) < 0 && errno != ENOENT
		       ? err_sys(err, errno, "remove %.120s", file)
		       : 0;
}

static int run_build(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct buildflags_source source = { getenv, read_file };
	cleanup(building_deinit) struct building b = { .cli = cli,
						       .flags = flags,
						       .source = BUILDSOURCE_NULL };
	int r = buildflags_options(flags, &source, &b.options, err);

	r = r ? r : choose_progress(&b, err);
	r = r ? r
	      : buildsource_open(&b.source, flags->args[0], flags_text(flags, "file"), b.options,
				 err);
	if (r == 0 && b.options->dockerfile_text.len)
		r = buildauth_add(b.options, err);
	r = r ? r : drop_old_id(flags, err);
	r = r ? r : run_stream(&b, err);
	return r ? r : write_id(&b, err);
}

static bool confirmed(bool all)
{
	char line[16] = "";

	printf("WARNING! This will remove all %sbuild cache.\n"
	       "Are you sure you want to continue? [y/N] ",
	       all ? "" : "dangling ");
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int run_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__PruneBuildCacheRequest req = CLEAT__V1__PRUNE_BUILD_CACHE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneBuildCacheReply *reply = NULL;
	char size[HUMAN_MAX];
	bool all = flags_switch(flags, "all");
	int r;

	if (!flags_switch(flags, "force") && !confirmed(all))
		return 0;
	r = cli_filters(flags, &req.filters, &req.n_filters, err);
	req.all = all;
	r = r ? r : remote_call(cli, &cleat_v1_images, "PruneBuildCache", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	for (size_t i = 0; r == 0 && i < reply->n_ids; i++)
		printf("%s\n", reply->ids[i]);
	if (r == 0)
		printf("Total reclaimed space: %s\n", human_size(reply->reclaimed_bytes, 4, size));
	return r;
}

static const struct flag prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused build cache, not just dangling ones" },
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. until=24h)" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};

const struct command cmd_build_table[] = {
	{ "image", "build", "build", "[OPTIONS] PATH | URL | -", "Build an image from a Dockerfile",
	  buildflags_table, 1, 1, false, run_build },
	{ "builder", "build", NULL, "[OPTIONS] PATH | URL | -", "Build an image from a Dockerfile",
	  buildflags_table, 1, 1, false, run_build },
	{ "builder", "prune", NULL, "[OPTIONS]", "Remove build cache", prune_flags, 0, 0, false,
	  run_prune },
	{ 0 },
};
