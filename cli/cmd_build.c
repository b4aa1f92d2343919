/* SPDX-License-Identifier: Apache-2.0 */
/* build, builder prune. The Dockerfile is read here and sent by its text, so that it may be anywhere; the
 * context follows as a tar while the engine begins with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buildcontext.h"
#include "buildflags.h"
#include "buildprogress.h"
#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "ignore.h"
#include "msg.h"
#include "str.h"

enum { CHUNK = 64 << 10, DOCKERFILE_MAX = 4 << 20, SECRET_MAX = 1 << 20, HEAD = 512 };

struct building {
	struct cli *cli;
	const struct flags *flags;
	Cleat__V1__BuildRequest__Options *options;
	struct rpc_client_call *call;
	struct buildprogress progress;
	struct ignore ignore;
	char *image_id;
	int context_fd;    /* a directory, -1 = none */
	bool stream_stdin; /* the context is a tar on stdin ... */
	struct buf head;   /* ... of which this was read */
};

static void building_deinit(struct building *b)
{
	msg_free(b->options);
	rpc_client_call_closep(&b->call);
	buildprogress_deinit(&b->progress);
	ignore_deinit(&b->ignore);
	buf_deinit(&b->head);
	closep(&b->context_fd);
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
	int r = block ? send_data(b, b->head.data, b->head.len, err) : -ENOMEM;

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
	if (r == 0 && b->stream_stdin)
		r = send_stdin(b, err);
	else if (r == 0 && b->context_fd >= 0)
		r = buildcontext_pack(b->context_fd, &b->ignore, send_data, b, err);
	if (r == 0)
		r = rpc_client_call_end(b->call, err);
	if (r == -EPIPE)
		r = 0;
	return r < 0 ? r : take_replies(b, true, err);
}

/* ---- Dockerfile and context */

static int set_dockerfile(struct building *b, const struct buf *text, struct err *err)
{
	uint8_t *copy = malloc(text->len + 1);

	if (!copy)
		return err_sys(err, ENOMEM, "build");
	if (text->len == 0) {
		free(copy);
		return err_set(err, ERR_INVALID, "the Dockerfile cannot be empty");
	}
	memcpy(copy, text->data, text->len);
	b->options->dockerfile_text.data = copy;
	b->options->dockerfile_text.len = text->len;
	return 0;
}

