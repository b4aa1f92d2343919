/* SPDX-License-Identifier: Apache-2.0 */
/* One line of Docker's json-file log: {"log":"text\n","stream":"stdout","time":"2024-01-02T..."}. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum { JSONLINE_MAX = 256 << 10 };

struct jsonline {
	char *log; /* in `scratch` */
	size_t log_len;
	uint8_t stream; /* 1 stdout, 2 stderr */
	int64_t time_ns;
};

/* The line of n bytes without its newline. `scratch` holds at least n bytes. Unknown members are passed
 * over. 0 or -EBADMSG. */
int jsonline_parse(const char *text, size_t n, char *scratch, struct jsonline *out) must_check;
