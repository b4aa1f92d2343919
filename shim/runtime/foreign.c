/* SPDX-License-Identifier: Apache-2.0 */
/* The overlay is mounted in a mount namespace of our own, which the runtime inherits and the container
 * copies; it is gone with us. The runtime's records and its log are in ROOT/ID, with ours. Its child becomes
 * the shim's when it ends. */
#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"
#include "launch.h"
#include "mounts.h"
#include "state.h"
#include "str.h"

enum { ARGS_MAX = 24, LOG_MAX = 64 << 10, CONFIG_MAX = 4 << 20, PATH_TEXT = 4096 };

struct foreign {
	const struct options *o;
	char dir[PATH_TEXT];  /* ROOT/ID */
	char root[PATH_TEXT]; /* the runtime's own, below it */
	char log[PATH_TEXT], pid_file[PATH_TEXT];
	int here; /* our working directory; -1 = not needed */
	char console[PATH_TEXT];
	char *argv[ARGS_MAX];
	size_t n;
};

/* The shim's console sockets are in its working directory, which runtimes leave. */
static int find_console(struct foreign *f, struct err *err)
{
	const char *socket = f->o->console_socket;

	if (!socket)
		return 0;
	f->here = open(".", O_PATH | O_DIRECTORY); /* inherited */
	if (f->here < 0)
		return err_sys(err, errno, "open the working directory");
	(void)snprintf(f->console, sizeof(f->console), "/proc/self/fd/%d/%s", f->here, socket);
	if (socket[0] == '/')
		(void)snprintf(f->console, sizeof(f->console), "%s", socket);
	return 0;
}

static int open_foreign(struct foreign *f, const struct options *o, struct err *err)
{
	int r = state_check_id(o->id, err), n;

	*f = (struct foreign){ .o = o, .here = -1 };
	if (r)
		return r;
	if (o->notify_fd >= 0)
		(void)fcntl(o->notify_fd, F_SETFD, FD_CLOEXEC);
	n = snprintf(f->dir, sizeof(f->dir), "%s/%s", o->root, o->id);
	if (n >= PATH_TEXT - 64)
		return err_set(err, ERR_INVALID, "--root: the path is too long");
	(void)snprintf(f->root, sizeof(f->root), "%.*s/runtime", n, f->dir);
	(void)snprintf(f->log, sizeof(f->log), "%.*s/log.%d", n, f->dir, getpid());
	(void)snprintf(f->pid_file, sizeof(f->pid_file), "%.*s/pid.%d", n, f->dir, getpid());
	r = fd_mkdir_all(AT_FDCWD, f->root, 0700);
	return r < 0 ? err_sys(err, r, "make %s", f->root) : find_console(f, err);
}

static void close_foreign(struct foreign *f)
{
	closep(&f->here);
	(void)unlink(f->log);
	(void)unlink(f->pid_file);
}

static void add(struct foreign *f, const char *word)
{
	if (f->n < ARGS_MAX - 1)
		f->argv[f->n++] = (char *)(uintptr_t)word;
	f->argv[f->n] = NULL;
}

static void begin(struct foreign *f, const char *verb)
{
	f->n = 0;
	add(f, f->o->runtime);
	add(f, "--root");
	add(f, f->root);
	add(f, "--log");
	add(f, f->log);
	add(f, "--log-format");
	add(f, "json");
	add(f, verb);
}

