/* SPDX-License-Identifier: Apache-2.0 */
/* The file a shim publishes. */
#include "status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	Cleat__Shim__V1__ShimStatus *shim = cleat__shim__v1__shim_status__unpack(NULL, size, data);
	struct status status;

	status_derive(shim, "5f0c9c1e-8e3c-4e0e-9d0a-0a1b2c3d4e5f", &status);
	status_text(&status, INT64_C(1700000000000000000), &text);
	if (text.error || !status_word(status.state))
		abort();
	if (shim)
		cleat__shim__v1__shim_status__free_unpacked(shim, NULL);
	return 0;
}
