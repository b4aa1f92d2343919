/* SPDX-License-Identifier: Apache-2.0 */
#include "cpulist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number at *text, which is moved behind it. */
static int number(const char **text, unsigned long *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	*value = strtoul(*text, &end, 10);
	*text = end;
	return *value < CPULIST_MAX ? 0 : -EINVAL;
}

int cpulist_parse(const char *text, struct cpulist *list)
{
	memset(list, 0, sizeof(*list));
	if (!*text || *text == '\n')
		return 0;
	for (;;) {
		unsigned long first, last;

		if (number(&text, &first) < 0)
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (number(&text, &last) < 0 || last < first)
				return -EINVAL;
		}
		for (unsigned long i = first; i <= last; i++)
			list->bits[i / 64] |= UINT64_C(1) << i % 64;
		if (!*text || !strcmp(text, "\n"))
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}

size_t cpulist_count(const struct cpulist *list)
{
	size_t n = 0;

	for (size_t i = 0; i < CPULIST_MAX / 64; i++)
		n += (size_t)__builtin_popcountll(list->bits[i]);
	return n;
}

bool cpulist_within(const struct cpulist *part, const struct cpulist *whole)
{
	for (size_t i = 0; i < CPULIST_MAX / 64; i++)
		if (part->bits[i] & ~whole->bits[i])
			return false;
	return true;
}
