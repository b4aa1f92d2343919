/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "jobs.h"

enum { INPUT_BYTES = 256 << 10 };

int input_open(struct input *in, int fd, struct err *err)
{
	*in = (struct input){ fd, malloc(INPUT_BYTES) };
	return in->block ? 0 : err_sys(err, ENOMEM, "read the input");
}

void input_deinit(struct input *in)
{
	free(in->block);
	in->block = NULL;
}

ssize_t input_read(void *ctx, const void **data, struct err *err)
{
	struct input *in = ctx;
	size_t have = 0;

	while (have < INPUT_BYTES) {
		ssize_t n = read(in->fd, in->block + have, INPUT_BYTES - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read the input");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*data = in->block;
	return (ssize_t)have;
}
