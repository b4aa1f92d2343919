/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a manifest or index. */
#include "distribution.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct platform wanted = platform_host("x86_64");
	struct distribution d;

	if (distribution_parse((const char *)data, n, &d, NULL) == 0) {
		if (distribution_choose(&d, &wanted) && d.n == 0)
			abort();
		distribution_deinit(&d);
	}
	return 0;
}
