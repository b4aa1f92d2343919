/* SPDX-License-Identifier: Apache-2.0 */
/* What a long operation tells on the way, on standard error: a line for each step that is drawn over on a
 * terminal, else a line for each change of a step's status. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/common.pb-c.h"

enum { PROGRESS_LINES_MAX = 256 };

struct progress {
	bool quiet, terminal;
	size_t n; /* steps known */
	struct progress_step {
		char id[80], status[80];
		int64_t since_ns;    /* of its status */
		uint64_t from_bytes; /* where it stood then */
	} steps[PROGRESS_LINES_MAX];
};

void progress_init(struct progress *p, bool quiet);
void progress_show(struct progress *p, const Cleat__V1__Progress *message);
