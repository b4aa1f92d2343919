/* SPDX-License-Identifier: Apache-2.0 */
#include "recordconfig.h"

#include "internal.h"

Cleat__V1__CreateContainerRequest *recordconfig_read(const struct record *record)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);

	if (request && !request->config)
		recordconfig_freep(&request);
	return request;
}

void recordconfig_freep(Cleat__V1__CreateContainerRequest **request)
{
	if (*request)
		cleat__v1__create_container_request__free_unpacked(*request, NULL);
	*request = NULL;
}

bool recordconfig_is_internal(const struct record *record)
{
	cleanup(recordconfig_freep) Cleat__V1__CreateContainerRequest *request =
		recordconfig_read(record);

	return request && internal_is(request->config);
}
