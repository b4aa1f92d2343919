/* SPDX-License-Identifier: Apache-2.0 */
#include "usernsmode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static int bad(const char *mode, struct err *err)
{
	return err_set(err, ERR_INVALID,
		       "invalid userns mode: %.80s: expected host or auto[:size=N], N from %d to "
		       "%d",
		       mode, USERNS_SIZE_MIN, USERNS_SIZE_MAX);
}

int usernsmode_parse(const char *mode, uint32_t *size, struct err *err)
{
	static const char *const others[] = {
		"auto:uidmapping=", "auto:gidmapping=", "container:", "ns:", "keep-id", "nomap",
		"private"
	};
	static const char option[] = "auto:size=";
	int64_t n = USERNS_SIZE;

	*size = 0;
	if (!mode[0] || strcmp(mode, "host") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_has_prefix(mode, others[i]))
			return err_set(err, ERR_UNIMPLEMENTED,
				       "--userns %.80s: not supported by this release", mode);
	if (strcmp(mode, "auto") != 0 &&
	    (!str_has_prefix(mode, option) ||
	     str_int_in(mode + strlen(option), USERNS_SIZE_MIN, USERNS_SIZE_MAX, &n) < 0))
		return bad(mode, err);
	*size = (uint32_t)n;
	return 0;
}

int usernsmode_subid(const char *text, const char *user, struct idrange *out)
{
	size_t n = strlen(user);

	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[64];

		if (len > n && len - n < sizeof(line) && text[n] == ':' &&
		    strncmp(text, user, n) == 0) {
			(void)snprintf(line, sizeof(line), "%.*s", (int)(len - n - 1),
				       text + n + 1);
			if (idrange_parse(line, out) == 0)
				return 0;
		}
		text += len + (text[len] == '\n');
	}
	return -ENOENT;
}