/* Runs the command; its exit code. `quiet`: not with the container's streams. */
static int call(struct foreign *f, bool quiet, int *code, struct err *err)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = { path, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status, r = posix_spawn_file_actions_init(&actions);

	if (r)
		return err_sys(err, r, "start %s", f->o->runtime);
	for (int i = 0; quiet && !r && i < 3; i++)
		r = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
	if (!r)
		r = posix_spawn(&pid, f->o->runtime, &actions, NULL, f->argv, env);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return err_sys(err, r, "start the runtime %s", f->o->runtime);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for %s", f->o->runtime);
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

/* The last message of the runtime's log, one JSON object a line. */
static void last_words(const struct foreign *f, char *text, size_t size)
{
	cleanup(buf_deinit) struct buf log = BUF_NULL;
	char *save = NULL;

	(void)snprintf(text, size, "it gives no reason");
	if (fd_read_file(AT_FDCWD, f->log, LOG_MAX, &log) < 0 || !log.data)
		return;
	for (char *line = strtok_r(log.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *words = json_string_value(json_object_get(entry, "msg"));

		if (words && words[0])
			(void)snprintf(text, size, "%s", words);
		json_decref(entry);
	}
}

/* As Docker reads the words of its runtimes. */
static int code_of(const char *words)
{
	if (strcasestr(words, "executable file") || strcasestr(words, "no such file or directory"))
		return EXIT_NOT_FOUND;
	return strcasestr(words, "permission denied") ? EXIT_NOT_EXECUTABLE : EXIT_RUNTIME;
}

static int must(struct foreign *f, bool quiet, struct outcome *out, struct err *err)
{
	char words[200];
	int code = 0, r = call(f, quiet, &code, err);

	if (r || !code)
		return r;
	last_words(f, words, sizeof(words));
	out->exit_code = code_of(words);
	return err_set(err, out->exit_code == EXIT_NOT_FOUND ? ERR_NOT_FOUND : ERR_INTERNAL,
		       "%s: %s", f->o->runtime, words);
}

static void remove_record(struct foreign *f)
{
	int code;

	begin(f, "delete");
	add(f, "--force");
	add(f, f->o->id);
	(void)!call(f, true, &code, NULL);
}

static int read_pid(const struct foreign *f, pid_t *pid, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int64_t n;
	int r = fd_read_file(AT_FDCWD, f->pid_file, 32, &text);

	if (r < 0)
		return err_sys(err, r, "read the pid file of %s", f->o->runtime);
	if (!text.data || str_int_in(text.data, 1, INT32_MAX, &n) < 0)
		return err_set(err, ERR_INTERNAL, "%s wrote no pid", f->o->runtime);
	*pid = (pid_t)n;
	return 0;
}

static int mount_root(const struct plan *plan, const char *bundle, struct err *err)
{
	cleanup_fd int dir = -1, root = -1;

	if (!plan->overlay.lower.n)
		return 0;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return err_sys(err, errno, "make a mount namespace");
	dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC); /* of the new namespace */
	if (dir < 0)
		return err_sys(err, errno, "open the bundle");
	root = rootfs_overlay(plan, dir, err);
	return root < 0 ? root : 0;
}

static void decref(json_t **json)
{
	json_decref(*json);
}

/* Our descriptors are not those of the runtime's children, which join namespaces: by our pid they find them, as we
 * wait. Returns whether there was such a path. */
static bool name_descriptors(json_t *config)
{
	json_t *list = json_object_get(json_object_get(config, "linux"), "namespaces"), *entry;
	static const char own[] = "/proc/self/fd/";
	bool any = false;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *path = json_string_value(json_object_get(entry, "path"));
		char named[48];

		if (!path || !str_has_prefix(path, own))
			continue;
		(void)snprintf(named, sizeof(named), "/proc/%d/fd/%.16s", getpid(),
			       path + strlen(own));
		json_object_set_new(entry, "path", json_string(named));
		any = true;
	}
	return any;
}

/* The bundle as the runtime is to see it: `dir` itself or, where paths have to change, one in ROOT/ID. */
static int choose_bundle(const struct foreign *f, const char *dir, char out[PATH_TEXT],
			 struct err *err)
{
	cleanup_free char *path = str_path(dir, "config.json");
	cleanup(buf_deinit) struct buf read = BUF_NULL;
	bool there = path && fd_read_file(AT_FDCWD, path, CONFIG_MAX, &read) == 0;
	cleanup(decref) json_t *config = there ? json_loadb(read.data, read.len, 0, NULL) : NULL;
	json_t *root = json_object_get(config, "root");
	const char *rootfs = json_string_value(json_object_get(root, "path"));
	const char *text; /* of the arena, as all of jansson's */
	int r;

