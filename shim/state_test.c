/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include "base_test.h"

static void every_rejection_keeps_the_state(void **state)
{
	(void)state;
	for (int s = 0; s < N_STATES; s++)
		for (int e = 0; e < N_EVENTS; e++) {
			struct step step = state_step((enum state)s, (enum event)e);

			assert_true(step.next < N_STATES);
			if (step.action == ACT_REJECT)
				assert_int_equal(step.next, s);
		}
}

static void a_life(void **state)
{
	static const struct {
		enum event event;
		enum action action;
		enum state next;
	} life[] = {
		{ EV_KILL, ACT_REJECT, ST_CREATED },
		{ EV_START, ACT_SPAWN, ST_STARTING },
		{ EV_PAUSE, ACT_REJECT, ST_STARTING },
		{ EV_KILL, ACT_REJECT, ST_STARTING },
		{ EV_END, ACT_LATER, ST_STARTING },
		{ EV_STOP, ACT_LATER, ST_STARTING },
		{ EV_STARTED, ACT_NOTE_STARTED, ST_RUNNING },
		{ EV_PAUSE, ACT_FREEZE, ST_PAUSED },
		{ EV_PAUSE, ACT_REJECT, ST_PAUSED },
		{ EV_TIMEOUT, ACT_THAW_KILL, ST_RUNNING },
		{ EV_PAUSE, ACT_FREEZE, ST_PAUSED },
		{ EV_KILL, ACT_SIGNAL, ST_PAUSED },
		{ EV_END, ACT_THAW_SIGNAL, ST_RUNNING },
		{ EV_PAUSE, ACT_FREEZE, ST_PAUSED },
		{ EV_STOP, ACT_THAW_TERM, ST_RUNNING },
		{ EV_TIMEOUT, ACT_KILL, ST_RUNNING },
		{ EV_EXIT, ACT_NOTE_EXIT, ST_EXITED },
		{ EV_AGAIN, ACT_DELAY, ST_RESTARTING },
		{ EV_DELAY_OVER, ACT_SPAWN, ST_STARTING },
		{ EV_FAILED, ACT_NOTE_FAILED, ST_EXITED },
		{ EV_STOP, ACT_ALREADY, ST_EXITED },
	};
	enum state at = ST_CREATED;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		struct step step = state_step(at, life[i].event);

		assert_int_equal(step.action, life[i].action);
		assert_int_equal(step.next, life[i].next);
		at = step.next;
	}
}

static void delays_double_and_settle(void **state)
{
	struct policy always = { POLICY_ALWAYS, 0, 100, 60000, false };
	static const uint32_t expected[] = { 100,  200,   400,   800,   1600,  3200,
					     6400, 12800, 25600, 51200, 60000, 60000 };
	uint32_t delay = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(policy_restart(&always, 0, false, i, 5, &delay));
		assert_int_equal(delay, expected[i]);
	}
	assert_true(policy_restart(&always, 0, false, 99, POLICY_SETTLED_NS, &delay));
	assert_int_equal(delay, 100);
}

static void who_is_started_again(void **state)
{
	static const struct {
		struct policy policy;
		int exit_code;
		bool by_user;
		uint32_t restarts;
		bool again;
	} cases[] = {
		{ { POLICY_NO, 0, 100, 60000, false }, 1, false, 0, false },
		{ { POLICY_ALWAYS, 0, 100, 60000, false }, 0, false, 1000, true },
		{ { POLICY_ALWAYS, 0, 100, 60000, false }, 0, true, 0, false },
		{ { POLICY_UNLESS_STOPPED, 0, 100, 60000, false }, 0, true, 0, false },
		{ { POLICY_ON_FAILURE, 0, 100, 60000, false }, 0, false, 0, false },
		{ { POLICY_ON_FAILURE, 0, 100, 60000, false }, 1, false, 1000, true },
		{ { POLICY_ON_FAILURE, 2, 100, 60000, false }, 1, false, 1, true },
		{ { POLICY_ON_FAILURE, 2, 100, 60000, false }, 1, false, 2, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t delay = 0;

		assert_int_equal(policy_restart(&cases[i].policy, cases[i].exit_code,
						cases[i].by_user, cases[i].restarts, 0, &delay),
				 cases[i].again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rejection_keeps_the_state),
		cmocka_unit_test(a_life),
		cmocka_unit_test(delays_double_and_settle),
		cmocka_unit_test(who_is_started_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
