/* SPDX-License-Identifier: Apache-2.0 */
/* Lines are the arguments of ps. */
#include "top.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char *rest = text, *word;
	const char *args[WORDS];
	struct top_columns columns;
	size_t n = 0;

	while (rest && n < WORDS && (word = strsep(&rest, "\n")))
		args[n++] = word;
	if (!text || top_parse(args, n, &columns, NULL) < 0)
		return 0;
	for (int i = 0; i < columns.n; i++)
		if (!top_title(&columns, i))
			abort();
	return 0;
}
