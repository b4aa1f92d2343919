/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as config.json has it, to a program. */
#include <stdlib.h>

#include "filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_filter filter = { 0 };
	struct jval profile = { .v = json_loadb((const char *)data, size, 0, NULL) };

	if (profile.v && filter_compile(&profile, &filter, NULL) == 0)
		filter_free(&filter);
	json_decref(profile.v);
	return 0;
}
