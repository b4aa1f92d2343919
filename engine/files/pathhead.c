/* SPDX-License-Identifier: Apache-2.0 */
#include "pathhead.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "str.h"

enum { LINE_MAX_BYTES = 96, NS_PER_S = 1000000000 };
#define SECONDS_MAX (INT64_MAX / NS_PER_S - 1)

/* The next number of the line, moved behind it and the blank. */
static int number(char **line, int64_t min, int64_t max, int64_t *out)
{
	char *word = strsep(line, " ");

	return word && str_int_in(word, min, max, out) == 0 ? 0 : -EBADMSG;
}

static int parse_line(const char *text, size_t n, struct pathhead *out)
{
	char copy[LINE_MAX_BYTES], *line = copy;
	int64_t size, mode, seconds, ns;

	if (n >= sizeof(copy) || memchr(text, '\0', n))
		return -EBADMSG;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (number(&line, 0, INT64_MAX, &size) < 0 || number(&line, 0, UINT32_MAX, &mode) < 0 ||
	    number(&line, INT64_MIN, INT64_MAX, &seconds) < 0 ||
	    number(&line, 0, NS_PER_S - 1, &ns) < 0 || line)
		return -EBADMSG;
	out->size_bytes = (uint64_t)size;
	out->mode = (uint32_t)mode;
	out->mtime_ns = seconds > SECONDS_MAX    ? INT64_MAX
			: seconds < -SECONDS_MAX ? INT64_MIN
						 : seconds * NS_PER_S + ns;
	return 0;
}

int pathhead_parse(const char *text, size_t n, struct pathhead *out)
{
	size_t most = n < PATHHEAD_MAX ? n : PATHHEAD_MAX;
	const char *end = text + most;
	const char *line = memchr(text, '\n', most);
	const char *name = line ? memchr(line, '\0', (size_t)(end - line)) : NULL;
	const char *target = name ? memchr(name + 1, '\0', (size_t)(end - name) - 1) : NULL;

	if (!target)
		return n < PATHHEAD_MAX ? -EAGAIN : -EBADMSG;
	*out = (struct pathhead){ .name = line + 1,
				  .link_target = name + 1,
				  .len = (size_t)(target + 1 - text) };
	return parse_line(text, (size_t)(line - text), out);
}
