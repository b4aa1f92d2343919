/* SPDX-License-Identifier: Apache-2.0 */
/* What can be decoded is the same when it is encoded and decoded again. */
#include "base64.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL, text = BUF_NULL, again = BUF_NULL;
	cleanup_free char *input = strndup((const char *)data, n);

	if (!input || base64_decode(&bytes, input) < 0 || bytes.len == 0)
		return 0;
	base64_encode(&text, bytes.data, bytes.len);
	if (base64_decode(&again, text.data) < 0 || again.len != bytes.len ||
	    memcmp(again.data, bytes.data, bytes.len) != 0)
		abort();
	return 0;
}
