/* SPDX-License-Identifier: Apache-2.0 */
/* Options as in fstab, divided by commas. */
#include "mountopt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(buf_deinit) struct buf rest = BUF_NULL;
	cleanup_free char *text = strndup((const char *)data, size);
	char *words = text, *word;
	struct mountopt o = { 0 };

	while (words && (word = strsep(&words, ",")))
		if (mountopt_add(&o, word, &rest) < 0)
			return 0;
	return 0;
}
