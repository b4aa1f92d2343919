/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as X-Registry-Auth. */
#include "registryauth.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *text = strndup((const char *)data, n);
	Cleat__V1__RegistryAuth *auth = NULL;

	if (text && registryauth_header(text, &auth, NULL) == 0)
		cleat__v1__registry_auth__free_unpacked(auth, NULL);
	return 0;
}
