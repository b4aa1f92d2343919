/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways clients write a platform in a query: "linux/arm64/v8", and since API 1.46 as JSON. */
#include <errno.h>
#include <string.h>

#include "exchange.h"
#include "str.h"

void gw_cut_platform(char *text, Cleat__V1__Platform *out)
{
	char *parts[3] = { text, NULL, NULL };

	for (int i = 0; i < 2 && parts[i] && (parts[i + 1] = strchr(parts[i], '/')); i++)
		*parts[i + 1]++ = '\0';
	out->os = parts[0];
	if (parts[1])
		out->architecture = parts[1];
	if (parts[2])
		out->variant = parts[2];
}

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
