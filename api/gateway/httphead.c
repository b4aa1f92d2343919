/* SPDX-License-Identifier: Apache-2.0 */
#include "httphead.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct head {
	unsigned lengths, codings, hosts;
	const char *coding;
	bool odd;
};

/* A name with anything else may be a header to one reader and none to another: "Content-Length : 2". */
static bool is_token(const char *name)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name && name[strspn(name, token)] == '\0';
}

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
			    const char *value, size_t value_size)
{
	struct head *h = arg;

	(void)kind;
	h->odd = h->odd || !is_token(name) || strlen(name) != name_size ||
		 (value && strlen(value) != value_size);
	h->lengths += strcasecmp(name, "Content-Length") == 0;
	h->hosts += strcasecmp(name, "Host") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		h->codings++;
		h->coding = value ? value : "";
	}
	return MHD_YES;
}

const char *httphead_refused(struct MHD_Connection *connection, const char *version)
{
	struct head h = { 0 };

	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &h);
	if (h.odd)
		return "a header has a character that is not allowed there";
	if (h.lengths > 1)
		return "more than one Content-Length";
	if (h.codings && h.lengths)
		return "both Content-Length and Transfer-Encoding";
	if (h.codings > 1 || (h.coding && strcasecmp(h.coding, "chunked") != 0))
		return "Transfer-Encoding: expected chunked";
	if (h.codings && strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
		return "Transfer-Encoding before HTTP/1.1";
	if (h.hosts > 1 || (h.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0))
		return "expected one Host";
	return NULL;
}
