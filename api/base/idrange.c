/* SPDX-License-Identifier: Apache-2.0 */
#include "idrange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

int idrange_parse(const char *text, struct idrange *out)
{
	const size_t n = strcspn(text, ":");
	int64_t first, count;
	char word[16];

	if (text[n] != ':' || n >= sizeof(word))
		return -EINVAL;
	(void)snprintf(word, sizeof(word), "%.*s", (int)n, text);
	if (str_int_in(word, IDRANGE_FIRST_MIN, UINT32_MAX - 1, &first) < 0 ||
	    str_int_in(text + n + 1, 1, (int64_t)UINT32_MAX - first, &count) < 0)
		return -EINVAL;
	*out = (struct idrange){ (uint32_t)first, (uint32_t)count };
	return 0;
}
