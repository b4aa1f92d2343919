/* SPDX-License-Identifier: Apache-2.0 */
/* Absent entries are zero: ACT_REJECT. The back-off is Docker's: 100 ms doubling to a minute, from the
 * beginning again once the container has run for ten seconds. */
#include "state.h"

static const struct step steps[N_STATES][N_EVENTS] = {
	[ST_CREATED] = {
		[EV_START] = { ACT_SPAWN, ST_STARTING },
		[EV_STOP] = { ACT_ALREADY, ST_CREATED },
	},
	[ST_STARTING] = {
		[EV_START] = { ACT_ALREADY, ST_STARTING },
		[EV_STARTED] = { ACT_NOTE_STARTED, ST_RUNNING },
		[EV_FAILED] = { ACT_NOTE_FAILED, ST_EXITED },
		[EV_STOP] = { ACT_LATER, ST_STARTING },
		[EV_END] = { ACT_LATER, ST_STARTING },
	},
	[ST_RUNNING] = {
		[EV_START] = { ACT_ALREADY, ST_RUNNING },
		[EV_STOP] = { ACT_TERM, ST_RUNNING },
		[EV_KILL] = { ACT_SIGNAL, ST_RUNNING },
		[EV_END] = { ACT_SIGNAL, ST_RUNNING },
		[EV_TIMEOUT] = { ACT_KILL, ST_RUNNING },
		[EV_PAUSE] = { ACT_FREEZE, ST_PAUSED },
		[EV_EXIT] = { ACT_NOTE_EXIT, ST_EXITED },
	},
	[ST_PAUSED] = {
		[EV_STOP] = { ACT_THAW_TERM, ST_RUNNING },
		[EV_KILL] = { ACT_SIGNAL, ST_PAUSED },
		[EV_END] = { ACT_THAW_SIGNAL, ST_RUNNING },
		[EV_TIMEOUT] = { ACT_THAW_KILL, ST_RUNNING },
		[EV_RESUME] = { ACT_THAW, ST_RUNNING },
		[EV_EXIT] = { ACT_NOTE_EXIT, ST_EXITED },
	},
	[ST_RESTARTING] = {
		[EV_START] = { ACT_SPAWN, ST_STARTING },
		[EV_STOP] = { ACT_CANCEL, ST_EXITED },
		[EV_KILL] = { ACT_CANCEL, ST_EXITED },
		[EV_END] = { ACT_CANCEL, ST_EXITED },
		[EV_DELAY_OVER] = { ACT_SPAWN, ST_STARTING },
	},
	[ST_EXITED] = {
		[EV_START] = { ACT_SPAWN, ST_STARTING },
		[EV_STOP] = { ACT_ALREADY, ST_EXITED },
		[EV_AGAIN] = { ACT_DELAY, ST_RESTARTING },
	},
};

struct step state_step(enum state state, enum event event)
{
	struct step step = steps[state][event];

	if (step.action == ACT_REJECT)
		step.next = state;
	return step;
}

bool policy_wants(const struct policy *policy, int exit_code, bool by_user, uint32_t restarts)
{
	switch (policy->kind) {
	case POLICY_ALWAYS:
	case POLICY_UNLESS_STOPPED:
		return !by_user;
	case POLICY_ON_FAILURE:
		return !by_user && exit_code != 0 &&
		       (policy->max_retries == 0 || restarts < policy->max_retries);
	case POLICY_NO:
		break;
	}
	return false;
}

bool policy_restart(const struct policy *policy, int exit_code, bool by_user, uint32_t restarts,
		    int64_t ran_ns, uint32_t *delay_ms)
{
	uint32_t delay;

	if (!policy_wants(policy, exit_code, by_user, restarts))
		return false;
	if (*delay_ms == 0 || ran_ns >= POLICY_SETTLED_NS)
		delay = policy->delay_ms;
	else
		delay = *delay_ms > policy->max_delay_ms / 2 ? policy->max_delay_ms : *delay_ms * 2;
	*delay_ms = delay < policy->max_delay_ms ? delay : policy->max_delay_ms;
	return true;
}