	(void)snprintf(out, PATH_TEXT, "%s", dir);
	if (!config || !name_descriptors(config))
		return 0; /* what cannot be read was told by bundle_load() */
	if (rootfs && rootfs[0] != '/') {
		cleanup_free char *whole = str_path(dir, rootfs);

		json_object_set_new(root, "path", json_string(whole ? whole : ""));
	}
	text = json_dumps(config, JSON_COMPACT);
	if (snprintf(out, PATH_TEXT, "%s/bundle", f->dir) >= PATH_TEXT || !text)
		return err_sys(err, ENOMEM, "bundle");
	r = fd_mkdir_all(AT_FDCWD, out, 0700);
	cleanup_free char *copy = str_path(out, "config.json");

	r = r < 0 ? r : !copy ? -ENOMEM : 0;
	r = r ? r : fd_replace_file(AT_FDCWD, copy, text, strlen(text), 0600, false);
	return r < 0 ? err_sys(err, r, "write %s", out) : 0;
}

static int create_and_start(struct foreign *f, const char *bundle, struct outcome *out,
			    struct err *err)
{
	cleanup_fd int pidfd = -1;
	char chosen[PATH_TEXT];
	pid_t pid = 0;
	int r = choose_bundle(f, bundle, chosen, err);

	if (r < 0)
		return r;
	begin(f, "create");
	add(f, "--bundle");
	add(f, chosen);
	add(f, "--pid-file");
	add(f, f->pid_file);
	if (f->o->console_socket) {
		add(f, "--console-socket");
		add(f, f->console);
	}
	add(f, f->o->id);
	r = must(f, false, out, err);
	r = r ? r : read_pid(f, &pid, err);
	if (r)
		return r;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	begin(f, "start");
	add(f, f->o->id);
	r = must(f, true, out, err);
	return r ? r : container_report(f->o, pid, pidfd, err);
}

static int check_own(const struct plan *plan, struct err *err)
{
	if (plan->init)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "--init is only there with cleat's own runtime");
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (str_has_prefix(str_or_empty(plan->mounts[i].data), PLAN_MOUNT_NS))
			return err_set(err, ERR_UNIMPLEMENTED,
				       "the IPC namespace of another container is only there with "
				       "cleat's own runtime");
	return 0;
}

int foreign_run(const struct options *o, struct outcome *out, struct err *err)
{
	cleanup_free struct foreign *f = calloc(1, sizeof(*f));
	struct bundle bundle = { 0 };
	int r = f ? open_foreign(f, o, err) : err_sys(err, ENOMEM, "run");

	if (r)
		return r;
	out->stage = "runtime";
	r = bundle_load(&bundle, o->bundle ? o->bundle : ".", o, err);
	r = r ? r : check_own(&bundle.plan, err);
	r = r ? r : mount_root(&bundle.plan, bundle.dir, err);
	if (!r) {
		r = create_and_start(f, bundle.dir, out, err);
		if (r)
			remove_record(f);
	}
	bundle_unload(&bundle);
	close_foreign(f);
	return r;
}

int foreign_exec(const struct options *o, struct outcome *out, struct err *err)
{
	cleanup_free struct foreign *f = calloc(1, sizeof(*f));
	cleanup_fd int pidfd = -1;
	pid_t pid = 0;
	int r = f ? open_foreign(f, o, err) : err_sys(err, ENOMEM, "exec");

	if (r)
		return r;
	out->stage = "runtime";
	begin(f, "exec");
	add(f, "--detach");
	add(f, "--process");
	add(f, o->process);
	add(f, "--pid-file");
	add(f, f->pid_file);
	if (o->console_socket) {
		add(f, "--console-socket");
		add(f, f->console);
	}
	add(f, o->id);
	r = must(f, false, out, err);
	r = r ? r : read_pid(f, &pid, err);
	if (!r) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* -1: it has ended already */
		r = container_report(o, pid, pidfd, err);
		if (r < 0 && pidfd >= 0) /* who asked for it is gone */
			(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	}
	close_foreign(f);
	return r;
}

int foreign_update(const struct options *o, struct outcome *out, struct err *err)
{
	cleanup_free struct foreign *f = calloc(1, sizeof(*f));
	int r = f ? open_foreign(f, o, err) : err_sys(err, ENOMEM, "update");

	if (r)
		return r;
	out->stage = "runtime";
	begin(f, "update");
	add(f, "--resources");
	add(f, o->resources);
	add(f, o->id);
	r = must(f, false, out, err);
	close_foreign(f);
	return r;
}
