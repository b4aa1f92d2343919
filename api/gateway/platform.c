/* SPDX-License-Identifier: Apache-2.0 */
/* Since API 1.46 some queries have a platform as JSON; for the others there is platformmsg.h. */
#include <errno.h>
#include <string.h>

#include "exchange.h"
#include "str.h"

static void take(const json_t *root, const char *key, char **out)
{
	const char *text = json_string_value(json_object_get(root, key));

	if (text)
		*out = (char *)(uintptr_t)text;
}

int gw_json_platform(struct gw *gw, json_t **root, Cleat__V1__Platform *out, struct err *err)
{
	const char *text = http_query(gw->http, "platform");

	*root = NULL;
	if (!text[0])
		return 0;
	*root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	take(*root, "os", &out->os);
	take(*root, "architecture", &out->architecture);
	take(*root, "variant", &out->variant);
	if (out->os[0] && out->architecture[0])
		return 1;
	return err_set(err, ERR_INVALID,
		       "invalid platform: expected a JSON object with os and architecture");
}
