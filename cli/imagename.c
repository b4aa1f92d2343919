/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "image.h"

int cli_platform(const struct flags *flags, struct platformmsg *out, Cleat__V1__Platform **message,
		 struct err *err)
{
	return platformmsg_read(flags_text(flags, "platform"), out, message, err);
}

bool cli_is_bare(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strpbrk(slash ? slash : name, ":@");
}
