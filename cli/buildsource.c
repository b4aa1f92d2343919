/* SPDX-License-Identifier: Apache-2.0 */
#include "buildsource.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "msg.h"
#include "str.h"

enum { DOCKERFILE_MAX = 4 << 20, HEAD = 512 };

static int set_dockerfile(struct buildsource *b, const struct buf *text, struct err *err)
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
	static const char *const magics[] = { "\x1f\x8b", "BZh", "\xfd\x37zXZ",
					      "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (head->len >= strlen(magics[i]) &&
		    memcmp(head->data, magics[i], strlen(magics[i])) == 0)
			return true;
	return head->len == HEAD && (memcmp(head->data + 257, "ustar", 5) == 0 ||
				     memchr(head->data, '\0', HEAD) != NULL);
}

/* "-": a tar is the context, anything else the Dockerfile of a build without one. */
static int take_stdin(struct buildsource *b, struct err *err)
{
	const char *file = b->file;
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
static int read_ignore_at(struct buildsource *b, int dir_fd, const char *name, struct err *err)
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

static int read_ignore(struct buildsource *b, const char *dockerfile, struct err *err)
{
	cleanup_free char *own = dockerfile ? str_printf("%s.dockerignore", dockerfile) : NULL;
	int r = own ? read_ignore_at(b, AT_FDCWD, own, err) : 1;

	r = r == 1 ? read_ignore_at(b, b->context_fd, ".dockerignore", err) : r;
	return r == 1 ? 0 : r;
}

static int read_dockerfile(struct buildsource *b, const char *path, struct err *err)
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
static char *find_dockerfile(const struct buildsource *b, const char *dir)
{
	const char *file = b->file;

	if (!file || !file[0])
		return str_path(dir, "Dockerfile");
	if (strcmp(file, "-") != 0 && file[0] != '/' && access(file, F_OK) < 0)
		return str_path(dir, file);
	return strdup(file);
}

static int take_directory(struct buildsource *b, const char *dir, struct err *err)
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
	       str_has_prefix(text, "git@") || str_has_prefix(text, "git://") ||
	       str_has_prefix(text, "github.com/");
}

int buildsource_open(struct buildsource *b, const char *context, const char *file,
		     Cleat__V1__BuildRequest__Options *options, struct err *err)
{
	b->options = options;
	b->file = file;
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

void buildsource_deinit(struct buildsource *b)
{
	ignore_deinit(&b->ignore);
	buf_deinit(&b->head);
	closep(&b->context_fd);
	*b = BUILDSOURCE_NULL;
}
