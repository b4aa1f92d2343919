/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a container that runs is taken from its mount namespace, as a copy of its mounts: what is mounted
 * inside is there, and whatever the container does to its mounts from then on changes nothing here. That of one
 * that does not run is mounted as its runtime would, in a namespace of the worker's own: the host never sees
 * it. One that is only read gets an upper directory in memory, where mount points are made that are missing
 * because it never ran. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fd.h"
#include "jobs.h"
#include "overlay.h"
#include "str.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

enum { LAYERS_MAX = 160, BINDS_MAX = 4096 };

struct bind {
	const char *text;    /* FLAGS:SOURCE<newline>TARGET */
	const char *part;    /* of the source; NULL = all */
	char *const *layers; /* words; the source is to be made of them */
	size_t n_layers;
};

struct root {
	struct overlay overlay;
	const char *lower[LAYERS_MAX], *at, *pid;
	struct bind binds[BINDS_MAX + 1];
	size_t n_binds;
	bool flat, sealed, readonly;
};

/* 1 when the word was one of a mount inside. */
static int take_bind(struct root *root, char *const *at, const char *value)
{
	const char *word = *at + strlen("root=");
	struct bind *next = &root->binds[root->n_binds];

	if (str_has_prefix(word, "part:"))
		next->part = value;
	else if (str_has_prefix(word, "layer:"))
		next->layers = next->n_layers++ ? next->layers : at;
	else if (str_has_prefix(word, "bind:") && root->n_binds < BINDS_MAX)
		root->binds[root->n_binds++].text = value;
	else
		return 0;
	return 1;
}

/* 1 when the word was one. */
static int take_word(struct root *root, char *const *at)
{
	const char *word = *at + strlen("root="), *value = strchr(word, ':');

	value = value ? value + 1 : "";
	if (str_has_prefix(word, "pid:"))
		root->pid = value;
	else if (str_has_prefix(word, "at:"))
		root->at = value;
	else if (str_has_prefix(word, "lower:") && root->overlay.n_lower < LAYERS_MAX)
		root->lower[root->overlay.n_lower++] = value;
	else if (str_has_prefix(word, "upper:"))
		root->overlay.upper = value;
	else if (str_has_prefix(word, "work:"))
		root->overlay.work = value;
	else if (strcmp(word, "flat") == 0)
		root->flat = true;
	else if (strcmp(word, "readonly") == 0)
		root->readonly = true;
	else if (strcmp(word, "sealed") == 0)
		root->sealed = true;
	else
		return take_bind(root, at, value);
	return 1;
}

static int join(const struct root *root, struct err *err)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int64_t number;
	int r;

	if (str_int_in(root->pid, 0, INT32_MAX, &number) < 0)
		return err_set(err, ERR_INTERNAL, "root=pid: no descriptor");
	/* in a user namespace of its own the container's ids are what they seem to it; who is in it, is refused */
	if (setns((int)number, CLONE_NEWUSER | CLONE_NEWNS) == 0)
		r = setresgid(0, 0, 0) || setresuid(0, 0, 0) ? -1 : 0;
	else
		r = errno == EINVAL ? setns((int)number, CLONE_NEWNS) : -1;
	if (r < 0)
		return errno == ESRCH ? err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
						   "the container has just ended")
				      : err_sys(err, errno, "enter the container");
	int tree = open_tree(AT_FDCWD, "/", root->flat ? flags : flags | AT_RECURSIVE);

	return tree < 0 ? err_sys(err, errno, "open the container's root") : tree;
}

/* The directory keeps its times: nothing that is seen of it was made by the container. */
static int make_point(int parent, const char *name, bool directory)
{
	struct stat st;
	int r = fstat(parent, &st) < 0 ? -1
		: directory            ? mkdirat(parent, name, 0755)
				       : mknodat(parent, name, S_IFREG | 0644, 0);

	if (r == 0)
		(void)utimensat(parent, "", (struct timespec[]){ st.st_atim, st.st_mtim },
				AT_EMPTY_PATH);
	return r;
}

/* Opens a mount point, and makes what is missing of it as the runtime would: a step at a time, each inside the
 * root. -ENOENT where nothing can be made. */
