/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a layer, parsed and hashed; its entries' names are cleaned, nothing is written. */
#include <stdint.h>

#include <archive_entry.h>

#include "jobs.h"

struct bytes {
	const uint8_t *data;
	size_t n;
};

static ssize_t give(void *ctx, const void **data, struct err *err)
{
	struct bytes *b = ctx;
	size_t n = b->n;

	(void)err;
	*data = b->data;
	b->n = 0;
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes bytes = { data, n };
	const struct tar_entry *e;
	char path[JOB_PATH_MAX + 1], hex[65];
	struct tarball t;
	int r = tarball_open(&t, give, &bytes, true, NULL);

	for (int i = 0; r == 0 && i < 1000 && tarball_next(&t, &e, NULL) == 1; i++)
		r = place_clean(e->path, path, NULL);
	if (r == 0)
		r = tarball_finish(&t, hex, NULL);
	tarball_deinit(&t);
	return 0;
}
