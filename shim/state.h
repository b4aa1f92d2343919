/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's life may do when: one table of states and events, and the restart policy. Pure:
 * time is an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

enum state {
	ST_CREATED,
	ST_STARTING, /* the runtime is at work */
	ST_RUNNING,
	ST_PAUSED,
	ST_RESTARTING, /* waits for the next start by the policy */
	ST_EXITED,
	N_STATES
};

enum event {
	EV_START,
	EV_STARTED, /* by the runtime */
	EV_FAILED,  /* by the runtime */
	EV_STOP,
	EV_KILL,
	EV_END,     /* a kill by a signal that is meant to end it */
	EV_TIMEOUT, /* of a stop */
	EV_PAUSE,
	EV_RESUME,
	EV_EXIT,
	EV_AGAIN, /* the policy wants another start */
	EV_DELAY_OVER,
	N_EVENTS
};

enum action {
	ACT_REJECT,  /* the event does not fit the state */
	ACT_ALREADY, /* nothing to do: it is as wanted */
	ACT_SPAWN,
	ACT_NOTE_STARTED,
	ACT_NOTE_FAILED,
	ACT_TERM, /* stop signal, and a timer */
	ACT_SIGNAL,
	ACT_KILL,
	ACT_FREEZE,
	ACT_THAW,
	ACT_THAW_TERM,
	ACT_THAW_SIGNAL,
	ACT_THAW_KILL,
	ACT_NOTE_EXIT,
	ACT_DELAY,
	ACT_CANCEL, /* no further start */
	ACT_LATER,  /* as soon as it runs */
};

struct step {
	enum action action;
	enum state next;
};

/* The step for `event` in `state`; { ACT_REJECT, state } when there is none. */
struct step state_step(enum state state, enum event event);

enum policy_kind { POLICY_NO, POLICY_ALWAYS, POLICY_UNLESS_STOPPED, POLICY_ON_FAILURE };

struct policy {
	enum policy_kind kind;
	uint32_t max_retries;  /* on-failure; 0 = no limit */
	uint32_t delay_ms;     /* first delay, not 0 */
	uint32_t max_delay_ms; /* not 0 */
	bool on_unhealthy;     /* being unhealthy is a failure too */
};

/* Running for so long makes the next delay the first one again. */
#define POLICY_SETTLED_NS INT64_C(10000000000)

/* Whether the policy starts the container again after an exit. */
bool policy_wants(const struct policy *policy, int exit_code, bool by_user, uint32_t restarts);
/* The same, and after how long: *delay_ms is the
 * delay used last (0 = none yet) and becomes the one to use. `restarts` counts the policy's starts. */
bool policy_restart(const struct policy *policy, int exit_code, bool by_user, uint32_t restarts,
		    int64_t ran_ns, uint32_t *delay_ms);
