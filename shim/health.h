/* SPDX-License-Identifier: Apache-2.0 */
/* What the results of a container's health check mean: Docker's rules (moby daemon/health.go). Pure: time
 * is an argument, and all times are nanoseconds of one clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum {
	HEALTH_OUTPUT_MAX = 4096, /* bytes of a probe's output that are kept */
	HEALTH_RESULTS = 5,       /* the last of them are kept */
	HEALTH_START_MS = 30000,  /* for a probe to begin, which its own time-out does not count */
};

/* Numbers as in cleat.v1.HealthStatus. */
enum health_status { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

/* All set: health_config_default() fills in. */
struct health_config {
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	uint32_t retries;
};

struct health {
	enum health_status status;
	uint32_t streak; /* failures one after the other that counted */
};

/* The first bytes of a probe's output, as text. */
struct health_output {
	char text[HEALTH_OUTPUT_MAX + 80]; /* room for what is said about it */
	size_t n;
	bool truncated;
};

/* Where a value is 0 Docker's default: 30 s, 30 s, none, 5 s, 3 times. No interval is below 1 ms. */
void health_config_default(struct health_config *config);

/* The container was started: nothing is known. */
void health_begin(struct health *health);
/* A probe that began `since_start_ns` after the container did has this exit code, -1 when it has none.
 * Returns whether the status is another one now. */
bool health_result(struct health *health, const struct health_config *config, int exit_code,
		   int64_t since_start_ns) must_check;
/* From now, `since_start_ns` after the container's start, to the next probe. */
int64_t health_wait_ns(const struct health *health, const struct health_config *config,
		       int64_t since_start_ns);

void health_output_add(struct health_output *output, const char *data, size_t n);
/* No more is to come: a C string of valid UTF-8, in which "..." stands for what was too much. */
void health_output_end(struct health_output *output);
/* The same for a probe that was ended after timeout_ns, with a sentence that says so before it. */
void health_output_timeout(struct health_output *output, int64_t timeout_ns);

enum { HEALTH_DURATION_MAX = 40 };
/* As Go writes a duration: 30s, 1m30s, 1.5s, 100ms. */
const char *health_duration(int64_t ns, char out[HEALTH_DURATION_MAX]);
