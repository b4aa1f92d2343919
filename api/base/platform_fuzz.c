/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is written so that it reads the same again. */
#include "platform.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *text = strndup((const char *)data, n);
	struct platform first, again;
	char written[96], rewritten[96];

	if (!text || platform_parse(text, &first, NULL) < 0)
		return 0;
	platform_format(&first, written);
	if (platform_parse(written, &again, NULL) < 0)
		abort();
	platform_format(&again, rewritten);
	if (strcmp(written, rewritten) != 0)
		abort();
	return 0;
}
