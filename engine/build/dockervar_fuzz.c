/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "dockervar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'U' ? NULL : "a/b c.*";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dockervar vars = { '\\', get, NULL, size && data[0] == 'k' };
	cleanup(strings_deinit) struct strings words = { 0 };
	cleanup_free char *text = strndup((const char *)data, size), *out = NULL;

	if (text && dockervar_word(&vars, text, &out, NULL) == 0)
		(void)!dockervar_words(&vars, text, &words, NULL);
	return 0;
}
