/* SPDX-License-Identifier: Apache-2.0 */
/* A health check is an exec that the shim begins by itself, one at a time. Its standard output and error are
 * one pipe, and the pipe's inode is published before there is a process: so its processes can be found
 * among the container's at any time, by a successor of a killed shim too. (The runtime ends what it began
 * when there is no shim left to tell.) Without a health check there is no struct probe and no timer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "health.h"
#include "healthlog.h"
#include "log.h"
#include "proc.h"
#include "shim.h"
#include "str.h"

enum {
	JOURNAL_PROBES_MAX =
		4 << 20, /* beyond it probes are events no more: other events need the room */
	KILLED_CODE = 137,
};

struct probe {
	struct shim *shim;
	struct health_config config;
	struct health health;
	Cleat__Shim__V1__Health record;
	char exec_id[65];   /* record.exec_id */
	struct timer timer; /* of the next one, or the limit of the one that runs */
	bool watching;
	struct exec *exec; /* the one that runs */
	bool timed_out;
	int64_t since_start_ns, start_ns; /* of the one that runs */
	struct health_output *output;     /* the same; NULL = no memory */
	struct healthlog log;
};

/* ---- what is published */

Cleat__Shim__V1__Health *probe_record(const struct shim *shim)
{
	struct probe *p = shim->probe;

	if (!p || p->health.status == HEALTH_NONE)
		return NULL;
	p->record.status = p->health.status;
	p->record.failing_streak = p->health.streak;
	p->record.exec_id = p->exec_id;
	return &p->record;
}

static void record_idle(struct probe *p)
{
	p->exec_id[0] = '\0';
	p->record.pid = 0;
	p->record.pipe = 0;
}

static void write_results(const struct probe *p)
{
	int r = healthlog_write(&p->log, p->shim->state_fd);

	if (r < 0)
		log_error("health log cannot be written id=%.12s error=%s", p->shim->id,
			  strerror(-r));
}

/* An event of the exec, with its pid or exit code; false when there is no room for it. */
static bool write_event(struct probe *p, Cleat__Shim__V1__EventKind kind, char *exec_id, int number,
			Cleat__Shim__V1__ShimEvent *event)
{
	cleat__shim__v1__shim_event__init(event);
	event->kind = kind;
	event->exec_id = exec_id;
	event->probe = true;
	if (kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED)
		event->exit_code = number;
	else
		event->pid = number;
	if (journal_size(p->shim) >= JOURNAL_PROBES_MAX)
		return false;
	journal_write(p->shim, event);
	return true;
}

/* ---- one check */

static void arm(struct probe *p, int64_t in_ns)
{
	int64_t at_ns;

	if (__builtin_add_overflow(fd_monotonic_ns(), in_ns, &at_ns))
		at_ns = INT64_MAX;
	loop_timer(&p->shim->loop, &p->timer, at_ns);
}

static void arm_next(struct probe *p)
{
	if (p->watching)
		arm(p,
		    health_wait_ns(&p->health, &p->config, fd_monotonic_ns() - p->record.since_ns));
}

static char *take_output(struct probe *p)
{
	char *text;

	if (!p->output)
		return NULL;
	if (p->timed_out)
		health_output_timeout(p->output, p->config.timeout_ns);
	else
		health_output_end(p->output);
	text = strdup(p->output->text);
	free(p->output);
	p->output = NULL;
	return text;
}

/* Nobody is told of the end before its result can be seen. `ended` is its event, NULL = none. */
static void conclude(struct probe *p, int exit_code, char *text, Cleat__Shim__V1__ShimEvent *ended)
{
	Cleat__Shim__V1__HealthResult result = CLEAT__SHIM__V1__HEALTH_RESULT__INIT;
	Cleat__Shim__V1__ShimEvent event = CLEAT__SHIM__V1__SHIM_EVENT__INIT;
	bool changed;

	p->exec = NULL;
	record_idle(p);
	result.start_ns = p->start_ns;
	result.end_ns = fd_realtime_ns();
	result.exit_code = exit_code;
	healthlog_add(&p->log, &result, text);
	write_results(p);
	changed = health_result(&p->health, &p->config, exit_code, p->since_start_ns);
	event.kind = CLEAT__SHIM__V1__EVENT_KIND__EVENT_HEALTH;
	event.time_ns = result.end_ns;
	event.health = p->health.status;
	if (changed)
		journal_write(p->shim, &event);
	status_publish(p->shim);
	if (ended)
		journal_tell(p->shim, ended);
	if (changed)
		journal_tell(p->shim, &event);
	arm_next(p);
	if (p->health.status == HEALTH_UNHEALTHY)
		life_unhealthy(p->shim);
}

