/* SPDX-License-Identifier: Apache-2.0 */
/* What runs is entered by a pidfd, which is compared with the start time the shim has recorded once it is open: a
 * pid that another process has by now is never entered. What does not run is mounted of its layers: to be read
 * with the upper directory as one more layer, which needs no work directory and disturbs no start; to be written
 * under the container's lock, as two overlays must not have one upper directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cleat/v1/containers.pb-c.h"
#include "fd.h"
#include "files_part.h"
#include "image.h"
#include "lifecycle.h"
#include "mountlist.h"
#include "proc.h"
#include "rootlayers.h"
#include "status.h"
#include "str.h"
#include "volume.h"
#include "volumecheck.h"

enum { STAT_MAX_BYTES = 4096, SETTLE_MS = 5000, STEP_MS = 20 };

void root_deinit(struct root *root)
{
	strings_deinit(&root->words);
	for (size_t i = 0; i < root->n_fds; i++)
		close(root->fds[i]);
	closep(&root->lock);
	*root = ROOT_NULL;
}

int root_word(struct root *root, const char *text)
{
	return strings_append(&root->words, text);
}

static int add(struct root *root, const char *key, const char *value)
{
	cleanup_free char *word = str_printf("root=%s%s%s", key, value[0] ? ":" : "", value);

	return word ? root_word(root, word) : -ENOMEM;
}

int root_hand(struct root *root, int fd)
{
	if (root->n_fds == ARRAY_LEN(root->fds)) {
		close(fd);
		return -E2BIG;
	}
	root->fds[root->n_fds++] = fd;
	return WORKER_EXTRA + (int)root->n_fds - 1;
}

/* ---- one that runs */

/* A pidfd of the process that started at that time; -ESRCH. */
static int open_process(pid_t pid, uint64_t start_ticks)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct proc_stat stat;
	char path[40];

	if (fd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int r = fd_read_file(AT_FDCWD, path, STAT_MAX_BYTES, &text);

	r = r ? r : proc_parse_stat(text.data, text.len, &stat);
	if (r < 0 || stat.start_ticks != start_ticks)
		return -ESRCH;
	return steal_fd(&fd);
}

static int open_running(struct root *root, const struct status *status, struct err *err)
{
	int fd = open_process(status->pid, status->pid_start_ticks);
	char number[16];

	fd = fd < 0 ? fd : root_hand(root, fd);
	if (fd < 0)
		return fd == -ESRCH ? fd : err_sys(err, fd, "enter the container");
	(void)snprintf(number, sizeof(number), "%d", fd);
	root->entered = true;
	return add(root, "pid", number) < 0 ? err_sys(err, ENOMEM, "enter the container") : 0;
}

/* ---- one that does not */

/* A word that names something in the container's directory. */
static int add_path(struct root *root, const struct engine *engine, const struct record *record,
		    const char *key, const char *name)
{
	cleanup_free char *path =
		str_printf("%s/containers/%s/%s", engine->state_dir, record->id, name);

	return path ? add(root, key, path) : -ENOMEM;
}

/* A layer that is a mount goes as a descriptor, taken from *fd. */
static int add_lower(struct root *root, const char *name, int *fd)
{
	char number[16];
	int n;

	if (!str_has_prefix(name, "fd:"))
		return add(root, "lower", name);
	n = root_hand(root, steal_fd(fd));
	(void)snprintf(number, sizeof(number), "fd:%d", n);
	return n < 0 ? n : add(root, "lower", number);
}

static int add_mount_point(struct root *root, const struct engine *engine)
{
	cleanup_free char *path = str_path(engine->state_dir, "rootfs");

	return path ? add(root, "lower", path) : -ENOMEM;
}

/* The layers a container is made of but its own. */
static int add_layers(struct root *root, struct engine *engine, const struct record *record,
		      enum root_part part, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	cleanup(rootlayers_deinit) struct rootlayers layers = { 0 };
	int r = image_find(engine, record->image_id, &image, err);

	r = r ? r : rootlayers_open(&layers, engine, &image, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < layers.n; i++)
		r = add_lower(root, layers.lower.v[i], &layers.fds[i]);
	/* an overlay is of two directories at least; the mount point is an empty one */
	if (r == 0 && layers.n < 2 && part == ROOT_LAYERS)
		r = add_mount_point(root, engine);
	return r < 0 ? err_sys(err, r, "list the layers") : 0;
}

