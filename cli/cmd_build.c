/* SPDX-License-Identifier: Apache-2.0 */
/* build. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buildauth.h"
#include "buildflags.h"
#include "buildstream.h"
#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "fd.h"
#include "msg.h"
#include "str.h"

enum { SECRET_MAX = 1 << 20 };

struct building {
	struct cli *cli;
	const struct flags *flags;
	Cleat__V1__BuildRequest__Options *options;
	struct buildstream stream;
};

static void building_deinit(struct building *b)
{
	msg_free(b->options);
	buildstream_deinit(&b->stream);
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

	b->stream.progress.face = b->options->quiet       ? BUILDPROGRESS_QUIET
				  : isatty(STDERR_FILENO) ? BUILDPROGRESS_TTY
							  : BUILDPROGRESS_PLAIN;
	if (!progress[0] || strcmp(progress, "auto") == 0 || b->options->quiet)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(faces); i++)
		if (strcmp(faces[i].word, progress) == 0) {
			b->stream.progress.face = faces[i].face;
			b->options->quiet = faces[i].face == BUILDPROGRESS_QUIET;
			return 0;
		}
	return err_set(err, ERR_INVALID, "invalid progress mode %.40s", progress);
}

static int write_id(struct building *b, struct err *err)
{
	const char *file = flags_text(b->flags, "iidfile");
	int r = 0;

	if (!b->stream.image_id)
		return err_set(err, ERR_INTERNAL, "the engine ended the build without an image");
	if (b->options->quiet)
		printf("%s\n", b->stream.image_id);
	if (file)
		r = fd_replace_file(AT_FDCWD, file, b->stream.image_id, strlen(b->stream.image_id),
				    0644, false);
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
						       .stream = BUILDSTREAM_NULL };
	int r = buildflags_options(flags, &source, &b.options, err);

	r = r ? r : choose_progress(&b, err);
	r = r ? r
	      : buildsource_open(&b.stream.source, flags->args[0], flags_text(flags, "file"),
				 b.options, err);
	if (r == 0 && b.options->dockerfile_text.len)
		r = buildauth_add(b.options, err);
	r = r ? r : drop_old_id(flags, err);
	r = r ? r : buildstream_run(&b.stream, cli, b.options, err);
	return r ? r : write_id(&b, err);
}

const struct command cmd_build_table[] = {
	{ "image", "build", "build", "[OPTIONS] PATH | URL | -", "Build an image from a Dockerfile",
	  buildflags_table, 1, 1, false, run_build },
	{ "builder", "build", NULL, "[OPTIONS] PATH | URL | -", "Build an image from a Dockerfile",
	  buildflags_table, 1, 1, false, run_build },
	{ 0 },
};
