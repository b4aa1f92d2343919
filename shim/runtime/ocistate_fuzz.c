/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = NULL;
	struct state s;

	if (state_parse((const char *)data, size, &s, NULL) < 0)
		return 0;
	text = state_json(&s, STATUS_RUNNING);
	state_free(&s);
	return 0;
}
