/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is printed again and read as the same. */
#include <string.h>

#include "layerrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *text = strndup((const char *)data, n);
	cleanup(buf_deinit) struct buf again = BUF_NULL;
	struct layerrecord a = { 0 }, b = { 0 };

	if (!text || layerrecord_parse(text, &a) < 0)
		return 0;
	layerrecord_print(&a, &again);
	if (layerrecord_parse(again.data, &b) < 0 || memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	return 0;
}