static int read_stdin(struct buf *out, size_t max, struct err *err)
{
	int r = 0;

	while (r == 0 && out->len < max) {
		if (buf_reserve(out, 4096) < 0)
			return err_sys(err, ENOMEM, "read stdin");
		size_t want = max - out->len < 4096 ? max - out->len : 4096;
		ssize_t n = read(STDIN_FILENO, out->data + out->len, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(err, errno, "read stdin") : 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return r;
}

static bool is_archive(const struct buf *head)
{
	static const char *const magics[] = { "\x1f\x8b", "BZh",
					      "\xfd"
					      "7zXZ",
					      "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (head->len >= strlen(magics[i]) &&
		    memcmp(head->data, magics[i], strlen(magics[i])) == 0)
			return true;
	return head->len == HEAD && (memcmp(head->data + 257, "ustar", 5) == 0 ||
				     memchr(head->data, '\0', HEAD) != NULL);
}

/* "-": a tar is the context, anything else the Dockerfile of a build without one. */
static int take_stdin(struct building *b, struct err *err)
{
	const char *file = flags_text(b->flags, "file");
	int r = read_stdin(&b->head, HEAD, err);

	if (r < 0)
		return r;
	if (is_archive(&b->head)) {
		b->stream_stdin = true;
		return msg_set(&b->options->dockerfile, str_or_empty(file))
			       ? 0
			       : err_sys(err, ENOMEM, "build");
	}
	if (file)
		return err_set(err, ERR_INVALID,
			       "ambiguous Dockerfile source: both stdin and flag correspond to "
			       "Dockerfiles");
	r = read_stdin(&b->head, DOCKERFILE_MAX, err);
	return r ? r : set_dockerfile(b, &b->head, err);
}

/* The file of that name in a directory; 1 when it is not there. */
static int read_ignore_at(struct building *b, int dir_fd, const char *name, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(dir_fd, name, DOCKERFILE_MAX, &text);

	if (r == -ENOENT)
		return 1;
	if (r < 0)
		return err_sys(err, r, "read %.100s", name);
	r = ignore_parse(str_or_empty(text.data), text.len, &b->ignore, err);
	return r < 0 ? err_wrap(err, r, "%.100s", name) : 0;
}

static int read_ignore(struct building *b, const char *dockerfile, struct err *err)
{
	cleanup_free char *own = dockerfile ? str_printf("%s.dockerignore", dockerfile) : NULL;
	int r = own ? read_ignore_at(b, AT_FDCWD, own, err) : 1;

	r = r == 1 ? read_ignore_at(b, b->context_fd, ".dockerignore", err) : r;
	return r == 1 ? 0 : r;
}

static int read_dockerfile(struct building *b, const char *path, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r;

	if (strcmp(path, "-") == 0)
		r = read_stdin(&text, DOCKERFILE_MAX, err);
	else
		r = fd_read_file(AT_FDCWD, path, DOCKERFILE_MAX, &text);
	if (r == -ENOENT)
		return err_set(err, ERR_INVALID,
			       "unable to prepare context: unable to evaluate symlinks in "
			       "Dockerfile path: lstat %.120s: no such file or directory",
			       path);
	if (r < 0)
		return err_sys(err, r, "read %.120s", path);
	return set_dockerfile(b, &text, err);
}

/* A name with -f is of the working directory, or else of the context, as Docker takes it. */
static char *find_dockerfile(const struct building *b, const char *dir)
{
	const char *file = flags_text(b->flags, "file");

	if (!file || !file[0])
		return str_path(dir, "Dockerfile");
	if (strcmp(file, "-") != 0 && file[0] != '/' && access(file, F_OK) < 0)
		return str_path(dir, file);
	return strdup(file);
}

static int take_directory(struct building *b, const char *dir, struct err *err)
{
	cleanup_free char *dockerfile = find_dockerfile(b, dir);
	int r;

	b->context_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->context_fd < 0)
		return err_set(err, ERR_INVALID,
			       errno == ENOENT
				       ? "unable to prepare context: path \"%.120s\" not found"
				       : "unable to prepare context: \"%.120s\" is no directory",
			       dir);
	if (!dockerfile)
		return err_sys(err, ENOMEM, "build");
	r = read_dockerfile(b, dockerfile, err);
	return r ? r : read_ignore(b, strcmp(dockerfile, "-") ? dockerfile : NULL, err);
}

static bool is_url(const char *text)
{
	return str_has_prefix(text, "http://") || str_has_prefix(text, "https://") ||
	       str_has_prefix(text, "git@") || str_has_prefix(text, "git://");
}

static int prepare(struct building *b, const char *context, struct err *err)
{
	const char *file = flags_text(b->flags, "file");

	if (strcmp(context, "-") == 0)
		return file && strcmp(file, "-") == 0
			       ? err_set(err, ERR_INVALID,
					 "invalid argument: can't use stdin for both build context "
					 "and dockerfile")
			       : take_stdin(b, err);
	if (is_url(context))
		return msg_set(&b->options->remote, context) &&
				       msg_set(&b->options->dockerfile, str_or_empty(file))
			       ? 0
			       : err_sys(err, ENOMEM, "build");
	return take_directory(b, context, err);
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

static int run_build(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct buildflags_source source = { getenv, read_file };
	cleanup(building_deinit) struct building b = { .cli = cli,
						       .flags = flags,
						       .context_fd = -1 };
	int r = buildflags_options(flags, &source, &b.options, err);

	r = r ? r : choose_progress(&b, err);
	r = r ? r : prepare(&b, flags->args[0], err);
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
