/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *name = strndup((const char *)data, size);
	uint64_t start;
	pid_t pid;

	if (name)
		(void)!lease_parse(name, &pid, &start);
	return 0;
}
