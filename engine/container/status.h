/* SPDX-License-Identifier: Apache-2.0 */
/* What a container does now, read from the file its shim publishes: no lock, no call to the shim. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "mem.h"
#include "record.h"
#include "store/requests.h"

enum { STATUS_DONE = 4 };

struct status {
	Cleat__V1__ContainerState state;
	int pid, shim_pid;
	uint64_t pid_start_ticks; /* tells a reused pid */
	int exit_code;
	bool oom_killed, stopped_by_user;
	int64_t started_ns, finished_ns;
	uint64_t exits;
	uint32_t restart_count;
	Cleat__V1__HealthStatus health; /* NONE: no health check, or never started */
	uint32_t failing_streak;
	char error[256];
	int64_t start_position; /* bytes of output before the last start by a user; -1 = unknown */
	char done[STATUS_DONE][REQUESTS_KEY_MAX]; /* keys of calls the shim carried out last */
};

/* Derives the status from the shim's message (NULL: never started) and the kernel's boot
 * id: what ran in another boot has ended with 255. Pure. */
void status_derive(const Cleat__Shim__V1__ShimStatus *shim, const char *boot_id,
		   struct status *status);

/* Reads the file and derives. A missing or damaged file counts as never started. */
void status_read(const struct engine *engine, const struct record *record, struct status *status);

/* The shim carried out the call of `key` ("" = never). */
bool status_done(const struct status *status, const char *key);

/* It has processes: running, paused or between two starts of its restart policy. */
bool status_active(const struct status *status);

/* Docker's words: "Up 3 minutes (Paused)", "Up 3 seconds (healthy)", "Exited (0) 2 hours ago". Appends. Pure. */
void status_text(const struct status *status, int64_t now_ns, struct buf *out);
/* Docker's word for a state: created, running, ... */
const char *status_word(Cleat__V1__ContainerState state);
/* none, starting, healthy, unhealthy */
const char *status_health_word(Cleat__V1__HealthStatus health);
