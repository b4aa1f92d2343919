/* SPDX-License-Identifier: Apache-2.0 */
/* A cache is STATE/build/ID/fs, locked by STATE/build/ID/lock: read-locked by who shares it, write-locked by who
 * does not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "copytree.h"
#include "fd.h"
#include "runbinds.h"
#include "sha256.h"
#include "str.h"

enum { PRIVATE_CACHES = 64, LOOK_AGAIN_MS = 20 };

static int try_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* Before one looks again: a wait for a lock could not be cancelled. */
static int pause_a_little(const struct work *w)
{
	struct pollfd fds[] = { { .fd = w->build->cancel_fds[0], .events = POLLIN },
				{ .fd = w->build->cancel_fds[1], .events = POLLIN } };

	return poll(fds, ARRAY_LEN(fds), LOOK_AGAIN_MS) > 0 ? -ECANCELED : 0;
}

/* A new cache begins as what `from` has. */
static int fill_cache(struct work *w, int dir_fd, const struct runmount *m, struct err *err)
{
	cleanup(key_deinit) struct key unused = { 0 };
	cleanup_free char *name = NULL;
	int r = key_open(&unused, "", err);

	r = r ? r : fd_remove_tree(dir_fd, "new");
	if (r == 0 && m->from) {
		cleanup_fd int from = runmount_source(w, m, &unused, &name, err);

		r = from < 0 ? from
			     : copytree_copy(from, name, dir_fd, "new", &runmount_as_is, err);
	} else if (r == 0 && (mkdirat(dir_fd, "new", 0700) < 0 ||
			      fchownat(dir_fd, "new", m->uid, m->gid, 0) < 0 ||
			      fchmodat(dir_fd, "new", m->mode, 0) < 0)) {
		r = -errno;
	}
	return r == 0 && renameat(dir_fd, "new", dir_fd, "fs") < 0 ? -errno : r;
}

/* Made by the first who comes, and there for the others as soon as it is whole. */
static int make_files(struct work *w, int dir_fd, int lock_fd, const struct runmount *m,
		      struct err *err)
{
	int r = 0;

	while (r == 0 && faccessat(dir_fd, "fs", F_OK, 0) < 0) {
		r = try_lock(lock_fd, F_WRLCK);
		if (r == 0 && faccessat(dir_fd, "fs", F_OK, 0) < 0)
			r = fill_cache(w, dir_fd, m, err);
		else if (r == -EAGAIN)
			r = pause_a_little(w);
	}
	return r;
}

static int lock_as_wanted(const struct work *w, int fd, enum runmount_sharing sharing)
{
	short type = sharing == SHARING_SHARED ? F_RDLCK : F_WRLCK;
	int r;

	while ((r = try_lock(fd, type)) == -EAGAIN && sharing != SHARING_PRIVATE)
		if ((r = pause_a_little(w)) < 0)
			break;
	return r;
}

/* Whether the lock is still that of the directory which has the name: a prune moves one away. */
static bool is_current(int state_fd, const char *dir, int lock_fd)
{
	cleanup_free char *path = str_path(dir, "lock");
	struct stat ours, theirs;

	return path && fstat(lock_fd, &ours) == 0 && fstatat(state_fd, path, &theirs, 0) == 0 &&
	       ours.st_ino == theirs.st_ino;
}

/* The cache in `dir` below STATE, made if it is new; the descriptor of its lock. -EAGAIN when it is a private
 * one in use, -ESTALE when it was removed meanwhile. */
static int lock_cache(struct work *w, const char *dir, const struct runmount *m, struct err *err)
{
	int state_fd = w->build->engine->state_fd;
	int r = fd_mkdir_all(state_fd, dir, 0700);
	cleanup_fd int dir_fd = r ? -1 : openat(state_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd =
		dir_fd < 0 ? -1 : openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return r ? r : errno == ENOENT ? -ESTALE : -errno;
	r = make_files(w, dir_fd, fd, m, err);
	r = r ? r : lock_as_wanted(w, fd, m->sharing);
	if (r != -ECANCELED && !is_current(state_fd, dir, fd))
		return -ESTALE;
	if (r == 0 && futimens(fd, NULL) < 0) /* when it was used last */
		r = -errno;
	return r == 0 ? steal_fd(&fd) : r;
}

int runcache_open(struct work *w, const struct runmount *m, int *lock_fd, char **path,
		  struct err *err)
{
	const char *id = m->id ? m->id : m->target;
	char hex[65], dir[96];
	int fd = -EAGAIN;

	sha256_hex(id, strlen(id), hex);
	/* a private cache is the first of its kind that nobody uses */
	for (int i = 0; fd == -EAGAIN && i < PRIVATE_CACHES; i++) {
		(void)snprintf(dir, sizeof(dir), "build/%s-%d", hex, i);
		do
			fd = lock_cache(w, dir, m, err);
		while (fd == -ESTALE);
	}
	if (fd < 0)
		return err_wrap(err, fd, "cache of \"%.80s\"", m->target);
	*path = str_printf("%s/%s/fs", w->build->engine->state_dir, dir);
	if (!*path) {
		close(fd);
		return err_sys(err, ENOMEM, "build");
	}
	*lock_fd = fd;
	return 0;
}
