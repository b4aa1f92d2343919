/* SPDX-License-Identifier: Apache-2.0 */
#include "slotfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *record = NULL;
	size_t len = 0;

	if (slotfile_newest(data, size, &record, &len) &&
	    ((const uint8_t *)record < data || (const uint8_t *)record + len > data + size))
		abort();
	return 0;
}
