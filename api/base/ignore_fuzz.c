/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a path, the rest a .dockerignore. */
#include <stdint.h>
#include <string.h>

#include "ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(ignore_deinit) struct ignore ignore = IGNORE_NULL;
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t n = newline ? (size_t)(newline - data) : size;
	cleanup_free char *path = strndup((const char *)data, n);
	const char *rest = (const char *)data + n + (newline != NULL);

	if (path && ignore_parse(rest, size - n - (newline != NULL), &ignore, NULL) == 0)
		(void)ignore_match(&ignore, path);
	return 0;
}
