/* SPDX-License-Identifier: Apache-2.0 */
/* Three lines: the keys of a sequence, a signal, what is typed. */
#include "detach.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "signame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_free uint8_t *out = malloc(size + DETACH_MAX);
	char *rest = text, *keys = text ? strsep(&rest, "\n") : NULL;
	char *sig = rest ? strsep(&rest, "\n") : NULL;
	struct detach d = { 0 };
	size_t n_out;
	int number;

	if (sig && signame_number(sig, &number) == 0 && number < 0)
		abort();
	if (!out || !keys || detach_parse(&d, keys, NULL) < 0 || !rest)
		return 0;
	for (size_t half = strlen(rest) / 2, i = 0; i < 2; i++) {
		size_t n = i ? strlen(rest) - half : half;

		if (detach_filter(&d, (const uint8_t *)rest + (i ? half : 0), n, out, &n_out))
			break;
	}
	return 0;
}
