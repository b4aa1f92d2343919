/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *scratch = malloc(size + 1);
	struct jsonline line;

	if (scratch)
		(void)!jsonline_parse((const char *)data, size, scratch, &line);
	return 0;
}
