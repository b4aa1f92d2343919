/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "image.h"

/* Cut in place in a copy that the message borrows. */
bool cli_platform(const struct flags *flags, struct cli_platform *out)
{
	const char *given = flags_text(flags, "platform");
	char *parts[3] = { out->text, NULL, NULL };

	cleat__v1__platform__init(&out->message);
	if (!given || !given[0])
		return false;
	snprintf(out->text, sizeof(out->text), "%s", given);
	for (int i = 0; i < 2 && parts[i] && (parts[i + 1] = strchr(parts[i], '/')); i++)
		*parts[i + 1]++ = '\0';
	out->message.os = parts[0];
	if (parts[1])
		out->message.architecture = parts[1];
	if (parts[2])
		out->message.variant = parts[2];
	return true;
}

bool cli_is_bare(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strpbrk(slash ? slash : name, ":@");
}
