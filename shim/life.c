/* SPDX-License-Identifier: Apache-2.0 */
/* The container's life: life_event() asks the table in state.c what an event means now and does it. All
 * that happened is on disk (journal, then status) before anybody is told. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "fault.h"
#include "fd.h"
#include "log.h"
#include "proc.h"
#include "shim.h"

void life_signal(struct shim *shim, int number)
{
	int r = 0;

	/* An adopted container is no child: its number may be another's by now, its pidfd not. */
	if (shim->orphan.added)
		r = pidfd_send_signal(shim->orphan.fd, number, NULL, 0);
	else if (shim->status.pid > 0)
		r = kill(shim->status.pid, number);
	if (r < 0 && errno != ESRCH)
		log_warn("signal not sent id=%.12s signal=%d error=%s", shim->id, number,
			 strerror(errno));
}

static void freeze(struct shim *shim, bool frozen)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;

	event.kind = frozen ? CLEAT__SHIM__V1__EVENT_KIND__EVENT_PAUSED
			    : CLEAT__SHIM__V1__EVENT_KIND__EVENT_RESUMED;
	journal_write(shim, &event);
	status_publish(shim);
	journal_tell(shim, &event);
}

/* Instead of what was to kill it before; -1 = nothing is. */
static void kill_after(struct shim *shim, int timeout_ms)
{
	if (timeout_ms >= 0)
		loop_timer(&shim->loop, &shim->stop_timer,
			   fd_monotonic_ns() + (int64_t)timeout_ms * 1000000);
	else
		loop_timer_stop(&shim->stop_timer);
}

static void term(struct shim *shim, int timeout_ms)
{
	shim->status.stopped_by_user = true;
	kill_after(shim, timeout_ms);
}

bool life_ends(const struct shim *shim, int number)
{
	int stop = shim->spec->stop_signal ? (int)shim->spec->stop_signal : SIGTERM;

	return number == SIGKILL || number == stop;
}

void life_kill(struct shim *shim, int number)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;

	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_KILLED;
	event.signal = number;
	journal_append(shim, &event);
	life_signal(shim, number);
}

void life_unhealthy(struct shim *shim)
{
	const Cleat__Shim__V1__ShimStatus *s = &shim->status;

	if (shim->unhealthy || !shim->policy.on_unhealthy || shim->state != ST_RUNNING ||
	    !policy_wants(&shim->policy, 1, s->stopped_by_user, s->restart_count))
		return;
	shim->unhealthy = true;
	kill_after(shim, shim->spec->health->stop_timeout_ms);
	life_kill(shim, shim->spec->stop_signal ? shim->spec->stop_signal : SIGTERM);
}

void life_later(struct shim *shim, int number, int timeout_ms)
{
	shim->later_signal = number;
	shim->later_timeout_ms = timeout_ms;
}

/* It runs now, and a user has had it ended meanwhile. */
static void end_at_once(struct shim *shim)
{
	int number = shim->later_signal;

	if (number == 0)
		return;
	shim->later_signal = 0;
	(void)life_event(shim, EV_STOP, shim->later_timeout_ms);
	life_kill(shim, number);
}

/* A user's kill of everything counts as a stop for the restart policy, as with Docker. */
static void user_signal(struct shim *shim, int number)
{
	if (number == SIGKILL || number == shim->spec->stop_signal)
		shim->status.stopped_by_user = true;
	life_kill(shim, number);
}

static void spawn(struct shim *shim, bool by_user)
{
	int r;

	loop_timer_stop(&shim->delay_timer);
	if (by_user) {
		shim->status.restart_count = 0;
		shim->delay_ms = 0;
	} else {
		shim->status.restart_count++;
	}
	shim->status.stopped_by_user = false;
	shim->later_signal = 0;
	shim->error[0] = '\0';
	if (by_user)
		return;
	r = launch_container(shim, NULL, 0);
	if (r < 0)
		life_failed(shim, 125, launch_reason(shim, r));
}

/* With the last process goes the namespace, unless another start is to find it. */
static void let_netns_go(struct shim *shim)
{
	names_close(shim);
	ports_close(shim);
	closep(&shim->netns);
	shim->netns = -1;
}