static int open_target(int root, const char *path, bool directory)
{
	char prefix[JOB_PATH_MAX + 1];
	size_t len = strlen(path);
	int fd = fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0), parent = root;

	if (fd != -ENOENT || len > JOB_PATH_MAX)
		return fd;
	for (size_t n = 1; n <= len; n++) {
		if (path[n] != '/' && path[n] != '\0')
			continue;
		memcpy(prefix, path, n);
		prefix[n] = '\0';
		fd = fd_open_in_root(root, prefix, O_PATH | O_CLOEXEC, 0);
		if (fd == -ENOENT) {
			const char *name = strrchr(prefix, '/') + 1;

			if (make_point(parent, name, path[n] == '/' || directory) == 0)
				fd = fd_open_in_root(root, prefix, O_PATH | O_CLOEXEC, 0);
		}
		if (parent != root)
			close(parent);
		if (fd < 0)
			return fd;
		parent = fd;
	}
	return parent == root ? -ENOENT : parent;
}

/* A copy of what is at a path, or "fd:N", one that the engine has made. -1 with errno. */
static int open_source(const char *source)
{
	int64_t number;

	if (!str_has_prefix(source, "fd:"))
		return open_tree(AT_FDCWD, source,
				 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	errno = EBADF;
	return str_int_in(source + 3, 0, INT32_MAX, &number) < 0
		       ? -1
		       : fcntl((int)number, F_DUPFD_CLOEXEC, 0);
}

/* Mounts the source on the directory `name` of `scratch`: as it is or, with layers, what they make. -errno. */
static int mount_aside(const struct bind *b, const char *source, int scratch, const char *name)
{
	cleanup_free const char **lower = calloc(b->n_layers + 1, sizeof(*lower));
	struct overlay o = { .lower = lower, .n_lower = b->n_layers };
	char empty[32];

	if (!lower || mkdirat(scratch, name, 0700) < 0)
		return lower ? -errno : -ENOMEM;
	if (!b->n_layers) {
		cleanup_fd int tree = open_source(source);

		return tree < 0 || move_mount(tree, "", scratch, name, MOVE_MOUNT_F_EMPTY_PATH) < 0
			       ? -errno
			       : steal_fd(&tree);
	}
	for (size_t i = 0; i < b->n_layers; i++)
		lower[i] = b->layers[i] + strlen("root=layer:");
	(void)snprintf(empty, sizeof(empty), "/proc/self/fd/%d/empty", scratch);
	if (o.n_lower < 2) /* an overlay that is read is of two at least */
		lower[o.n_lower++] = empty;
	return overlay_mount(&o, scratch, name, NULL);
}

/* What is to be mounted inside, as a mount that is nowhere. A part is looked for where the whole is mounted, as older
 * kernels copy nothing else. -errno. */
static int open_whole_or_part(const struct root *root, const struct bind *b, const char *source,
			      int scratch)
{
	char name[24];

	if (!b->n_layers && !b->part) {
		int tree = open_source(source);

		return tree < 0 ? -errno : tree;
	}
	(void)snprintf(name, sizeof(name), "%td", b - root->binds);
	cleanup_fd int whole = mount_aside(b, source, scratch, name);
	cleanup_fd int found =
		whole < 0 ? whole
			  : fd_open_in_root(whole, b->part ? b->part : ".", O_PATH | O_CLOEXEC, 0);
	int tree = found < 0 ? found
			     : open_tree(found, "",
					 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return tree < 0 && found >= 0 ? -errno : tree;
}

/* What is not there is not mounted, nor what has no place: no mount point is made in what others have, when the
 * container is only read. */
static int bind(const struct root *root, const struct bind *b, int at_root, int scratch,
		struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	const char *source = strchr(b->text, ':'), *target = strchr(b->text, '\n');

	if (!source || !target)
		return err_set(err, ERR_INTERNAL, "root=bind: expected FLAGS:SOURCE and TARGET");
	cleanup_free char *from = strndup(source + 1, (size_t)(target - source - 1));
	cleanup_fd int tree = from ? open_whole_or_part(root, b, from, scratch) : -ENOMEM;
	struct stat st = { 0 };
	bool directory = tree >= 0 && fstat(tree, &st) == 0 && S_ISDIR(st.st_mode);
	cleanup_fd int at = tree < 0 ? -1 : open_target(at_root, target + 1, directory);

	if (tree < 0)
		return tree == -ENOENT || tree == -ENOTDIR || tree == -ELOOP
			       ? 0
			       : err_sys(err, tree, "mount %.100s", target + 1);
	if (at < 0)
		return at == -ENOENT ? 0 : err_sys(err, at, "mount %.100s", target + 1);
	if ((b->text[0] == 'r' || root->sealed) &&
	    mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(err, errno, "mount %.100s", target + 1);
	if (move_mount(tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, errno, "mount %.100s", target + 1);
	return 0;
}

/* As what it hides is. */
static int like(int dir, const char *name, const char *hidden)
{
	struct stat st;

	return stat(hidden, &st) || fchownat(dir, name, st.st_uid, st.st_gid, 0) ||
			       fchmodat(dir, name, st.st_mode & 07777, 0) ||
			       utimensat(dir, name, (struct timespec[]){ st.st_atim, st.st_mtim },
					 0)
		       ? -1
		       : 0;
}

/* A file system on the empty directory that roots are mounted on, with directories for overlays. Returns its owned
 * descriptor. */
static int make_scratch(const struct root *root, int at, struct err *err)
{
	static const char *const names[] = { "upper", "work", "root", "empty" };
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;
	int r = fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -1 : 0;

	fd = r ? -1 : fsmount(fs, FSMOUNT_CLOEXEC, 0);
	r = fd < 0 ? -1 : move_mount(fd, "", at, "rootfs", MOVE_MOUNT_F_EMPTY_PATH);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = mkdirat(fd, names[i], 0700);
	if (r == 0 && !root->overlay.upper)
		r = like(fd, "upper", root->lower[0]);
	if (r)
		return err_sys(err, errno, "make a place for mount points");
	return steal_fd(&fd);
}

/* `at` has the empty directory; what is only read gets its upper directory in `scratch`, if that is >= 0. Returns its owned
 * descriptor. */
static int mount_root(const struct root *root, int at, int scratch, struct err *err)
{
	struct overlay o = root->overlay;
	char upper[48], work[48];

	o.lower = root->lower;
	if (scratch < 0)
		return overlay_mount(&o, at, "rootfs", err);
	(void)snprintf(upper, sizeof(upper), "/proc/self/fd/%d/upper", scratch);
	(void)snprintf(work, sizeof(work), "/proc/self/fd/%d/work", scratch);
	o.upper = o.upper ? o.upper : upper;
	o.work = o.work ? o.work : work;
	return overlay_mount(&o, scratch, "root", err);
}

static int mount_it(struct root *root, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, errno, "make a mount namespace");
	cleanup_fd int at = open(root->at, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return err_sys(err, errno, "open the container's directory");
	cleanup_fd int scratch = root->n_binds ? make_scratch(root, at, err) : -1;

	if (root->n_binds && scratch < 0)
		return scratch;
	cleanup_fd int tree = mount_root(root, at, scratch, err);

	if (tree < 0)
		return tree;
	for (size_t i = 0; r == 0 && i < root->n_binds; i++)
		r = bind(root, &root->binds[i], tree, scratch, err);
	if (r < 0)
		return r;
	/* as the runtime: once the mount points are there */
	if (root->readonly && mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(err, errno, "make the root read-only");
	/* a copy that is nowhere: what is mounted here goes with this namespace, and the worker leaves it */
	int copy = open_tree(tree, "",
			     AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				     (root->flat ? 0u : (unsigned int)AT_RECURSIVE));

	return copy < 0 ? err_sys(err, errno, "open the container's root") : copy;
}

static int seal(const struct root *root, int tree, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV };

	if (root->sealed)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	return mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0
		       ? err_sys(err, errno, "enter the container")
		       : 0;
}

int enter_root(char *const **words, int dir_fd, struct err *err)
{
	struct root root = { .n_binds = 0 };
	char *const *word = *words;

	for (; *word && str_has_prefix(*word, "root="); word++)
		if (!take_word(&root, word))
			return err_set(err, ERR_INTERNAL, "unknown word %.60s", *word);
	*words = word;
	if (!root.pid && !root.at)
		return 0;
	cleanup_fd int tree = root.pid ? join(&root, err) : mount_it(&root, err);
	int r = tree < 0 ? tree : seal(&root, tree, err);

	if (r < 0)
		return r;
	return dup3(tree, dir_fd, O_CLOEXEC) < 0 ? err_sys(err, errno, "enter the container") : 0;
}
