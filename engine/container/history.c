/* SPDX-License-Identifier: Apache-2.0 */
/* The number of the last recorded event is a column of the container's row: a shim that replays its
 * journal to a new engine, or to two at once, has each event recorded by exactly one of them. */
#include "history.h"

#include <inttypes.h>

#include "execrecord.h"
#include "log.h"
#include "str.h"
#include "watch.h"

static const char *const actions[] = {
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_STARTED] = "start",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED] = "die",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_PAUSED] = "pause",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_RESUMED] = "unpause",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED] = "exec_start",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED] = "exec_die",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_OOM] = "oom",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_START_FAILED] = "start_failed",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_KILLED] = "kill",
};

/* The rows of execs follow their shim's events. */
static void record_exec(struct engine *engine, const char *id,
			const Cleat__Shim__V1__ShimEvent *event)
{
	struct err err = ERR_NULL;
	int r = 0;

	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED)
		r = execrecord_set_pid(engine->store, event->exec_id, event->pid, &err);
	else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED)
		r = execrecord_set_ended(engine->store, event->exec_id, event->exit_code, &err);
	else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED)
		r = execrecord_end_all(engine->store, id, &err);
	if (r < 0)
		log_error("cannot record an exec id=%.12s: %s", id, err.message);
}

bool history_shim_event(struct engine *engine, const char *id,
			const Cleat__Shim__V1__ShimEvent *event)
{
	struct err err = ERR_NULL;
	int r = record_advance(engine->store, id, (int64_t)event->seq, &err);
	const char *action = (size_t)event->kind < ARRAY_LEN(actions) ? actions[event->kind] : NULL;

	if (r < 0)
		log_error("cannot record an event id=%.12s: %s", id, err.message);
	else if (r > 0 && action)
		log_debug("container event id=%.12s seq=%" PRIu64 " action=%s exit=%d", id,
			  event->seq, action, event->exit_code);
	if (r > 0)
		record_exec(engine, id, event);
	watch_notify(id);
	return r > 0;
}

void history_action(struct engine *engine, const struct record *record, const char *action,
		    const char *key, const char *value)
{
	(void)engine;
	log_debug("container event id=%.12s action=%s %s=%s", record->id, action, str_or_empty(key),
		  str_or_empty(value));
	watch_notify(record->id);
}
