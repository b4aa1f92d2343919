/* SPDX-License-Identifier: Apache-2.0 */
/* The flags in front of an instruction's arguments: --name=value, --switch. Pure; of dockerfile.c. */
#pragma once

#include <stdbool.h>

#include "dockerfile.h"
#include "err.h"
#include "mem.h"

struct flag_rule {
	const char *name; /* NULL ends a table */
	bool is_switch, repeated;
};

/* Reads those that `rules` know; *rest is moved behind them. -EINVAL with Docker's sentence. */
int dockerflag_read(struct instruction *in, const struct flag_rule *rules, const char **rest,
		    char escape, struct err *err) must_check;