static int add_bind(struct root *root, const char *source, const char *target, bool read_only)
{
	cleanup_free char *value = str_printf("%s:%s\n%s", read_only ? "r" : "", source, target);

	return value ? add(root, "bind", value) : -ENOMEM;
}

/* Where a mount's files are on the host, owned; NULL when they are in a file system that is mounted while the
 * container runs, and nowhere else. */
static int find_source(struct engine *engine, const Cleat__V1__Mount *m, char **source)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	const char *bound = NULL;

	if (strcmp(m->type, "tmpfs") == 0)
		return 0;
	if (mountlist_is_volume(m)) {
		int r = volume_find(engine, m->source, &volume, NULL);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		bound = volumecheck_bind(volume.config);
		if (volumecheck_is_mounted(volume.config) && !bound)
			return 0;
	}
	*source = bound ? strdup(bound) : mountlist_source(engine, m);
	return *source ? 0 : -ENOMEM;
}

/* A mount of what is at the path inside the directory, which is consumed. */
static int take_part(int dir, const char *path)
{
	cleanup_fd int base = dir;
	cleanup_fd int found = fd_open_in_root(base, path, O_PATH | O_CLOEXEC, 0);
	int tree = found < 0 ? found
			     : open_tree(found, "",
					 AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
						 OPEN_TREE_CLOEXEC);

	return tree < 0 && found >= 0 ? -errno : tree;
}

/* What the container cannot be started with must not keep its other files from anybody. */
static bool leads_nowhere(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

/* In place of a source what is at the subpath inside it, as the worker has it: links that a container left there lead
 * nowhere else. What is not there is not mounted. */
static int enter_subpath(struct root *root, const char *subpath, char **source)
{
	int base = open(*source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int tree = base < 0 ? -errno : take_part(base, subpath);

	free(*source);
	*source = NULL;
	if (leads_nowhere(tree))
		return 0;
	tree = tree < 0 ? tree : root_hand(root, tree);
	if (tree < 0)
		return tree;
	*source = str_printf("fd:%d", tree);
	return *source ? 0 : -ENOMEM;
}

/* Kernels before 6.8 make no overlay that is nowhere: there the worker does, and all layers have paths. */
static int name_layers(struct root *root, struct engine *engine, const struct image *image,
		       char **source)
{
	cleanup(rootlayers_deinit) struct rootlayers layers = { 0 };
	int r = rootlayers_of(&layers, engine, image, NULL);

	for (size_t i = 0; r == 0 && i < layers.n; i++)
		r = add(root, "layer", layers.lower.v[i]);
	*source = r == 0 ? strdup("layers") : NULL;
	return r ? r : *source ? 0 : -ENOMEM;
}

static int mount_image(struct root *root, struct engine *engine, const Cleat__V1__Mount *m,
		       char **source)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = image_find(engine, m->image_id, &image, NULL), tree;

	if (r < 0)
		return r;
	tree = rootlayers_mount(engine, &image, NULL);
	if (tree == -EAGAIN) {
		r = name_layers(root, engine, &image, source);
	} else {
		tree = tree < 0 ? tree : root_hand(root, tree);
		*source = tree < 0 ? NULL : str_printf("fd:%d", tree);
		r = tree < 0 ? tree : *source ? 0 : -ENOMEM;
	}
	return r == 0 && m->subpath[0] ? add(root, "part", m->subpath) : r;
}

/* The files of /etc that the engine writes, and what the user binds. Parents come first, as the request has to be
 * in that order for its runtime too. */
static int add_binds(struct root *root, struct engine *engine, const struct record *record)
{
	static const char *const files[] = { "resolv.conf", "hostname", "hosts" };
	cleanup(mountlist_freep) Cleat__V1__ContainerConfig *list = mountlist_read(record);
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		cleanup_free char *source =
			str_printf("%s/containers/%s/%s", engine->state_dir, record->id, files[i]);
		cleanup_free char *target = str_path("/etc", files[i]);

		r = source && target ? add_bind(root, source, target, false) : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < list->n_mounts; i++) {
		const Cleat__V1__Mount *m = list->mounts[i];
		cleanup_free char *source = NULL;

		if (mountlist_is_image(m))
			r = mount_image(root, engine, m, &source);
		else
			r = find_source(engine, m, &source);
		if (r == 0 && source && m->subpath[0] && !mountlist_is_image(m))
			r = enter_subpath(root, m->subpath, &source);
		if (r == 0 && source)
			r = add_bind(root, source, m->target, m->read_only);
	}
	return r;
}

