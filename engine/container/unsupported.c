/* SPDX-License-Identifier: Apache-2.0 */
#include "unsupported.h"

#include <string.h>

#include "str.h"

static int refuse(const char *what, struct err *err)
{
	return err_set(err, ERR_UNIMPLEMENTED, "%s: not supported by this release", what);
}

int unsupported_check(const Cleat__V1__ContainerConfig *c, struct err *err)
{
	const struct {
		const char *what;
		bool asked;
	} fields[] = {
		{ "--userns", str_or_empty(c->userns_mode)[0] && strcmp(c->userns_mode, "host") },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].asked)
			return refuse(fields[i].what, err);
	return 0;
}
