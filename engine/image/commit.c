/* SPDX-License-Identifier: Apache-2.0 */
/* Two workers make a layer of an upper directory: one writes it as a tar and sees nothing else, the other takes
 * that for as untrusted as any tar. So a layer made here is what it would be had it been pulled, under every
 * driver. Where the driver keeps no tar it goes through a file, which becomes a blob of the image.
 * Both stay for the next layer: to start them took more than half of what a small layer costs. */
#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "content.h"
#include "fd.h"
#include "layer.h"
#include "result.h"
#include "str.h"
#include "workerjob.h"

/* Of the two blocks of zeros that an archive without entries is. */
#define EMPTY_DIFF "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

int image_layer_start(struct engine *engine, const struct lease *lease, int in_fd,
		      struct worker *worker, struct err *err)
{
	return layers_start(engine->layers, LAYERS_TAR, in_fd, lease->fd, worker, err);
}

static int read_result(const struct lease *lease, const struct buf *lines, struct image_layer *out,
		       struct err *err)
{
	cleanup(result_deinit) struct result result = { 0 };
	struct stat st = { 0 };

	if (!lines->data || result_parse(lines->data, &result) < 0 || result.n != 1 ||
	    result.v[0].kind != RESULT_LAYER || result.v[0].number != IMAGE_LAYER_NUMBER)
		return err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read");
	if (fstatat(lease->fd, IMAGE_LAYER_BLOB, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return err_sys(err, errno, "read the layer");
	*out = (struct image_layer){ .size_bytes = result.v[0].size,
				     .blob_bytes = (uint64_t)st.st_size,
				     .empty = strcmp(result.v[0].diff, EMPTY_DIFF) == 0 };
	snprintf(out->diff_id, sizeof(out->diff_id), "sha256:%.64s", result.v[0].diff);
	return 0;
}

int image_layer_finish(const struct lease *lease, struct worker *worker, struct image_layer *out,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int r = worker_finish(worker, &lines, err);

	return r ? r : read_result(lease, &lines, out, err);
}

/* ---- packing */

static bool is_started(const struct image_packer *p)
{
	return p->pack.sock >= 0;
}

int image_packer_start(struct image_packer *p, struct engine *engine, struct err *err)
{
	static const char *const words[] = { "pack", NULL };
	int r = is_started(p) ? 0 : lease_open(&p->nothing, engine->state_fd, err);

	if (r < 0 || is_started(p))
		return r;
	r = layers_start_standing(engine->layers, p->nothing.fd, &p->layer, err);
	r = r ? r : standing_start(&p->pack, engine->bin_dir, words, p->nothing.fd, err);
	if (r < 0)
		image_packer_deinit(p);
	return r;
}

void image_packer_deinit(struct image_packer *p)
{
	standing_deinit(&p->pack);
	standing_deinit(&p->layer);
	lease_deinit(&p->nothing);
	*p = IMAGE_PACKER_NULL;
}

static int take_layer(struct image_packer *p, const struct lease *lease, struct image_layer *out,
		      struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int r = cancel_wait(p->cancel_fds, p->layer.sock, "packing a layer", err);

	r = r ? r : standing_take(&p->layer, &lines, err);
	return r ? r : read_result(lease, &lines, out, err);
}

static int take_packed(struct image_packer *p, struct err *err)
{
	cleanup(buf_deinit) struct buf none = BUF_NULL;

	return standing_take(&p->pack, &none, err);
}

/* Of two that stand at the ends of one pipe the first error counts: the other's is that its end is gone. */
static int take_both(struct image_packer *p, const struct lease *lease, struct image_layer *out,
		     struct err *err)
{
	struct err packing = ERR_NULL;
	int r = take_layer(p, lease, out, err);

	if (r == -ECANCELED)
		return r;
	int packed = take_packed(p, &packing);

	if (packed < 0 && !(r < 0 && packing.code == ERR_ABORTED)) {
		if (err)
			*err = packing;
		return packed;
	}
	return r;
}

static int through_pipe(struct image_packer *p, const struct lease *lease, int upper_fd,
			struct image_layer *out, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	(void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20); /* less to and fro where it is allowed */
	int r = standing_give(&p->layer, fds[0], lease->fd, err);

	r = r ? r : standing_give(&p->pack, fds[1], upper_fd, err);
	close(fds[0]);
	close(fds[1]);
	return r ? r : take_both(p, lease, out, err);
}

int image_packer_layer(struct image_packer *p, struct engine *engine, const struct lease *lease,
		       int upper_fd, struct image_layer *out, struct err *err)
{
	int r = image_packer_start(p, engine, err);

	if (r < 0)
		return r;
	r = through_pipe(p, lease, upper_fd, out, err);
	if (r < 0)
		image_packer_deinit(p); /* one may be in the middle of something */
	return r;
}

int image_pack_layer(struct engine *engine, const struct lease *lease, int upper_fd,
		     struct image_layer *out, struct err *err)
{
	cleanup(image_packer_deinit) struct image_packer packer = IMAGE_PACKER_NULL;

	return image_packer_layer(&packer, engine, lease, upper_fd, out, err);
}
