/* SPDX-License-Identifier: Apache-2.0 */
#include "filtersjson.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	Cleat__V1__Filter **filters;
	size_t n;

	if (text && filtersjson_parse(text, &filters, &n, NULL) == 0)
		filtersjson_free(filters, n);
	return 0;
}
