/* SPDX-License-Identifier: Apache-2.0 */
/* Spans are rounded as Docker's
 * go-units does: people and scripts know these words. */
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "slotfile.h"
#include "str.h"

static const char *const words[] = {
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_CREATED] = "created",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING] = "running",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED] = "paused",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING] = "restarting",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_REMOVING] = "removing",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED] = "exited",
	[CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_DEAD] = "dead",
};

static const Cleat__V1__ContainerState states[] = {
	[CLEAT__SHIM__V1__STATE__CREATED] = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_CREATED,
	[CLEAT__SHIM__V1__STATE__RUNNING] = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING,
	[CLEAT__SHIM__V1__STATE__PAUSED] = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED,
	[CLEAT__SHIM__V1__STATE__RESTARTING] =
		CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING,
	[CLEAT__SHIM__V1__STATE__EXITED] = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED,
};

const char *status_word(Cleat__V1__ContainerState state)
{
	return (size_t)state < ARRAY_LEN(words) && words[state] ? words[state] : "created";
}

const char *status_health_word(Cleat__V1__HealthStatus health)
{
	static const char *const healths[] = {
		[CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_NONE] = "none",
		[CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_STARTING] = "starting",
		[CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_HEALTHY] = "healthy",
		[CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_UNHEALTHY] = "unhealthy",
	};

	return (size_t)health < ARRAY_LEN(healths) ? healths[health] : healths[0];
}

bool status_active(const struct status *status)
{
	return status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING ||
	       status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED ||
	       status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING;
}

bool status_done(const struct status *status, const char *key)
{
	for (size_t i = 0; key[0] && i < STATUS_DONE; i++)
		if (strcmp(status->done[i], key) == 0)
			return true;
	return false;
}

static void end_with_host(struct status *status)
{
	status->state = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED;
	status->exit_code = 255;
	status->pid = 0;
	status->exits++;
	if (status->health)
		status->health = CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_UNHEALTHY;
}

static void derive_health(const Cleat__Shim__V1__Health *health, struct status *status)
{
	if (!health || health->status > CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_UNHEALTHY)
		return;
	status->health = (Cleat__V1__HealthStatus)health->status;
	status->failing_streak = health->failing_streak;
}

void status_derive(const Cleat__Shim__V1__ShimStatus *shim, const char *boot_id,
		   struct status *status)
{
	*status = (struct status){
		.state = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_CREATED,
		.start_position = -1,
	};
	if (shim) {
		if ((size_t)shim->state < ARRAY_LEN(states))
			status->state = states[shim->state];
		status->pid = shim->pid;
		status->pid_start_ticks = shim->pid_start_ticks;
		status->shim_pid = shim->shim_pid;
		status->exit_code = shim->exit_code;
		status->oom_killed = shim->oom_killed;
		status->stopped_by_user = shim->stopped_by_user;
		status->started_ns = shim->started_ns;
		status->finished_ns = shim->finished_ns;
		status->exits = shim->exits;
		status->restart_count = shim->restart_count;
		derive_health(shim->health, status);
		if (shim->start_case == CLEAT__SHIM__V1__SHIM_STATUS__START_START_POSITION)
			status->start_position = (int64_t)shim->start_position;
		(void)snprintf(status->error, sizeof(status->error), "%s",
			       str_or_empty(shim->error));
		for (size_t i = 0; i < shim->n_done_keys && i < STATUS_DONE; i++)
			(void)snprintf(status->done[i], sizeof(status->done[i]), "%s",
				       shim->done_keys[i]);
		/* One that never came to run is as it was made, with the error beside it. */
		if (status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED &&
		    status->started_ns == 0)
			status->state = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_CREATED;
		if (status_active(status) && strcmp(str_or_empty(shim->boot_id), boot_id) != 0)
			end_with_host(status);
	}
}

void status_read(const struct engine *engine, const struct record *record, struct status *status)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__ShimStatus *shim = NULL;
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/status", record->id);
	if (slotfile_read(engine->containers_fd, path, &bytes) == 0)
		shim = cleat__shim__v1__shim_status__unpack(NULL, bytes.len,
							    (const uint8_t *)bytes.data);
	status_derive(shim, engine->boot_id, status);
	if (shim)
		cleat__shim__v1__shim_status__free_unpacked(shim, NULL);
}

static void append_span(struct buf *out, int64_t s)
{
	static const struct {
		int64_t below, unit;
		const char *name;
	} spans[] = {
		{ 60, 1, "seconds" },
		{ 46 * 60, 60, "minutes" },
		{ 48 * 3600, 3600, "hours" },
		{ 14 * 86400, 86400, "days" },
		{ 60 * 86400, 7 * 86400, "weeks" },
		{ 2 * 365 * 86400L, 30 * 86400L, "months" },
		{ INT64_MAX, 365 * 86400L, "years" },
	};

	if (s < 1) {
		buf_puts(out, "Less than a second");
	} else if (s == 1) {
		buf_puts(out, "1 second");
	} else if (s >= 60 && s < 120) {
		buf_puts(out, "About a minute");
	} else if (s >= 46 * 60 && s < 90 * 60) {
		buf_puts(out, "About an hour");
	} else {
		size_t i = 0;

		while (s >= spans[i].below)
			i++;
		buf_printf(out, "%" PRId64 " %s", (s + (i == 2 ? 1800 : 0)) / spans[i].unit,
			   spans[i].name);
	}
}

/* Whole seconds; a time so far off that it cannot be told from now is damage, and counts as now. */
static int64_t seconds_between(int64_t then_ns, int64_t now_ns)
{
	int64_t ns;

	return __builtin_sub_overflow(now_ns, then_ns, &ns) ? 0 : ns / 1000000000;
}

void status_text(const struct status *status, int64_t now_ns, struct buf *out)
{
	const bool paused = status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED;
	const bool restarting =
		status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING;

	switch (status->state) {
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING:
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED:
		buf_puts(out, "Up ");
		append_span(out, seconds_between(status->started_ns, now_ns));
		if (paused)
			buf_puts(out, " (Paused)");
		else if (status->health)
			buf_printf(out, " (%s%s)",
				   status->health ==
						   CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_STARTING
					   ? "health: "
					   : "",
				   status_health_word(status->health));
		return;
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING:
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED:
		buf_printf(out, "%s (%d) ", restarting ? "Restarting" : "Exited",
			   status->exit_code);
		append_span(out, seconds_between(status->finished_ns, now_ns));
		buf_puts(out, " ago");
		return;
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_REMOVING:
		buf_puts(out, "Removal In Progress");
		return;
	case CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_DEAD:
		buf_puts(out, "Dead");
		return;
	default:
		buf_puts(out, "Created");
	}
}
