/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const patterns[] = { "/_ping", "/containers/{}/json", "/images/{}",
						"/containers/{}/attach/ws" };
	cleanup_free char *text = strndup((const char *)data, size);
	struct route_match match = { 0 };
	const char *path = text;

	if (!text || route_version(&path, &match, NULL) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (route_matches(patterns[i], path, &match) && strlen(match.param) > strlen(text))
			abort();
	return 0;
}
