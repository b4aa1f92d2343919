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
	    result.v[0].kind != RESULT_LAYER || result.v[0].number != IMAGE_LAYER_NUMBER)
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

static int pack_through_pipe(struct engine *engine, const struct lease *lease, int upper_fd,
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

int image_layer_spool(const struct lease *lease, struct err *err)
{
	int fd = openat(lease->fd, IMAGE_LAYER_BLOB, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(err, errno, "create a temporary file") : fd;
}

int image_layer_spooled(struct engine *engine, const struct lease *lease, int fd,
			struct image_layer *out, struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	enum content_kind kind = CONTENT_GZIP;
	struct stat st;
	int r = lseek(fd, 0, SEEK_SET) < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	r = r ? r : content_kind_of(fd, &kind);
	if (r < 0)
		return err_sys(err, r, "read the layer");
	r = image_layer_start(engine, lease, fd, &worker, err);
	r = r ? r : image_layer_finish(&worker, out, err);
	if (r == 0 && kind == CONTENT_PLAIN)
		out->blob_bytes = (uint64_t)st.st_size;
	return r;
}

static int pack_through_file(struct engine *engine, const struct lease *lease, int upper_fd,
			     struct image_layer *out, struct err *err)
{
	cleanup(worker_deinit) struct worker packer = WORKER_NULL;
	cleanup(buf_deinit) struct buf none = BUF_NULL;
	cleanup_fd int fd = image_layer_spool(lease, err);
	int r = fd < 0 ? fd : worker_start(&packer, engine->bin_dir, "pack", fd, upper_fd, err);

	r = r ? r : worker_finish(&packer, &none, err);
	return r ? r : image_layer_spooled(engine, lease, fd, out, err);
}

int image_pack_layer(struct engine *engine, const struct lease *lease, int upper_fd,
		     struct image_layer *out, struct err *err)
{
	return layers_keep_tar(engine->layers)
		       ? pack_through_pipe(engine, lease, upper_fd, out, err)
		       : pack_through_file(engine, lease, upper_fd, out, err);
}
