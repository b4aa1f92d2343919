/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "seccompprofile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seccomp_host host = { .caps = 0xff, .kernel = 6, .minor = 1 };
	char *text = strndup((const char *)data, size);
	json_t *out = NULL;

	if (seccomp_profile(text, &host, &out, NULL) == 0)
		json_decref(out);
	free(text);
	return 0;
}
