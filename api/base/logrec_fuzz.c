/* SPDX-License-Identifier: Apache-2.0 */
#include "logrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logrec rec, last;
	ptrdiff_t n = logrec_decode(data, size, &rec);

	if (n > 0 && ((size_t)n > size || rec.data + rec.size > (const char *)data + size))
		abort();
	if (n > 0 && logrec_decode_last(data, (size_t)n, &last) != n)
		abort();
	if (logrec_decode_last(data, size, &last) > (ptrdiff_t)size)
		abort();
	return 0;
}
