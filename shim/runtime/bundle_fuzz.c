/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"
#include "jspan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t start, len;
	struct plan plan;

	if (jspan_find((const char *)data, size, "linux", "seccomp", &start, &len) &&
	    (start > size || len > size - start))
		abort();
	if (!bundle_parse(&plan, (const char *)data, size, NULL))
		plan_free(&plan);
	return 0;
}
