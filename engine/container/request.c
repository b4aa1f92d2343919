/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "internal.h"

void request_freep(create_request **request)
{
	if (*request)
		cleat__v1__create_container_request__free_unpacked(*request, NULL);
}

create_request *request_of(const struct record *record, struct err *err)
{
	cleanup(request_freep) create_request *request =
		cleat__v1__create_container_request__unpack(NULL, record->config_len,
							    record->config);

	if (request && request->config)
		return steal(&request);
	(void)err_set(err, ERR_INTERNAL, "the record of container %.12s cannot be read",
		      record->id);
	return NULL;
}

bool request_is_internal(const struct record *record)
{
	cleanup(request_freep) create_request *request = request_of(record, NULL);

	return request && internal_is(request->config);
}
