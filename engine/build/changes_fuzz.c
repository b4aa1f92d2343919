/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "changes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *line = strndup((const char *)data, n);
	json_t *config = json_object();

	if (line)
		(void)!changes_apply(config, (char *[]){ line, line }, 2, NULL);
	json_decref(config);
	return 0;
}
