/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer sends becomes what the engine reads; there and back it is the same. */
#include "reframe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reframe there = { .direction = REFRAME_TO_IPC },
		       back = { .direction = REFRAME_TO_TCP };
	uint8_t *ipc = malloc(2 * size + 1), *tcp = malloc(4 * size + 1);
	size_t cut = size ? data[0] % size : 0, n = 0;
	ptrdiff_t r = 0;

	if (!ipc || !tcp)
		abort();
	r = reframe(&there, data, cut, ipc);
	if (r < 0 || (size_t)r > 2 * cut)
		abort();
	n = (size_t)r;
	r = reframe(&there, data + cut, size - cut, ipc + n);
	if (r < 0 || (size_t)r > 2 * (size - cut))
		abort();
	n += (size_t)r;
	r = reframe(&back, ipc, n, tcp);
	if (r != (ptrdiff_t)size || (size && memcmp(tcp, data, size) != 0))
		abort();
	free(ipc);
	free(tcp);
	return 0;
}
