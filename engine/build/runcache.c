/* SPDX-License-Identifier: Apache-2.0 */
/* A cache is STATE/build/ID/fs, locked by STATE/build/ID/lock: read-locked by who shares it, write-locked by who
 * does not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "copytree.h"
#include "fd.h"
#include "runbinds.h"
#include "sha256.h"
#include "str.h"

enum { PRIVATE_CACHES = 64 };

static int lock_range(int fd, short type, bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* The cache's directory below STATE, locked. -EAGAIN when a private one is in use. */
static int lock_cache(int state_fd, const char *dir, enum runmount_sharing sharing)
{
	char path[120];
	int r = fd_mkdir_all(state_fd, dir, 0700);

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	cleanup_fd int fd = r ? -1 : openat(state_fd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return r ? r : -errno;
	r = lock_range(fd, sharing == SHARING_SHARED ? F_RDLCK : F_WRLCK,
		       sharing != SHARING_PRIVATE);
	if (r == 0)
		return steal_fd(&fd);
	return r == -EACCES ? -EAGAIN : r;
}

/* A private cache is the first of its kind that nobody uses. */
static int choose_cache(int state_fd, const struct runmount *m, char dir[96])
{
	const char *id = m->id ? m->id : m->target;
	char hex[65];
	int r = -EAGAIN;

	sha256_hex(id, strlen(id), hex);
	for (int i = 0; r == -EAGAIN && i < PRIVATE_CACHES; i++) {
		(void)snprintf(dir, 96, "build/%s-%d", hex, i);
		r = lock_cache(state_fd, dir, m->sharing);
	}
	return r;
}

/* A new cache begins as what `from` has. */
static int fill_cache(struct work *w, int dir_fd, const struct runmount *m, struct err *err)
{
	cleanup(key_deinit) struct key unused = { 0 };
	cleanup_free char *name = NULL;
	int r = key_open(&unused, "", err);

	if (r == 0 && m->from) {
		cleanup_fd int from = runmount_source(w, m, &unused, &name, err);

		return from < 0 ? from
				: copytree_copy(from, name, dir_fd, "fs", &runmount_as_is, err);
	}
	if (r == 0 &&
	    (mkdirat(dir_fd, "fs", 0700) < 0 || fchownat(dir_fd, "fs", m->uid, m->gid, 0) < 0 ||
	     fchmodat(dir_fd, "fs", m->mode, 0) < 0))
		r = err_sys(err, errno, "make a cache");
	return r;
}

int runcache_open(struct work *w, const struct runmount *m, int *lock_fd, char **path,
		  struct err *err)
{
	struct engine *engine = w->build->engine;
	char dir[96];
	cleanup_fd int lock = choose_cache(engine->state_fd, m, dir);

	if (lock < 0)
		return err_sys(err, lock, "lock the cache of \"%.80s\"", m->target);
	cleanup_fd int fd = openat(engine->state_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *files = str_printf("%s/%s/fs", engine->state_dir, dir);
	int r = 0;

	if (fd < 0 || !files)
		return err_sys(err, fd < 0 ? errno : ENOMEM, "open a cache");
	if (faccessat(fd, "fs", F_OK, 0) < 0)
		r = fill_cache(w, fd, m, err);
	if (r < 0)
		return r;
	*lock_fd = steal_fd(&lock);
	*path = steal(&files);
	return 0;
}
