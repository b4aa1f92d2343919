/* SPDX-License-Identifier: Apache-2.0 */
/* Two workers make a layer of an upper directory: one writes it as a tar and sees nothing else, the other takes
 * that for as untrusted as any tar. So a layer made here is what it would be had it been pulled, under every
 * driver. */
#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "fd.h"
#include "layer.h"
#include "result.h"
#include "sha256.h"
#include "store.h"
#include "str.h"
#include "workerjob.h"

/* Of the two blocks of zeros that an archive without entries is. */
#define EMPTY_DIFF "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

/* The worker's name for the one layer of a lease. */
enum { LAYER_NUMBER = 1 };

int image_layer_start(struct engine *engine, const struct lease *lease, int in_fd,
		      struct worker *worker, struct err *err)
{
	return worker_start(worker, engine->bin_dir, layers_layer_job(engine->layers), in_fd,
			    lease->fd, err);
}

int image_layer_finish(struct worker *worker, struct image_layer *out, struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	cleanup(result_deinit) struct result result = { 0 };
	int r = worker_finish(worker, &lines, err);

	if (r < 0)
		return r;
	if (!lines.data || result_parse(lines.data, &result) < 0 || result.n != 1 ||
	    result.v[0].kind != RESULT_LAYER || result.v[0].number != LAYER_NUMBER)
		return err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read");
	*out = (struct image_layer){ .size_bytes = result.v[0].size,
				     .empty = strcmp(result.v[0].diff, EMPTY_DIFF) == 0 };
	snprintf(out->diff_id, sizeof(out->diff_id), "sha256:%.64s", result.v[0].diff);
	return 0;
}

/* Of two that stand at the ends of one pipe the first error counts: the other's is that its end is gone. */
static int finish_both(struct worker *packer, struct worker *unpacker, struct image_layer *out,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf none = BUF_NULL;
	struct err packing = ERR_NULL;
	int r = image_layer_finish(unpacker, out, err);
	int packed = worker_finish(packer, &none, &packing);

	if (packed < 0 && !(r < 0 && packing.code == ERR_ABORTED)) {
		if (err)
			*err = packing;
		return packed;
	}
	return r;
}

int image_pack_layer(struct engine *engine, const struct lease *lease, int upper_fd,
		     struct image_layer *out, struct err *err)
{
	cleanup(worker_deinit) struct worker packer = WORKER_NULL, unpacker = WORKER_NULL;
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	(void)fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 20); /* less to and fro where it is allowed */
	int r = worker_start(&packer, engine->bin_dir, "pack", pipe_fds[1], upper_fd, err);

	r = r ? r : image_layer_start(engine, lease, pipe_fds[0], &unpacker, err);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return r ? r : finish_both(&packer, &unpacker, out, err);
}

/* The new image's parts while it is recorded. */
struct making {
	struct engine *engine;
	const struct lease *lease;
	const struct image_new *new_image;
	const struct image_layer *layer; /* NULL = adds none */
	struct buf json;
	struct image_config config;
};

static void making_deinit(struct making *m)
{
	buf_deinit(&m->json);
	image_config_deinit(&m->config);
}

static int write_config(struct making *m, struct err *err)
{
	const struct image_new *n = m->new_image;
	const struct child child = {
		.parent = n->parent ? n->parent->config_json : NULL,
		.parent_len = n->parent ? n->parent->config_len : 0,
		.diff_id = m->layer ? m->layer->diff_id : NULL,
		.config = n->config,
		.author = str_or_empty(n->author),
		.comment = str_or_empty(n->comment),
		.created_by = str_or_empty(n->created_by),
		.created_ns = n->created_ns,
		.os = n->os,
		.architecture = n->architecture,
		.variant = n->variant,
	};
	int r = child_config(&child, &m->json, err);

	r = r ? r : image_config_parse(m->json.data, m->json.len, &m->config, err);
	if (r == 0 && m->config.diff_ids.n > MANIFEST_LAYERS_MAX)
		r = err_set(err, ERR_INVALID, "the image would have more than %d layers",
			    MANIFEST_LAYERS_MAX);
	return r;
}

static int record(const struct making *m, const char *id, struct err *err)
{
	const struct image_new *n = m->new_image;
	uint64_t size =
		(n->parent ? n->parent->size_bytes : 0) + (m->layer ? m->layer->size_bytes : 0);
	char *name = (char *)(uintptr_t)str_or_empty(n->reference);
	const struct strings tags = { &name, name[0] ? 1 : 0 };
	int r = store_begin(m->engine->store, err);

	if (r < 0)
		return r;
	if (n->parent)
		r = image_exists(m->engine, n->parent->id, err);
	if (r == 0)
		r = image_insert(m->engine, id, m->json.data, m->json.len, &m->config, size, &tags,
				 err);
	int ended = store_end(m->engine->store, r == 0, err);

	return r ? r : ended;
}

static int publish(const struct making *m, const char *id, struct err *err)
{
	struct layers *layers = m->engine->layers;
	cleanup_fd int lock = image_lock(m->engine, err);
	int r = lock < 0 ? lock : 0;
	uint64_t size;

	if (r == 0 && m->layer && layers_size(layers, m->layer->diff_id + 7, &size) < 0)
		r = layers_publish(layers, m->lease, LAYER_NUMBER, m->layer->diff_id + 7,
				   m->layer->size_bytes, err);
	r = r ? r : record(m, id, err);
	if (r < 0 && lock >= 0)
		(void)!image_sweep_layers(m->engine, m->lease, NULL);
	return r;
}

int image_make(struct engine *engine, const struct lease *lease, const struct image_new *new_image,
	       char id[72], struct err *err)
{
	const struct image_layer *layer = new_image->layer;
	cleanup(making_deinit) struct making m = { .engine = engine,
						   .lease = lease,
						   .new_image = new_image,
						   .layer = layer && !layer->empty ? layer : NULL };
	char hex[65];
	int r = str_or_empty(new_image->reference)[0] ? image_check_tag(new_image->reference, err)
						      : 0;

	r = r ? r : write_config(&m, err);
	if (r == 0 && m.layer)
		r = layers_sync(engine->layers, lease, err);
	if (r < 0)
		return r;
	sha256_hex(m.json.data, m.json.len, hex);
	snprintf(id, 72, "sha256:%s", hex);
	return publish(&m, id, err);
}

int image_commit(struct engine *engine, int upper_fd, const struct image_new *new_image,
		 char id[72], struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct image_new own = *new_image;
	struct image_layer layer;
	int r = lease_open(&lease, engine->state_fd, err);

	own.layer = &layer;
	r = r ? r : image_pack_layer(engine, &lease, upper_fd, &layer, err);
	return r ? r : image_make(engine, &lease, &own, id, err);
}
