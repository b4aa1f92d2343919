/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	uint64_t bytes;
	int64_t ns;
	char out[STR_TIME_MAX];

	if (!text)
		return 0;
	if (str_size_bytes(text, &bytes) == 0 && bytes > INT64_MAX)
		abort();
	if (str_duration_ns(text, &ns) == 0 && ns < 0)
		abort();
	if (str_time_ns(text, 0, &ns) == 0)
		str_format_time(ns, out);
	if (str_is_id(text) && !str_is_id_prefix(text))
		abort();
	return 0;
}
