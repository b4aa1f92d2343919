/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each of the documents. */
#include <stdint.h>

#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct manifest_entry *entries = NULL;
	struct manifests found = { 0 };
	struct image_config config;
	size_t n_entries;

	if (manifest_parse_save(text, n, &found, NULL) +
		    manifest_parse_image(text, n, "", &found, NULL) <
	    0)
		(void)0;
	manifests_deinit(&found);
	if (manifest_parse_index(text, n, &entries, &n_entries, NULL) == 0)
		free(entries);
	if (image_config_parse(text, n, &config, NULL) == 0)
		image_config_deinit(&config);
	return 0;
}
