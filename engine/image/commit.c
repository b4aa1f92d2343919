/* SPDX-License-Identifier: Apache-2.0 */
/* Two workers make a layer of an upper directory: one writes it as a tar and sees nothing else, the other takes
 * that for as untrusted as any tar. So a layer made here is what it would be had it been pulled, under every
 * driver. Where the driver keeps no tar it goes through a file, which becomes a blob of the image. */
#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int image_layer_finish(const struct lease *lease, struct worker *worker, struct image_layer *out,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	cleanup(result_deinit) struct result result = { 0 };
	struct stat st = { 0 };
	int r = worker_finish(worker, &lines, err);

	if (r < 0)
		return r;
	if (!lines.data || result_parse(lines.data, &result) < 0 || result.n != 1 ||
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

/* Of two that stand at the ends of one pipe the first error counts: the other's is that its end is gone. */
static int finish_both(const struct lease *lease, struct worker *packer, struct worker *unpacker,
		       struct image_layer *out, struct err *err)
{
	cleanup(buf_deinit) struct buf none = BUF_NULL;
	struct err packing = ERR_NULL;
	int r = image_layer_finish(lease, unpacker, out, err);
	int packed = worker_finish(packer, &none, &packing);

	if (packed < 0 && !(r < 0 && packing.code == ERR_ABORTED)) {
		if (err)
			*err = packing;
		return packed;
	}
	return r;
}

int image_pack_begin(struct engine *engine, const struct lease *lease, struct image_packing *p,
		     struct err *err)
{
	int fds[2];

	*p = IMAGE_PACKING_NULL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	p->tar_fd = fds[1];
	(void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20); /* less to and fro where it is allowed */
	int r = image_layer_start(engine, lease, fds[0], &p->unpacker, err);

	close(fds[0]);
	return r;
}

int image_pack_end(struct engine *engine, const struct lease *lease, struct image_packing *p,
		   int upper_fd, struct image_layer *out, struct err *err)
{
	cleanup(worker_deinit) struct worker packer = WORKER_NULL;
	int r = worker_start(&packer, engine->bin_dir, "pack", p->tar_fd, upper_fd, err);

	closep(&p->tar_fd);
	p->tar_fd = -1;
	return r ? r : finish_both(lease, &packer, &p->unpacker, out, err);
}

void image_pack_drop(struct image_packing *p)
{
	closep(&p->tar_fd);
	worker_deinit(&p->unpacker);
	*p = IMAGE_PACKING_NULL;
}

int image_pack_layer(struct engine *engine, const struct lease *lease, int upper_fd,
		     struct image_layer *out, struct err *err)
{
	cleanup(image_pack_drop) struct image_packing packing = IMAGE_PACKING_NULL;
	int r = image_pack_begin(engine, lease, &packing, err);

	return r ? r : image_pack_end(engine, lease, &packing, upper_fd, out, err);
}