/* It ended with the container, which is not heard of before all its processes are gone: no result. */
static bool ends_with_container(const struct probe *p)
{
	struct proc_stat stat;

	return proc_read_stat(p->shim->status.pid, &stat) < 0 || stat.exiting;
}

static void dismiss(struct probe *p)
{
	p->exec = NULL;
	free(p->output);
	p->output = NULL;
	record_idle(p);
	arm_next(p);
}

static int launch(struct probe *p, struct exec *exec)
{
	Cleat__Shim__V1__ExecRequest request = CLEAT__SHIM__V1__EXEC_REQUEST__INIT;
	int process = openat(p->shim->state_fd, "probe.json", O_RDONLY | O_CLOEXEC);

	return process < 0 ? -errno : launch_exec(p->shim, exec, NULL, &request, process, 0);
}

static void begin(struct probe *p)
{
	Cleat__Shim__V1__ShimEvent event;
	struct exec *exec;
	int r = -ENOMEM;

	p->timed_out = false;
	p->start_ns = fd_realtime_ns();
	p->since_start_ns = fd_monotonic_ns() - p->record.since_ns;
	p->output = calloc(1, sizeof(*p->output));
	str_random_id(p->exec_id);
	exec = exec_new(p->shim, p->exec_id);
	if (exec && p->output) {
		exec->probe = true;
		p->exec = exec;
		if (write_event(p, CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_CREATED, exec->id, 0,
				&event))
			journal_tell(p->shim, &event);
		r = launch(p, exec);
	}
	if (r == 0) {
		arm(p, HEALTH_START_MS * INT64_C(1000000));
		return;
	}
	if (exec)
		exec_free(exec);
	free(take_output(p));
	conclude(p, -1, strdup(strerror(-r)), NULL);
}

/* What is killed is heard of again when it has ended. */
static void time_over(struct probe *p)
{
	p->timed_out = true;
	if (p->exec->pid > 0) {
		kill(-p->exec->pid, SIGKILL);
		kill(p->exec->pid, SIGKILL);
	} else {
		launch_abort(p->shim, p->exec);
	}
	cgroup_kill_piped(p->shim->cgroup, p->record.pipe);
}

static void fire(struct timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	if (p->exec)
		time_over(p);
	else if (launch_probes(p->shim))
		arm_next(p); /* one that was given up is still being launched */
	else
		begin(p);
}

static struct probe *owner(const struct exec *exec)
{
	struct probe *p = exec->io.shim->probe;

	return p->exec == exec ? p : NULL;
}

void probe_piped(struct exec *exec, int fd)
{
	struct probe *p = exec->io.shim->probe;
	struct stat st;

	if (fstat(fd, &st) == 0)
		p->record.pipe = st.st_ino;
	status_publish(p->shim);
}

void probe_started(struct exec *exec, pid_t pid)
{
	struct probe *p = exec->io.shim->probe;
	Cleat__Shim__V1__ShimEvent event;

	exec->pid = pid;
	if (owner(exec)) {
		p->record.pid = pid;
		status_publish(p->shim);
		arm(p, p->config.timeout_ns);
	} else {
		kill(-pid, SIGKILL);
	}
	if (write_event(p, CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED, exec->id, pid, &event))
		journal_tell(p->shim, &event);
}

void probe_output(const struct exec *exec, const char *data, size_t n)
{
	const struct probe *p = owner(exec);

	if (p && p->output)
		health_output_add(p->output, data, n);
}

void probe_exited(struct exec *exec, int exit_code)
{
	struct probe *p = exec->io.shim->probe;
	Cleat__Shim__V1__ShimEvent event;
	const bool mine = owner(exec);
	bool written = write_event(p, CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED, exec->id,
				   exit_code, &event);

	bool result = mine && (exit_code != KILLED_CODE || !ends_with_container(p));

	if (!result && written)
		journal_tell(p->shim, &event);
	if (mine && !result)
		dismiss(p);
	else if (mine)
		conclude(p, p->timed_out ? -1 : exit_code, take_output(p), written ? &event : NULL);
	exec_free(exec);
}

