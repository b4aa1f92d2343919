/* SPDX-License-Identifier: Apache-2.0 */
#include "hostsmerge.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two texts with a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = strnlen((const char *)data, size);
	cleanup_free char *old = strndup((const char *)data, n);
	cleanup_free char *fresh =
		strndup(n < size ? (const char *)data + n + 1 : "", n < size ? size - n - 1 : 0);
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	if (old && fresh)
		hostsmerge(old, fresh, &out);
	return 0;
}
