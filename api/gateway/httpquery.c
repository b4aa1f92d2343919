/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for besides its path: parameters and headers. */
#include <microhttpd.h>
#include <string.h>

#include "http.h"

static const char *value_of(const struct http_request *request, enum MHD_ValueKind kind,
			    const char *name)
{
	return MHD_lookup_connection_value(request->connection, kind, name);
}

const char *http_query(const struct http_request *request, const char *name)
{
	const char *value = value_of(request, MHD_GET_ARGUMENT_KIND, name);

	return value ? value : "";
}

const char *http_query_bytes(const struct http_request *request, const char *name, size_t *n)
{
	const char *value = NULL;

	*n = 0;
	(void)MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
					    strlen(name), &value, n);
	return value ? value : "";
}

struct nth {
	const char *name, *value;
	size_t left;
};

static enum MHD_Result find_nth(void *ctx, enum MHD_ValueKind kind, const char *key,
				const char *value)
{
	struct nth *n = ctx;

	(void)kind;
	if (strcmp(key, n->name) != 0 || n->left-- > 0)
		return MHD_YES;
	n->value = value ? value : "";
	return MHD_NO;
}

const char *http_query_nth(const struct http_request *request, const char *name, size_t i)
{
	struct nth n = { .name = name, .left = i };

	if (request->connection)
		(void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND,
						find_nth, &n);
	return n.value;
}

bool http_has_query(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
					     strlen(name), &(const char *){ NULL },
					     NULL) == MHD_YES;
}

const char *http_header(const struct http_request *request, const char *name)
{
	const char *value = value_of(request, MHD_HEADER_KIND, name);

	return value ? value : "";
}
