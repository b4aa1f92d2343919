/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <string.h>

#include "str.h"

static int refuse(unsigned major, unsigned minor, struct err *err)
{
	if (major > 1 || (major == 1 && minor > ROUTE_MINOR_MAX))
		return err_set(err, ERR_INVALID,
			       "client version %u.%u is too new. Maximum supported API version is "
			       "1.%d",
			       major, minor, ROUTE_MINOR_MAX);
	return err_set(err, ERR_INVALID,
		       "client version %u.%u is too old. Minimum supported API version is 1.%d, "
		       "please upgrade your client to a newer version",
		       major, minor, ROUTE_MINOR_MIN);
}

/* At most three digits and what follows them, which *p is put behind. */
static bool take_number(const char **p, char end, unsigned *out)
{
	char digits[4] = "";
	size_t n = strspn(*p, "0123456789");
	int64_t value;

	if (n == 0 || n >= sizeof(digits) || (*p)[n] != end)
		return false;
	memcpy(digits, *p, n);
	if (str_int_in(digits, 0, 999, &value) < 0)
		return false;
	*out = (unsigned)value;
	*p += n + 1;
	return true;
}

int route_version(const char **path, struct route_match *match, struct err *err)
{
	const char *p = *path;
	unsigned major, minor;

	match->minor = ROUTE_MINOR_MAX;
	if (strncmp(p, "/v", 2) != 0)
		return 0;
	p += 2;
	if (!take_number(&p, '.', &major) || !take_number(&p, '/', &minor))
		return 0;
	*path = p - 1;
	match->minor = minor;
	return major != 1 || minor < ROUTE_MINOR_MIN || minor > ROUTE_MINOR_MAX
		       ? refuse(major, minor, err)
		       : 0;
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