/* No further start: the last exit was the final one, told again as such. */
static void cancel(struct shim *shim)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;

	loop_timer_stop(&shim->delay_timer);
	let_netns_go(shim);
	shim->status.stopped_by_user = true;
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED;
	event.exit_code = shim->status.exit_code;
	event.oom_killed = shim->status.oom_killed;
	journal_write(shim, &event);
	status_publish(shim);
	io_end(&shim->io, shim->status.exit_code, shim->status.oom_killed);
	journal_tell(shim, &event);
}

static void wait_to_restart(struct shim *shim)
{
	loop_timer(&shim->loop, &shim->delay_timer,
		   fd_monotonic_ns() + (int64_t)shim->delay_ms * 1000000);
}

static bool thaws(enum action action)
{
	return action == ACT_THAW || action == ACT_THAW_TERM || action == ACT_THAW_SIGNAL ||
	       action == ACT_THAW_KILL;
}

/* `argument`: EV_STOP the timeout in ms, EV_KILL and EV_END the signal. */
enum action life_event(struct shim *shim, enum event event, int argument)
{
	struct step step = state_step(shim->state, event);
	int r = 0;

	if (step.action == ACT_FREEZE)
		probe_pause(shim);
	if (step.action == ACT_FREEZE || thaws(step.action))
		r = cgroup_freeze(shim->cgroup, step.action == ACT_FREEZE);
	if (r < 0) {
		probe_watch(shim);
		return ACT_REJECT;
	}
	shim->state = step.next;
	switch (step.action) {
	case ACT_SPAWN:
		spawn(shim, event == EV_START);
		break;
	case ACT_FREEZE:
	case ACT_THAW:
		freeze(shim, step.action == ACT_FREEZE);
		break;
	case ACT_TERM:
	case ACT_THAW_TERM:
		term(shim, argument);
		break;
	case ACT_SIGNAL:
	case ACT_THAW_SIGNAL:
		user_signal(shim, argument);
		break;
	case ACT_KILL:
	case ACT_THAW_KILL:
		life_kill(shim, SIGKILL);
		break;
	case ACT_DELAY:
		wait_to_restart(shim);
		break;
	case ACT_CANCEL:
		cancel(shim);
		return step.action;
	default:
		return step.action;
	}
	probe_watch(shim);
	if (step.action != ACT_SPAWN)
		status_publish(shim);
	return step.action;
}

void life_watch(struct shim *shim)
{
	char path[32];

	oom_watch(shim);
	if (!shim->spec->hold_root)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", shim->status.pid);
	closep(&shim->root_fd);
	shim->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What its files have not written yet, it would write at the pace it was given: minutes. */
static void let_root_go(struct shim *shim)
{
	if (shim->root_fd < 0)
		return;
	cgroup_unthrottle(shim->cgroup);
	closep(&shim->root_fd);
	shim->root_fd = -1;
}

void life_started(struct shim *shim, pid_t pid)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	Cleat__Shim__V1__ShimStatus *s = &shim->status;
	int wait_status;

	fault_point(FAULT_SHIM_RUNTIME_DONE);
	life_event(shim, EV_STARTED, 0);
	done_add(shim, shim->start_key);
	shim->start_key[0] = '\0';
	s->pid = pid;
	s->pid_start_ticks = proc_start_ticks_of(pid);
	s->started_ns = fd_realtime_ns();
	s->oom_killed = false;
	shim->unhealthy = false;
	join_close(shim);
	probe_begin(shim);
	keep_tell(&shim->io);
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_STARTED;
	event.pid = pid;
	event.time_ns = s->started_ns;
	journal_write(shim, &event);
	status_publish(shim);
	journal_tell(shim, &event);
	fault_point(FAULT_SHIM_STARTED);
	end_at_once(shim);
	life_watch(shim);
	later_handle(shim);
	if (reap_claim(shim, pid, &wait_status))
		life_exited(shim, wait_status);
}

static void forget_runtime_state(struct shim *shim)
{
	int fd = open(shim->oci_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fd_remove_tree(fd, shim->id) < 0)
		log_warn("runtime state remains id=%.12s", shim->id);
	close(fd);
}

