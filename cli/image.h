/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands do with images. */
#pragma once

#include <stdbool.h>

#include "cli.h"
#include "platformmsg.h"

/* --platform, as platformmsg_read() has it. */
int cli_platform(const struct flags *flags, struct platformmsg *out, Cleat__V1__Platform **message,
		 struct err *err) must_check;

/* The name says neither tag nor digest, so that the default is worth telling. */
bool cli_is_bare(const char *name);

struct pull_request {
	const char *reference;
	bool all_tags, quiet;
	bool to_stderr; /* all of it: another command pulls */
	Cleat__V1__Platform *platform;
};
/* Pulls and tells it as Docker does. */
int cli_pull(struct cli *cli, const struct pull_request *request, struct err *err) must_check;
