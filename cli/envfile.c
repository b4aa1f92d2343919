/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's rules (opts/file.go there): a line is taken as it stands behind the equals sign. */
#include "envfile.h"

#include <errno.h>
#include <string.h>

static int one_line(const char *name, size_t number, char *line,
		    int (*each)(void *arg, const char *line, struct err *err), void *arg,
		    struct err *err)
{
	size_t n = strlen(line);
	size_t key;

	if (n > 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	key = strcspn(line, "=");
	if (key == 0)
		return err_set(err, ERR_INVALID, "%s: line %zu: no variable name on line '%s'",
			       name, number, line);
	if (strcspn(line, " \t") < key)
		return err_set(err, ERR_INVALID,
			       "%s: line %zu: variable '%.*s' contains whitespaces", name, number,
			       (int)key, line);
	return each(arg, line, err);
}

int envfile_parse(const char *name, const char *text, size_t n,
		  int (*each)(void *arg, const char *line, struct err *err), void *arg,
		  struct err *err)
{
	const char *end = text + n;

	if (n > 0 && memchr(text, '\0', n))
		return err_set(err, ERR_INVALID, "%s: contains a NUL byte", name);
	for (size_t number = 1; text < end; number++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *stop = eol ? eol : end;
		cleanup_free char *line = strndup(text, (size_t)(stop - text));
		int r;

		if (!line)
			return err_sys(err, ENOMEM, "%s", name);
		r = one_line(name, number, line, each, arg, err);
		if (r < 0)
			return r;
		text = eol ? eol + 1 : end;
	}
	return 0;
}
