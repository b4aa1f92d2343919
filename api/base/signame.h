/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name (signal(7)). Pure. */
#pragma once

#include "mem.h"

/* The number of "TERM", "SIGTERM", "sigterm", "RTMIN+3" or "15". 0, or -EINVAL. */
int signame_number(const char *text, int *number) must_check;
