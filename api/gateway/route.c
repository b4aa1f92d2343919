/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <string.h>

#include "str.h"

static int refuse(unsigned minor, struct err *err)
{
	if (minor > ROUTE_MINOR_MAX)
		return err_set(err, ERR_INVALID,
			       "client version 1.%u is too new. Maximum supported API version is "
			       "1.%d",
			       minor, ROUTE_MINOR_MAX);
	return err_set(err, ERR_INVALID,
		       "client version 1.%u is too old. Minimum supported API version is 1.%d, "
		       "please upgrade your client to a newer version",
		       minor, ROUTE_MINOR_MIN);
}

int route_version(const char **path, struct route_match *match, struct err *err)
{
	const char *p = *path;
	char digits[4] = "";
	size_t n;
	int64_t minor;

	match->minor = ROUTE_MINOR_MAX;
	if (strncmp(p, "/v1.", 4) != 0)
		return 0;
	n = strspn(p + 4, "0123456789");
	if (n == 0 || n >= sizeof(digits) || p[4 + n] != '/')
		return 0;
	memcpy(digits, p + 4, n);
	if (str_int_in(digits, 0, 999, &minor) < 0)
		return 0;
	*path = p + 4 + n;
	match->minor = (unsigned)minor;
	return minor < ROUTE_MINOR_MIN || minor > ROUTE_MINOR_MAX ? refuse(match->minor, err) : 0;
}

bool route_matches(const char *pattern, const char *path, struct route_match *match)
{
	const char *hole = strstr(pattern, "{}");
	size_t before, after, n = strlen(path);

	if (!hole)
		return strcmp(pattern, path) == 0;
	before = (size_t)(hole - pattern);
	after = strlen(hole + 2);
	if (n <= before + after || n - before - after >= ROUTE_PARAM_MAX ||
	    strncmp(path, pattern, before) != 0 || strcmp(path + n - after, hole + 2) != 0)
		return false;
	memcpy(match->param, path + before, n - before - after);
	match->param[n - before - after] = '\0';
	return true;
}
