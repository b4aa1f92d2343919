/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a worker's result; each path it names is looked up. */
#include <stdint.h>
#include <string.h>

#include "result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct result result = { 0 };
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	if (result_parse(text, &result) == 0)
		for (size_t i = 0; i < result.n && i < 100; i++)
			if (!result_find(&result, result.v[i].path) &&
			    result.v[i].kind != RESULT_LINK)
				continue;
	result_deinit(&result);
	free(text);
	return 0;
}
