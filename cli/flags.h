/* SPDX-License-Identifier: Apache-2.0 */
/* Command line flags as Docker's users write them, from a table: --name=value, --name value, -n
 * value, -nvalue, -abc for switches, "--" as the end. Pure; never blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum flag_kind {
	FLAG_SWITCH, /* takes no word; --name=false switches off */
	FLAG_TEXT,   /* the last one counts */
	FLAG_LIST,   /* all count, in order */
};

struct flag {
	const char *name; /* without dashes; NULL ends a table */
	char letter;      /* 0 = none */
	enum flag_kind kind;
	const char *value; /* what help calls the value: "string", "list" */
	const char *help;  /* NULL = works, but help does not show it */
};

struct flag_use {
	const struct flag *flag;
	const char *value; /* borrowed from argv */
};

struct flags {
	struct flag_use *uses;
	size_t n_uses;
	const char **args; /* the words that are no flags, borrowed from argv */
	size_t n_args;
};

/* Reads argv[0..argc) by `table`. With `stop_early` the first word that is no flag ends the flags, as
 * `run` and `exec` need it. ERR_INVALID naming the flag; *f is to be freed in any case. */
int flags_parse(struct flags *f, const struct flag *table, size_t argc, char *const *argv,
		bool stop_early, struct err *err) must_check;
void flags_deinit(struct flags *f);

bool flags_switch(const struct flags *f, const char *name);
/* The switch was given, on or off. */
bool flags_given(const struct flags *f, const char *name);
/* The last value, NULL when not given. */
const char *flags_text(const struct flags *f, const char *name);
/* The value given i-th, NULL behind the last: for (i = 0; (v = flags_nth(f, "env", i)); i++). */
const char *flags_nth(const struct flags *f, const char *name, size_t i);
