/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	config_defaults(&config);
	if (config_parse((const char *)data, size, &config, NULL) < 0)
		return 0;
	return 0;
}
