/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a worker says of a path: its texts end within them. */
#include <stdlib.h>
#include <string.h>

#include "pathhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pathhead h;

	if (pathhead_parse((const char *)data, n, &h) < 0)
		return 0;
	if (h.len > n || h.name + strlen(h.name) + 1 != h.link_target ||
	    h.link_target + strlen(h.link_target) + 1 != (const char *)data + h.len)
		abort();
	return 0;
}
