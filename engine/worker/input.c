/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include <errno.h>

enum { INPUT_BYTES = 256 << 10 };

int job_input_open(struct job_input *in, struct err *err)
{
	in->block = malloc(INPUT_BYTES);
	return in->block ? 0 : err_sys(err, ENOMEM, "read the archive");
}

void job_input_deinit(struct job_input *in)
{
	free(in->block);
	in->block = NULL;
}

/* Whole blocks, however small the pieces are that arrive. */
ssize_t job_input_read(void *ctx, const void **data, struct err *err)
{
	struct job_input *in = ctx;
	size_t have = 0;

	while (have < INPUT_BYTES) {
		ssize_t n = read(in->fd, in->block + have, INPUT_BYTES - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read the archive");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*data = in->block;
	return (ssize_t)have;
}
