/* SPDX-License-Identifier: Apache-2.0 */
/* A line is KEY=VALUE, one filter. */
#include "eventmatch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FILTERS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char *rest = text, *line;
	Cleat__V1__Filter filters[FILTERS], *list[FILTERS];
	char *values[FILTERS];
	size_t n = 0;

	while (rest && n < FILTERS && (line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (value)
			*value++ = '\0';
		cleat__v1__filter__init(&filters[n]);
		filters[n].key = line;
		values[n] = value;
		filters[n].values = &values[n];
		filters[n].n_values = value != NULL;
		list[n] = &filters[n];
		n++;
	}
	if (!text || eventmatch_check(list, n, NULL) < 0)
		return 0;

	Cleat__V1__Event event = CLEAT__V1__EVENT__INIT;

	(void)eventmatch(&event, list, n);
	return 0;
}
