/* SPDX-License-Identifier: Apache-2.0 */
#include "untar.h"

static ssize_t nothing_more(void *ctx, const void **data, struct err *err)
{
	(void)ctx, (void)data, (void)err;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct untar u = { .read = nothing_more, .bytes = (const char *)data, .n_bytes = n };
	const void *bytes;

	while (untar_next(&u, NULL) == 1)
		while (untar_data(&u, &bytes, NULL) > 0)
			;
	untar_deinit(&u);
	return 0;
}
