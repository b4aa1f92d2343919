/* SPDX-License-Identifier: Apache-2.0 */
#include "usernsmode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct idrange range = { 0, 0 };
	struct err err = ERR_NULL;
	uint32_t n;

	if (text && usernsmode_subid(text, "cleat", &range) == 0 &&
	    (range.first < IDRANGE_FIRST_MIN || !range.n || range.first > UINT32_MAX - range.n))
		abort();
	if (text && usernsmode_parse(text, &n, &err) == 0 && n > USERNS_SIZE_MAX)
		abort();
	return 0;
}
