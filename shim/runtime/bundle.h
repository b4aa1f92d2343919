/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of the OCI runtime specification to a checked plan. Pure: no file is opened. Every
 * error names the place in the JSON. */
#pragma once

#include "err.h"
#include "plan.h"

enum { BUNDLE_SIZE_MAX = 4 << 20, BUNDLE_LIST_MAX = 4096 };

/* Parses n bytes. On failure *plan is zeroed. */
int bundle_parse(struct plan *plan, const char *text, size_t n, struct err *err) must_check;

/* Parses a resources object alone, as update --resources takes it. */
int bundle_parse_resources(struct plan *plan, const char *text, size_t n,
			   struct err *err) must_check;
/* Parses a process object alone, as exec --process takes it. */
int bundle_parse_process(struct plan *plan, const char *text, size_t n, struct err *err) must_check;
