/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a reference; what is accepted parses to the same when written out, in full and for users. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char full[REFERENCE_MAX], familiar[REFERENCE_MAX];
	struct reference ref, again;
	char *text = strndup((const char *)data, n);

	if (text && reference_parse(text, &ref, NULL) == 0) {
		reference_full(&ref, full);
		if (reference_parse(full, &again, NULL) < 0 || strcmp(again.path, ref.path) != 0)
			abort();
		reference_familiar(full, familiar);
		if (reference_parse(familiar, &again, NULL) < 0 ||
		    strcmp(again.path, ref.path) != 0)
			abort();
	}
	free(text);
	return 0;
}
