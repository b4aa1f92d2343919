/* SPDX-License-Identifier: Apache-2.0 */
/* save. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "image.h"
#include "msg.h"

/* The file is made when the first bytes are there: a wrong name leaves none. */
static int write_chunk(int *fd, const char *path, const Cleat__V1__Chunk *chunk, struct err *err)
{
	if (*fd < 0)
		*fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
			   : dup(STDOUT_FILENO);
	if (*fd < 0)
		return err_sys(err, errno, "failed to save image: %.150s", path ? path : "stdout");
	int r = output_write(*fd, chunk->data.data, chunk->data.len);

	return r < 0 ? err_sys(err, r, "output") : 0;
}

static int run_save(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__SaveImagesRequest req = CLEAT__V1__SAVE_IMAGES_REQUEST__INIT;
	struct platformmsg platform;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	const char *path = flags_text(flags, "output");
	cleanup_fd int fd = -1;

	if (!path && isatty(STDOUT_FILENO))
		return err_set(
			err, ERR_INVALID,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	req.images = (char **)(uintptr_t)flags->args;
	req.n_images = flags->n_args;
	int r = cli_platform(flags, &platform, &req.platform, err);

	r = r ? r : remote_open(cli, &cleat_v1_images, "Save", NULL, &req.base, &call, err);

	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__Chunk *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		r = write_chunk(&fd, path, m, err);
	}
	return r;
}

static const struct flag save_flags[] = {
	{ "output", 'o', FLAG_TEXT, "string", "Write to a file, instead of STDOUT" },
	{ "platform", 0, FLAG_TEXT, "string",
	  "Save only if the images are for it (os[/arch[/variant]])" },
	{ 0 },
};

const struct command cmd_save_table[] = {
	{ "image", "save", "save", "[OPTIONS] IMAGE [IMAGE...]",
	  "Save one or more images to a tar archive (streamed to STDOUT by default)", save_flags, 1,
	  SIZE_MAX, false, run_save },
	{ 0 },
};
