/* SPDX-License-Identifier: Apache-2.0 */
/* The shim must outlive the engine and every terminal: new session, no inherited descriptor but the
 * socket (all of the engine's are close-on-exec), default signals, stderr in a file of its own. */
#include "shimspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fault.h"
#include "fd.h"
#include "str.h"

enum { SHIM_FD = 3, KEPT_FD = 4 };

struct attrs {
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;
};

static int attrs_init(struct attrs *a)
{
	sigset_t all, none;
	int r = posix_spawnattr_init(&a->attr);

	if (r)
		return -r;
	r = posix_spawn_file_actions_init(&a->actions);
	if (r) {
		posix_spawnattr_destroy(&a->attr);
		return -r;
	}
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&a->attr, &all);
	posix_spawnattr_setsigmask(&a->attr, &none);
	posix_spawnattr_setflags(&a->attr, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						   POSIX_SPAWN_SETSID));
	return 0;
}

static void attrs_deinit(struct attrs *a)
{
	posix_spawn_file_actions_destroy(&a->actions);
	posix_spawnattr_destroy(&a->attr);
}

static int add_files(struct attrs *a, const char *log, int listen_fd, int kept_fd)
{
	posix_spawn_file_actions_t *f = &a->actions;
	int r = posix_spawn_file_actions_adddup2(f, listen_fd, SHIM_FD);

	if (!r && kept_fd >= 0)
		r = posix_spawn_file_actions_adddup2(f, kept_fd, KEPT_FD);
	if (!r)
		r = posix_spawn_file_actions_addopen(f, 0, "/dev/null", O_RDWR, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(f, 0, 1);
	if (!r)
		r = posix_spawn_file_actions_addopen(f, 2, log, O_WRONLY | O_CREAT | O_APPEND,
						     0600);
	return -r;
}

enum { LOG_MAX = 1 << 20 };

struct shim_paths {
	char *program, *state, *run, *log, *oci, *cgroup;
};

static void paths_deinit(struct shim_paths *p)
{
	free(p->program);
	free(p->state);
	free(p->run);
	free(p->log);
	free(p->oci);
	free(p->cgroup);
}

static int paths_init(struct shim_paths *p, const struct engine *engine, const char *id)
{
	p->program = str_path(engine->bin_dir, "cleat-shim");
	p->state = str_printf("%s/containers/%s", engine->state_dir, id);
	p->run = str_printf("%s/shim/%s", engine->run_dir, id);
	p->log = str_printf("%s/shim/%s/log", engine->run_dir, id);
	p->oci = str_path(engine->run_dir, "oci");
	p->cgroup = str_printf("%s/%s", engine->cgroup, id);
	return p->program && p->state && p->run && p->log && p->oci && p->cgroup ? 0 : -ENOMEM;
}

pid_t shimspawn(const struct engine *engine, const char *id, int listen_fd, int kept_fd,
		struct err *err)
{
	cleanup(paths_deinit) struct shim_paths paths = { 0 };
	struct attrs attrs;
	pid_t pid = 0;
	int r = paths_init(&paths, engine, id);

	if (r == 0)
		r = attrs_init(&attrs);
	if (r < 0)
		return err_sys(err, r, "start the shim");

	char *const argv[] = { "cleat-shim", "--id",       (char *)id,
			       "--state",    paths.state,  "--run",
			       paths.run,    "--oci-root", paths.oci,
			       "--cgroup",   paths.cgroup, kept_fd >= 0 ? "--kept" : NULL,
			       "4",          NULL };
	cleanup_free char *fault = fault_environment();
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const envp[] = { path, fault, NULL };

	r = add_files(&attrs, paths.log, listen_fd, kept_fd);
	if (r == 0)
		r = -posix_spawn(&pid, paths.program, &attrs.actions, &attrs.attr, argv, envp);
	attrs_deinit(&attrs);
	return r < 0 ? err_sys(err, r, "start %s", paths.program) : pid;
}

void shimspawn_why(const struct engine *engine, const char *id, char why[SHIMSPAWN_WHY_MAX])
{
	cleanup(buf_deinit) struct buf log = BUF_NULL;
	char path[96];

	why[0] = '\0';
	(void)snprintf(path, sizeof(path), "shim/%.64s/log", id);
	if (fd_read_file(engine->run_fd, path, LOG_MAX, &log) < 0 || log.len == 0)
		return;
	log.data[log.len - 1] = '\0'; /* the last newline */

	const char *line = strrchr(log.data, '\n');
	const char *error = strstr(line ? line : log.data, " error=");

	if (error)
		(void)snprintf(why, SHIMSPAWN_WHY_MAX, ": %s", error + strlen(" error="));
}

int shimspawn_gone(const struct engine *engine, const char *id, int r, struct err *err)
{
	char why[SHIMSPAWN_WHY_MAX];

	if (r == -ENOTCONN) {
		shimspawn_why(engine, id, why);
		(void)err_reason(err, ERR_UNAVAILABLE, "SHIM_GONE",
				 "the supervisor of container %.12s is not running%s", id, why);
		return -ENOTCONN;
	}
	if (r == -ETIMEDOUT)
		return err_reason(err, ERR_DEADLINE, "SHIM_SILENT",
				  "the supervisor of container %.12s does not answer", id);
	return err_sys(err, r, "talk to the supervisor of container %.12s", id);
}
