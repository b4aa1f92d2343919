/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cpulist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct cpulist list;

	if (cpulist_parse(text, &list) == 0 && cpulist_count(&list) > CPULIST_MAX)
		abort();
	free(text);
	return 0;
}
