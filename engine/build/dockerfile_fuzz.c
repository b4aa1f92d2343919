/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "dockerfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;

	if (dockerfile_parse((const char *)data, size, &file, NULL) == 0)
		for (size_t i = 0; i < file.n; i++)
			for (size_t k = 0; k < file.v[i].words.n; k++)
				(void)instruction_heredoc(&file.v[i], file.v[i].words.v[k]);
	return 0;
}
