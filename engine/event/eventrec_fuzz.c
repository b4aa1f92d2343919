/* SPDX-License-Identifier: Apache-2.0 */
#include "eventrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Cleat__V1__Event *event = NULL;
	uint64_t origin;

	if (eventrec_decode(data, size, &event, &origin) > 0)
		cleat__v1__event__free_unpacked(event, NULL);
	return 0;
}
