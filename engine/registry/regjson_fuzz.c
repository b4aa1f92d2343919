/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each of the answers. */
#include "regjson.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char out[REGJSON_TEXT_MAX];
	struct strings tags = { 0 };
	char *token = NULL;

	regjson_error((const char *)data, n, out);
	if (regjson_token((const char *)data, n, &token, NULL) == 0)
		free(token);
	token = NULL;
	if (regjson_identity((const char *)data, n, &token) == 0)
		free(token);
	struct regjson_found *found = NULL;
	size_t count = 0;

	if (regjson_search((const char *)data, n, &found, &count, NULL) == 0)
		regjson_found_free(found, count);
	(void)!regjson_tags((const char *)data, n, &tags, NULL);
	strings_deinit(&tags);
	return 0;
}