void probe_failed(struct exec *exec, const char *message)
{
	struct probe *p = owner(exec);

	if (p && ends_with_container(p)) {
		dismiss(p);
	} else if (p) {
		free(take_output(p));
		conclude(p, -1, strdup(p->timed_out ? "timed out starting health check" : message),
			 NULL);
	}
	exec_free(exec);
}

/* ---- the container's life */

/* The one that runs is ended, without a result. */
static void give_up(struct probe *p)
{
	struct exec *exec = p->exec;

	p->watching = false;
	loop_timer_stop(&p->timer);
	if (!exec)
		return;
	cgroup_kill_piped(p->shim->cgroup, p->record.pipe);
	dismiss(p);
	if (exec->pid > 0) {
		kill(-exec->pid, SIGKILL);
		probe_exited(exec, KILLED_CODE);
	}
}

void probe_begin(struct shim *shim)
{
	struct probe *p = shim->probe;

	if (!p)
		return;
	give_up(p);
	health_begin(&p->health);
	p->record.since_ns = fd_monotonic_ns();
	probe_watch(shim);
}

void probe_pause(struct shim *shim)
{
	if (shim->probe)
		give_up(shim->probe);
}

void probe_watch(struct shim *shim)
{
	struct probe *p = shim->probe;
	bool wanted = shim->state == ST_RUNNING;

	if (!p || p->watching == wanted)
		return;
	p->watching = wanted;
	if (wanted)
		arm_next(p);
	else
		give_up(p);
}

/* Docker's clients know one that does not run as unhealthy. */
void probe_end(struct shim *shim)
{
	struct probe *p = shim->probe;

	if (!p)
		return;
	give_up(p);
	p->health.status = HEALTH_UNHEALTHY;
}

/* ---- from shim to shim */

int probe_open(struct shim *shim)
{
	const Cleat__Shim__V1__HealthCheck *check = shim->spec->health;
	struct probe *p;

	if (!check)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	cleat__shim__v1__health__init(&p->record);
	p->shim = shim;
	p->timer.fire = fire;
	p->config = (struct health_config){
		.interval_ns = check->interval_ns,
		.timeout_ns = check->timeout_ns,
		.start_period_ns = check->start_period_ns,
		.start_interval_ns = check->start_interval_ns,
		.retries = check->retries,
	};
	health_config_default(&p->config);
	shim->probe = p;
	healthlog_read(&p->log, shim->state_fd);
	return 0;
}

void probe_load(struct shim *shim, const Cleat__Shim__V1__Health *old, bool same_boot)
{
	struct probe *p = shim->probe;

	if (!p)
		return;
	p->health.status = same_boot ? (enum health_status)old->status : HEALTH_UNHEALTHY;
	p->health.streak = old->failing_streak;
	if (!same_boot)
		return;
	p->record.since_ns = old->since_ns;
	p->record.pipe = old->pipe;
	p->record.pid = old->pid;
	(void)snprintf(p->exec_id, sizeof(p->exec_id), "%s", old->exec_id);
}

void probe_replay(struct shim *shim, const Cleat__Shim__V1__ShimEvent *event)
{
	struct probe *p = shim->probe;

	if (!p)
		return;
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_HEALTH) {
		p->health.status = (enum health_status)event->health;
		if (p->health.status == HEALTH_HEALTHY)
			p->health.streak = 0;
		else if (p->health.streak < p->config.retries)
			p->health.streak = p->config.retries;
	}
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED &&
	    strcmp(event->exec_id, p->exec_id) == 0)
		record_idle(p);
}

void probe_adopt(struct shim *shim)
{
	struct probe *p = shim->probe;
	Cleat__Shim__V1__ShimEvent event;

	if (!p || !p->exec_id[0])
		return;
	cgroup_kill_piped(p->shim->cgroup, p->record.pipe);
	if (p->record.pid > 0)
		(void)write_event(p, CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED, p->exec_id,
				  KILLED_CODE, &event);
	record_idle(p);
}
