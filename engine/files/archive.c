/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of a container goes from the worker through a pipe to the client, as fast as the client takes it.
 * The worker's own word about how it ended comes last, and counts. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "files.h"
#include "files_part.h"
#include "pathhead.h"
#include "str.h"

enum { BLOCK_BYTES = 128 << 10, PIPE_BYTES = 1 << 20 };

struct stream {
	struct worker worker;
	int fd, cancel_fd;
	char *block;
	size_t at, len; /* what is left of the block */
};

static void stream_deinit(struct stream *s)
{
	worker_deinit(&s->worker);
	closep(&s->fd);
	free(s->block);
}

static int stream_open(struct stream *s, struct engine *engine, const char *container,
		       const char *job, const char *path, enum root_part part, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(root_deinit) struct root root = ROOT_NULL;
	int fds[2];
	int r = files_find(engine, container, &record, err);

	s->block = malloc(BLOCK_BYTES);
	r = r ? r : root_open(&root, engine, &record, part, err);
	if (r == 0 && (!s->block || (path && root_word(&root, path) < 0)))
		r = err_sys(err, ENOMEM, "%s", job);
	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* less to and fro where it is allowed */
	r = root_start(&root, engine, job, fds[1], &s->worker, err);
	close(fds[1]);
	s->fd = fds[0];
	return r;
}

/* The next bytes into the block when it is empty; their number, 0 at the end, -errno. */
static ssize_t stream_fill(struct stream *s)
{
	while (s->at == s->len) {
		struct pollfd fds[] = { { .fd = s->fd, .events = POLLIN },
					{ .fd = s->cancel_fd, .events = POLLIN } };

		if (s->cancel_fd >= 0 && poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[1].revents)
			return -ECANCELED;
		ssize_t n = read(s->fd, s->block, BLOCK_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		s->at = 0;
		s->len = (size_t)n;
	}
	return (ssize_t)(s->len - s->at);
}

static int stream_finish(struct stream *s, struct err *err)
{
	return files_finish(&s->worker, err);
}

/* ---- what a path is */

static int take_head(const struct pathhead *h, Cleat__V1__PathStat *out)
{
	out->size_bytes = h->size_bytes;
	out->mode = h->mode;
	out->mtime_ns = h->mtime_ns;
	out->name = files_text(h->name);
	out->link_target = files_text(h->link_target);
	return out->name && out->link_target ? 0 : -ENOMEM;
}

/* What comes behind the head stays in the stream. -EBADMSG when none comes. */
static int read_head(struct stream *s, Cleat__V1__PathStat *out)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct pathhead h;
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		ssize_t n = stream_fill(s);

		if (n <= 0)
			return n == -ECANCELED ? -ECANCELED : -EBADMSG;
		buf_append(&text, s->block + s->at, (size_t)n);
		s->at = s->len;
		r = text.error ? text.error : pathhead_parse(text.data, text.len, &h);
	}
	if (r == 0)
		s->at = s->len - (text.len - h.len);
	return r ? r : take_head(&h, out);
}

/* Without a head the worker says why. */
static int head(struct stream *s, Cleat__V1__PathStat *out, struct err *err)
{
	int r = read_head(s, out);

	if (r == 0)
		return 0;
	if (r == -ECANCELED)
		return err_set(err, ERR_CANCELLED, "cancelled");
	r = stream_finish(s, err);

	return r < 0 ? r : err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read");
}

int files_stat(struct engine *engine, const char *container, const char *path,
	       Cleat__V1__PathStat *reply, struct err *err)
{
	cleanup(stream_deinit) struct stream s = { .worker = WORKER_NULL,
						   .fd = -1,
						   .cancel_fd = -1 };
	int r = stream_open(&s, engine, container, "stat", path, ROOT_READ, err);

	r = r ? r : head(&s, reply, err);
	return r ? r : stream_finish(&s, err);
}

/* ---- archives */

static int send_all(struct stream *s, const struct files_sink *sink, struct err *err)
{
	ssize_t n = 0;
	int r = 0;

	while (r == 0 && (n = stream_fill(s)) > 0) {
		r = sink->data(sink->ctx, s->block + s->at, (size_t)n, err);
		s->at = s->len;
	}
	if (r == 0 && n == -ECANCELED)
		return err_set(err, ERR_CANCELLED, "cancelled");
	return r ? r : stream_finish(s, err);
}

int files_get(struct engine *engine, const char *container, const char *path,
	      const struct files_sink *sink, struct err *err)
{
	cleanup(stream_deinit) struct stream s = { .worker = WORKER_NULL,
						   .fd = -1,
						   .cancel_fd = sink->cancel_fd };
	Cleat__V1__PathStat stat = CLEAT__V1__PATH_STAT__INIT;
	int r = stream_open(&s, engine, container, "get", path, ROOT_READ, err);

	r = r ? r : head(&s, &stat, err);
	r = r ? r : sink->stat(sink->ctx, &stat, err);
	if (stat.name != protobuf_c_empty_string)
		free(stat.name);
	if (stat.link_target != protobuf_c_empty_string)
		free(stat.link_target);
	return r ? r : send_all(&s, sink, err);
}

int files_export(struct engine *engine, const char *container, const struct files_sink *sink,
		 struct err *err)
{
	cleanup(stream_deinit) struct stream s = { .worker = WORKER_NULL,
						   .fd = -1,
						   .cancel_fd = sink->cancel_fd };
	int r = stream_open(&s, engine, container, "export", NULL, ROOT_FLAT, err);

	return r ? r : send_all(&s, sink, err);
}
