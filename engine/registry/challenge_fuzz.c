/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as WWW-Authenticate. */
#include "challenge.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *text = strndup((const char *)data, n);
	struct challenge challenge;

	if (text && challenge_parse(text, &challenge) == 0 && challenge.scheme == CHALLENGE_NONE)
		abort();
	return 0;
}
