/* SPDX-License-Identifier: Apache-2.0 */
/* start, kill, delete, state, list, pause, resume and update: what works on a recorded container. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "bundle.h"
#include "container.h"
#include "fd.h"
#include "hooks.h"
#include "signame.h"
#include "state.h"
#include "str.h"

enum { KILL_WAIT_MS = 10000 };

struct found {
	struct state state;
	enum state_status status;
	int dir;
};

static void found_close(struct found *f)
{
	closep(&f->dir);
	state_free(&f->state);
}

static int find(const struct options *o, const char *id, struct found *f, struct err *err)
{
	int r = state_check_id(id, err);

	f->dir = -1;
	memset(&f->state, 0, sizeof(f->state));
	f->dir = r ? -1 : state_dir(o->root, id, err);
	r = r ? r : f->dir < 0 ? f->dir : state_load(f->dir, &f->state, err);
	if (!r)
		f->status = state_status(f->dir, &f->state);
	return r;
}

static void run_hooks(const struct options *o, const struct state *s, enum plan_hook moment,
		      enum state_status status)
{
	struct bundle b;
	cleanup_free char *doc = NULL;

	if (bundle_load(&b, s->bundle, o, NULL))
		return;
	doc = b.plan.hooks[moment].n ? state_json(s, status) : NULL;
	(void)!hooks_run(&b.plan, moment, doc, NULL);
	bundle_unload(&b);
}

/* It waits at start.fifo; one that was made by an earlier version waits until exec.fifo is opened. */
static int wake(int dir, struct err *err)
{
	cleanup_fd int go = openat(dir, "start.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (go < 0 && errno == ENOENT)
		return 0;
	if (go < 0 || write(go, "", 1) != 1 || unlinkat(dir, "start.fifo", 0))
		return err_sys(err, errno, "start the container's program");
	return 0;
}

int container_start(const struct options *o, struct outcome *out, struct err *err)
{
	cleanup(found_close) struct found f;
	struct sync_msg m = { 0 };
	ssize_t n;
	int r = find(o, o->id, &f, err);

	out->stage = "start";
	if (r)
		return r;
	if (f.status != STATUS_CREATED)
		return err_set(err, ERR_PRECONDITION, "container %s is not in state created",
			       o->id);
	cleanup_fd int fifo = openat(f.dir, "exec.fifo", O_RDONLY | O_CLOEXEC);
	if (fifo < 0 || unlinkat(f.dir, "exec.fifo", 0))
		return err_sys(err, errno, "open exec.fifo");
	r = wake(f.dir, err);
	if (r)
		return r;
	n = read(fifo, &m, sizeof(m)); /* ends when the program executes */
	if (n == (ssize_t)sizeof(m))
		return container_told(&m, out, err);
	out->pid = f.state.pid;
	run_hooks(o, &f.state, HOOK_POSTSTART, STATUS_RUNNING);
	cleanup_fd int pidfd = pidfd_open(f.state.pid, 0);
	return container_report(o, f.state.pid, pidfd, err);
}

static int kill_all(const struct state *s, int sig, struct err *err)
{
	struct cgroup cg;
	int r = cgroup_open(&cg, s->cgroup, err);

	if (r)
		return r;
	r = cgroup_kill(&cg, sig, err);
	cgroup_close(&cg);
	return r;
}

int container_kill(const struct options *o, struct err *err)
{
	cleanup(found_close) struct found f;
	const char *word = "TERM";
	int sig, r = find(o, o->id, &f, err);

	if (r)
		return r;
	for (size_t i = 0; o->rest[i]; i++)
		if (o->rest[i][0] != '-')
			word = o->rest[i];
	if (signame_number(word, &sig))
		return err_set(err, ERR_INVALID, "\"%.40s\" is no known signal", word);
	if (o->all)
		return kill_all(&f.state, sig, err);
	if (f.status == STATUS_STOPPED)
		return err_set(err, ERR_PRECONDITION, "container %s is not running", o->id);
	cleanup_fd int pidfd = pidfd_open(f.state.pid, 0);
	if (pidfd < 0 || pidfd_send_signal(pidfd, sig, NULL, 0))
		return err_sys(err, errno, "signal container %s", o->id);
	return 0;
}

/* Kills init and whatever else is in the cgroup, and waits for init. */
static int kill_hard(const struct state *s, struct cgroup *cg)
{
	cleanup_fd int pidfd = pidfd_open(s->pid, 0);
	struct pollfd p = { pidfd, POLLIN, 0 };

	(void)!cgroup_freeze(cg, false, NULL);
	if (pidfd >= 0 && state_ticks(s->pid) == s->start_ticks) {
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		(void)poll(&p, 1, KILL_WAIT_MS);
	}
	return cgroup_kill(cg, SIGKILL, NULL);
}

int container_delete(const struct options *o, struct err *err)
{
	cleanup(found_close) struct found f;
	struct cgroup cg;
	int r = find(o, o->id, &f, NULL);

	if (r == -ENOENT && f.dir < 0)
		return o->force ? 0
				: err_set(err, ERR_NOT_FOUND, "container %s does not exist", o->id);
	if (r && o->force) /* a record that was never finished */
		return state_remove(o->root, o->id, err);
	if (r)
		return find(o, o->id, &f, err);
	if (f.status != STATUS_STOPPED && !o->force && f.status != STATUS_CREATED)
		return err_set(err, ERR_PRECONDITION, "container %s is still running", o->id);
	r = cgroup_open(&cg, f.state.cgroup, err);
	if (r)
		return r;
	r = kill_hard(&f.state, &cg);
	r = r ? r : cgroup_delete(&cg, err);
	cgroup_close(&cg);
	run_hooks(o, &f.state, HOOK_POSTSTOP, STATUS_STOPPED);
	return r ? r : state_remove(o->root, o->id, err);
}

int container_state(const struct options *o, struct err *err)
{
	cleanup(found_close) struct found f;
	cleanup_free char *doc = NULL;
	int r = find(o, o->id, &f, err);

	if (r)
		return r;
	doc = state_json(&f.state, f.status);
	if (!doc)
		return err_sys(err, ENOMEM, "print the state");
	(void)puts(doc);
	return 0;
}

int container_list(const struct options *o, struct err *err)
{
	static const char *const names[] = { "created", "running", "paused", "stopped" };
	DIR *dir = opendir(o->root);

	(void)err;
	if (!o->quiet)
		(void)printf("%-24s %-8s %-8s %s\n", "ID", "PID", "STATUS", "BUNDLE");
	for (struct dirent *e; dir && (e = readdir(dir));) {
		cleanup(found_close) struct found f;

		if (find(o, e->d_name, &f, NULL))
			continue;
		if (o->quiet)
			(void)puts(f.state.id);
		else
			(void)printf("%-24s %-8d %-8s %s\n", f.state.id,
				     f.status == STATUS_STOPPED ? 0 : (int)f.state.pid,
				     names[f.status], f.state.bundle);
	}
	if (dir)
		(void)closedir(dir);
	return 0;
}

/* The control group of one that has not ended; for cgroup_close(). */
static int open_cgroup(const struct options *o, struct cgroup *cg, struct err *err)
{
	cleanup(found_close) struct found f;
	int r = find(o, o->id, &f, err);

	if (r)
		return r;
	if (f.status == STATUS_STOPPED)
		return err_set(err, ERR_PRECONDITION, "container %s is not running", o->id);
	return cgroup_open(cg, f.state.cgroup, err);
}

int container_freeze(const struct options *o, bool frozen, struct err *err)
{
	struct cgroup cg;
	int r = open_cgroup(o, &cg, err);

	if (r)
		return r;
	r = cgroup_freeze(&cg, frozen, err);
	cgroup_close(&cg);
	return r;
}

static int read_resources(const char *path, struct plan *plan, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, strcmp(path, "-") ? path : "/dev/stdin", BUNDLE_SIZE_MAX,
			     &text);

	if (r)
		return err_sys(err, r, "read %s", path);
	return bundle_parse_resources(plan, text.data, text.len, err);
}

int container_update(const struct options *o, struct err *err)
{
	cleanup(plan_free) struct plan plan = { 0 };
	struct cgroup cg;
	int r = read_resources(o->resources, &plan, err);

	r = r ? r : open_cgroup(o, &cg, err);
	if (r)
		return r;
	r = cgroup_update(&cg, &plan.res, err);
	cgroup_close(&cg);
	return r;
}
