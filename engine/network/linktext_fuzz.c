/* SPDX-License-Identifier: Apache-2.0 */
#include "linktext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct linktext link;

	if (text && linktext_parse(text, &link) == 0 &&
	    (!linktext_is_word(link.target) || !linktext_is_word(link.alias)))
		abort();
	return 0;
}
