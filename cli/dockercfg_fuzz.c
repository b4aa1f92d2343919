/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as config.json: what is stored in it is found again. */
#include "dockercfg.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dockercfg_entry mine = { .username = (char[]){ "u" }, .password = (char[]){ "p" } };
	struct dockercfg_entry found;
	char *stored = NULL;

	if (dockercfg_find((const char *)data, n, "reg:5000", &found, NULL) == 0)
		dockercfg_entry_deinit(&found);
	if (dockercfg_store((const char *)data, n, "reg:5000", &mine, &stored, NULL) < 0)
		return 0;
	if (dockercfg_find(stored, strlen(stored), "reg:5000", &found, NULL) < 0 ||
	    (!found.helper && strcmp(found.username, "u") != 0))
		abort();
	dockercfg_entry_deinit(&found);
	free(stored);
	return 0;
}
