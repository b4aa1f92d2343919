/* SPDX-License-Identifier: Apache-2.0 */
/* The file `health`: what the last health checks found. */
#pragma once

#include <stddef.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "health.h"
#include "mem.h"

/* Zeroed it is empty. */
struct healthlog {
	Cleat__Shim__V1__HealthResult
		results[HEALTH_RESULTS]; /* the oldest first; each output is owned */
	size_t n;
};

/* Copies the result, but takes `output` over in place of its own; nothing when that is NULL. The oldest goes
 * when there are too many. */
void healthlog_add(struct healthlog *log, const Cleat__Shim__V1__HealthResult *result,
		   char *output);
/* Replaces the file below state_fd: 0 or -errno. */
int healthlog_write(const struct healthlog *log, int state_fd) must_check;
/* Adds what the file has; a missing or damaged one has nothing. */
void healthlog_read(struct healthlog *log, int state_fd);
