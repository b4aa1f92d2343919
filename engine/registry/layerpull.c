/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads a layer: the caller's downloads, a feeder hands the file's bytes to the worker as fast as that
 * takes them, so that neither waits for the other. A worker that finds fault with the bytes does not end the
 * download: whether they are those the manifest promised decides which sentence the user gets, and what is
 * kept. One that died or could not write does. */
#include "layerpull.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blobs.h"
#include "fault.h"
#include "fetch.h"
#include "layer.h"
#include "result.h"
#include "thread.h"
#include "workerjob.h"

enum { STACK_BYTES = 64 << 10, PIPE_BYTES = 1 << 20 };

struct feeder {
	pthread_t thread;
	struct layer_pull *layer;
	int pipe;
};

/* The worker, and what came of it. */
struct unpacking {
	struct worker worker;
	int pidfd;
	bool ended;
	int result; /* once it has */
	struct buf lines;
	struct err err;
};
#define UNPACKING_NULL ((struct unpacking){ .worker = WORKER_NULL, .pidfd = -1, .lines = BUF_NULL })

static void unpacking_deinit(struct unpacking *u)
{
	closep(&u->pidfd);
	worker_deinit(&u->worker);
	buf_deinit(&u->lines);
}

static void unpacking_finish(struct unpacking *u)
{
	if (!u->ended)
		u->result = worker_finish(&u->worker, &u->lines, &u->err);
	u->ended = true;
}

/* Its end before that of the bytes. */
static bool unpacking_stops(void *ctx)
{
	struct unpacking *u = ctx;

	unpacking_finish(u);
	return u->result < 0 && u->err.code != ERR_INVALID;
}

void layer_pull_init(struct layer_pull *l, const struct descriptor *blob, const char *diff)
{
	*l = (struct layer_pull){ .blob = blob, .diff = diff, .lease = LEASE_NULL };
	growing_init(&l->bytes);
}

void layer_pull_deinit(struct layer_pull *l)
{
	growing_deinit(&l->bytes);
	lease_deinit(&l->lease);
}

/* A worker that is gone reads no more; why, it says itself. */
static void *feed(void *ctx)
{
	struct feeder *f = ctx;
	struct growing *bytes = &f->layer->bytes;
	uint64_t at = 0, have;
	ssize_t n = 1;

	while (n > 0 && (have = growing_wait(bytes, at)) > at) {
		for (off_t from = (off_t)at; n > 0 && at < have; at = (uint64_t)from) {
			n = sendfile(f->pipe, bytes->fd, &from, (size_t)(have - at));
			if (n < 0 && errno == EINTR)
				n = 1;
			f->layer->unpacked_from = (uint64_t)from;
		}
	}
	closep(&f->pipe);
	return NULL;
}

static int start(struct layer_pull *l, struct engine *engine, struct unpacking *u,
		 struct feeder *feeder, struct err *err)
{
	int ends[2], r = lease_open(&l->lease, engine->state_fd, err);

	if (r < 0)
		return r;
	fault_point(FAULT_PULL_LEASE_MADE);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	r = layers_start(engine->layers, LAYERS_ONE, ends[0], l->lease.fd, &u->worker, err);
	close(ends[0]);
	if (r == 0 && (u->pidfd = (int)syscall(SYS_pidfd_open, u->worker.pid, 0)) < 0)
		r = err_sys(err, errno, "watch cleat-worker");
	*feeder = (struct feeder){ .layer = l, .pipe = ends[1] };
	if (r == 0 && (r = thread_start(&feeder->thread, STACK_BYTES, feed, feeder)) < 0)
		r = err_sys(err, r, "start a thread");
	if (r < 0)
		close(ends[1]);
	return r;
}

static int check(struct layer_pull *l, struct buf *lines, struct err *err)
{
	cleanup(result_deinit) struct result result = { 0 };

	if (lines->len == 0 || result_parse(lines->data, &result) < 0 || result.n != 1 ||
	    result.v[0].kind != RESULT_LAYER)
		return err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read");
	if (strcmp(result.v[0].diff, l->diff) != 0)
		return err_set(err, ERR_INVALID,
			       "its diff id is sha256:%s, the config says sha256:%s",
			       result.v[0].diff, l->diff);
	l->size_bytes = result.v[0].size;
	return 0;
}

/* 0 once the blob is whole and the worker has ended; whose error counts, where both have one. */
static int fetch_and_feed(struct layer_pull *l, const struct fetch *fetch, struct unpacking *u,
			  struct err *err)
{
	const struct transfer_watch watch = { u->pidfd, unpacking_stops, u };

	transfer_watch(fetch->transfer, &watch);
	int r = fetch_blob(fetch, err);

	transfer_watch(fetch->transfer, NULL);
	growing_end(&l->bytes);
	l->state = LAYER_EXTRACTING;
	if (r == 0)
		unpacking_finish(u);
	else
		worker_deinit(&u->worker);
	if (u->ended && u->result < 0 && (r == 0 || u->err.code != ERR_INVALID)) {
		if (err)
			*err = u->err;
		r = u->result;
	}
	return r;
}

static int fetch_and_unpack(struct layer_pull *l, struct engine *engine, struct registry *registry,
			    struct transfer *transfer, struct err *err)
{
	const struct fetch fetch = { engine, registry, transfer, l->blob, &l->bytes };
	cleanup(unpacking_deinit) struct unpacking u = UNPACKING_NULL;
	struct feeder feeder = { .pipe = -1 };
	int r = start(l, engine, &u, &feeder, err);

	if (r < 0)
		return r;
	r = fetch_and_feed(l, &fetch, &u, err);
	pthread_join(feeder.thread, NULL);
	fault_point(FAULT_PULL_LAYER_UNPACKED);
	r = r ? r : check(l, &u.lines, err);
	r = r ? r : layers_sync(engine->layers, &l->lease, err);
	fault_point(FAULT_PULL_LAYER_SYNCED);
	return r;
}

/* What an earlier try had left is wrong, which shows at the end only; it is gone now. */
static int fetch_again(struct layer_pull *l, struct engine *engine, struct registry *registry,
		       struct transfer *transfer, struct err *err)
{
	growing_reset(&l->bytes);
	lease_deinit(&l->lease);
	l->unpacked_from = 0;
	l->state = LAYER_DOWNLOADING;
	return fetch_and_unpack(l, engine, registry, transfer, err);
}

uint64_t layer_pull_missing(const struct layer_pull *l, const struct engine *engine)
{
	char path[BLOBS_PATH_MAX];
	struct stat st = { 0 };

	blobs_partial_path(l->blob->digest, path);
	if (fstatat(engine->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (uint64_t)st.st_size > l->blob->size)
		return l->blob->size;
	return l->blob->size - (uint64_t)st.st_size;
}

int layer_pull_run(struct layer_pull *l, struct engine *engine, struct registry *registry,
		   struct transfer *transfer, struct err *err)
{
	if (layers_size(engine->layers, l->diff, &l->size_bytes) == 0) {
		l->state = LAYER_EXISTS;
		return 0;
	}
	l->state = LAYER_DOWNLOADING;
	struct err own = ERR_NULL;
	int r = fetch_and_unpack(l, engine, registry, transfer, &own);

	if (r < 0 && own.code == ERR_ABORTED)
		r = fetch_again(l, engine, registry, transfer, &own);
	if (r < 0 && err)
		*err = own;
	if (r < 0)
		return err_wrap(err, r, "layer %.12s", l->blob->digest + strlen("sha256:"));
	l->state = LAYER_DONE;
	return 0;
}