static int add_config(struct root *root, struct engine *engine, const struct record *record,
		      enum root_part part)
{
	Cleat__V1__CreateContainerRequest *made = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	int r = made && made->config ? 0 : -ENOMEM;

	if (r == 0 && part == ROOT_WRITE && made->config->read_only_root)
		r = add(root, "readonly", "");
	if (r == 0 && part != ROOT_FLAT)
		r = add_binds(root, engine, record);
	if (made)
		cleat__v1__create_container_request__free_unpacked(made, NULL);
	return r;
}

static int add_upper(struct root *root, const struct engine *engine, const struct record *record,
		     enum root_part part)
{
	int r;

	if (part == ROOT_LAYERS)
		return 0;
	if (part != ROOT_WRITE)
		return add_path(root, engine, record, "lower", "upper");
	r = add_path(root, engine, record, "upper", "upper");
	return r ? r : add_path(root, engine, record, "work", "work");
}

static int open_stopped(struct root *root, struct engine *engine, const struct record *record,
			enum root_part part, struct err *err)
{
	int r = add(root, "at", engine->state_dir);

	r = r ? r : add_upper(root, engine, record, part);
	if (r < 0)
		return err_sys(err, r, "enter the container");
	r = add_layers(root, engine, record, part, err);
	if (r < 0 || part == ROOT_LAYERS)
		return r;
	r = add_config(root, engine, record, part);
	return r < 0 ? err_sys(err, r, "enter the container") : 0;
}

/* ---- either */

static bool has_process(const struct status *status)
{
	return status->pid > 0 &&
	       (status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING ||
		status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED);
}

/* One that its restart policy is about to start can be read as it is, and written to only once it runs or has
 * ended for good. */
static int open_now(struct root *root, struct engine *engine, const struct record *record,
		    enum root_part part, struct err *err)
{
	struct status status;

	status_read(engine, record, &status);
	if (has_process(&status))
		return open_running(root, &status, err);
	if (part == ROOT_WRITE && status_active(&status))
		return -ESRCH;
	return open_stopped(root, engine, record, part, err);
}

static int open_settled(struct root *root, struct engine *engine, const struct record *record,
			enum root_part part, struct err *err)
{
	static const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int64_t until_ns = fd_monotonic_ns() + SETTLE_MS * INT64_C(1000000);
	int r;

	/* -ESRCH: it has just ended, or is about to start */
	while ((r = open_now(root, engine, record, part, err)) == -ESRCH &&
	       fd_monotonic_ns() < until_ns)
		(void)nanosleep(&step, NULL);
	return r == -ESRCH ? err_reason(err, ERR_PRECONDITION, "RESTARTING",
					"container %.12s is restarting, wait until it is running",
					record->id)
			   : r;
}

int root_open(struct root *root, struct engine *engine, const struct record *record,
	      enum root_part part, struct err *err)
{
	int r = 0;

	*root = ROOT_NULL;
	if (part == ROOT_LAYERS)
		return open_stopped(root, engine, record, part, err);
	if (part == ROOT_WRITE)
		root->lock = lifecycle_lock(engine, record->id, err);
	if (part == ROOT_WRITE && root->lock < 0)
		return root->lock;
	r = open_settled(root, engine, record, part, err);
	if (root->entered) { /* its root is that of its process, whatever becomes of the container */
		closep(&root->lock);
		root->lock = -1;
	}
	if (r == 0 && part == ROOT_FLAT)
		r = add(root, "flat", "");
	if (r == 0 && part != ROOT_WRITE)
		r = add(root, "sealed", "");
	return r == -ENOMEM ? err_sys(err, r, "enter the container") : r;
}

int root_start(const struct root *root, struct engine *engine, const char *job, int stream_fd,
	       struct worker *worker, struct err *err)
{
	cleanup_free const char **words = calloc(root->words.n + 1, sizeof(*words));
	const struct worker_call call = { .job = job,
					  .words = words,
					  .stream_fd = stream_fd,
					  .dir_fd = engine->containers_fd,
					  .extra = root->fds,
					  .n_extra = root->n_fds };

	if (!words)
		return err_sys(err, ENOMEM, "start a worker");
	for (size_t i = 0; i < root->words.n; i++)
		words[i] = root->words.v[i];
	return worker_start_call(worker, engine->bin_dir, &call, err);
}
