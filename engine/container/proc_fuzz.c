/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_stat stat;

	if (proc_parse_stat((const char *)data, size, &stat) < 0)
		return 0;
	return 0;
}
