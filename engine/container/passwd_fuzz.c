/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of the input is the user, what follows is both files. */
#include "passwd.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t n = end ? (size_t)(end - data) : 0;
	cleanup_free char *spec = strndup((const char *)data, n);
	char *extra[] = { spec };
	struct passwd_user user;

	if (spec && end) {
		const char *text = (const char *)end;
		const struct passwd_files files = { text, text, size - n, size - n };

		(void)!passwd_resolve(&files, spec, extra, 1, &user, NULL);
	}
	return 0;
}