void life_clear(struct shim *shim)
{
	cgroup_remove(shim->cgroup);
	forget_runtime_state(shim);
}

void life_quit(struct shim *shim)
{
	struct exec *exec;

	if (!shim->quit || session_busy(&shim->io))
		return;
	list_each (exec, &shim->execs, link)
		if (session_busy(&exec->io))
			return;
	loop_stop(&shim->loop);
}

/* What the last end counts as for the policy. */
static int counted_exit(const struct shim *shim)
{
	return shim->status.exit_code == 0 && shim->unhealthy ? 1 : shim->status.exit_code;
}

/* A start by the policy for which another container has to run: it waits for that one. */
static bool put_off(struct shim *shim)
{
	Cleat__Shim__V1__ShimStatus *s = &shim->status;

	if (s->restart_count == 0 || shim->later_signal || !join_waits(shim))
		return false;
	s->restart_count--;
	if (!policy_restart(&shim->policy, counted_exit(shim), s->stopped_by_user, s->restart_count,
			    0, &shim->delay_ms))
		return false;
	join_close(shim);
	shim->state = state_step(shim->state, EV_AGAIN).next;
	status_publish(shim);
	wait_to_restart(shim);
	later_handle(shim);
	return true;
}

void life_failed(struct shim *shim, int exit_code, const char *message)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	const bool by_policy = shim->status.restart_count > 0;

	life_event(shim, EV_FAILED, 0);
	shim->start_key[0] = '\0';
	snprintf(shim->error, sizeof(shim->error), "%s", message);
	life_clear(shim);
	if (put_off(shim))
		return;
	join_close(shim);
	shim->status.pid = 0;
	shim->status.exit_code = exit_code;
	let_netns_go(shim);
	if (by_policy) {
		event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_START_FAILED;
		event.error = shim->error;
		event.exit_code = exit_code;
		journal_write(shim, &event);
	}
	status_publish(shim);
	io_end(&shim->io, exit_code, false);
	if (by_policy)
		journal_tell(shim, &event);
	later_handle(shim);
}

static bool decide_restart(struct shim *shim)
{
	Cleat__Shim__V1__ShimStatus *s = &shim->status;

	return policy_restart(&shim->policy, counted_exit(shim), s->stopped_by_user,
			      s->restart_count, s->finished_ns - s->started_ns, &shim->delay_ms);
}

void life_exited(struct shim *shim, int wait_status)
{
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT, memory;
	Cleat__Shim__V1__ShimStatus *s = &shim->status;
	bool again, memory_was_out;

	loop_timer_stop(&shim->stop_timer);
	let_root_go(shim);
	io_drain(&shim->io);
	logfile_flush(&shim->log);
	life_event(shim, EV_EXIT, 0);
	probe_end(shim);
	s->pid = 0;
	s->finished_ns = fd_realtime_ns();
	s->exit_code = reap_exit_code(wait_status);
	memory_was_out = oom_settle(shim, &memory);
	s->exits++;
	again = decide_restart(shim);
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED;
	event.time_ns = s->finished_ns;
	event.exit_code = s->exit_code;
	event.oom_killed = s->oom_killed;
	event.will_restart = again;
	if (again)
		shim->state = state_step(shim->state, EV_AGAIN).next;
	journal_write(shim, &event);
	/* Its ports are free for whoever reads that it has ended. */
	if (!again)
		let_netns_go(shim);
	status_publish(shim);
	/* Gone before anybody hears of the exit: a removal that follows finds nothing left. */
	life_clear(shim);
	fault_point(FAULT_SHIM_NETNS_LEFT);
	if (shim->io.tty)
		io_close_streams(&shim->io);
	if (!again)
		io_end(&shim->io, s->exit_code, s->oom_killed);
	if (memory_was_out)
		journal_tell(shim, &memory);
	journal_tell(shim, &event);
	fault_point(FAULT_SHIM_END_TOLD);
	if (again)
		wait_to_restart(shim);
	else if (shim->n_conns == 0)
		loop_stop(&shim->loop);
}
