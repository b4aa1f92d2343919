/* SPDX-License-Identifier: Apache-2.0 */
/* Who removes one has its lock, and moves it away before anybody else can have that: who finds the lock of another
 * directory than he opened looks again. The lock's time is when it was last used. */
#include "cachedirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "lease.h"
#include "treesize.h"

#define DIRECTORY "build"

static int64_t used_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Looks at one; -ENOENT when it goes or only comes. `lock` is its lock, or -EAGAIN. */
static int look(int dir_fd, const char *name, struct cache_entry *out, int lock)
{
	cleanup_fd int fs = openat(dir_fd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fs < 0 || fstatat(dir_fd, "lock", &st, 0) < 0)
		return -errno;
	*out = (struct cache_entry){ .key = name,
				     .what = "cache mount",
				     .active = lock == -EAGAIN,
				     .created_ns = used_ns(&st),
				     .used_ns = used_ns(&st) };
	return treesize(steal_fd(&fs), &out->size_bytes);
}

/* Called with the directory of all, and the lock of this one (or -EAGAIN); a result other than 0 ends the walk. */
typedef int each_fn(void *ctx, int build_fd, const struct cache_entry *entry);

static int each_one(int build_fd, const char *name, each_fn *each, void *ctx)
{
	cleanup_fd int dir = openat(build_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int lock = dir < 0 ? -ENOENT : fd_lock_existing(dir, "lock", false);
	struct cache_entry entry;
	int r = lock < 0 && lock != -EAGAIN ? lock : look(dir, name, &entry, lock);

	r = r ? r : each(ctx, build_fd, &entry);
	if (lock >= 0)
		close(lock);
	return r == -ENOENT ? 0 : r;
}

static int walk(struct engine *engine, each_fn *each, void *ctx)
{
	int fd = openat(engine->state_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return fd < 0 && errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			r = each_one(fd, e->d_name, each, ctx);
	closedir(dir);
	return r;
}

struct listing {
	int (*each)(void *ctx, const struct cache_entry *entry);
	void *ctx;
};

static int list_one(void *ctx, int build_fd, const struct cache_entry *entry)
{
	const struct listing *l = ctx;

	(void)build_fd;
	return l->each(l->ctx, entry);
}

int cachedirs_list(struct engine *engine, int (*each)(void *ctx, const struct cache_entry *entry),
		   void *ctx, struct err *err)
{
	struct listing listing = { each, ctx };
	int r = walk(engine, list_one, &listing);

	return r < 0 ? err_sys(err, r, "look at the build's caches") : 0;
}

struct pruning {
	struct lease lease; /* what goes with it */
	int64_t until_ns;
	struct strings *keys;
	uint64_t *bytes;
};

static int prune_one(void *ctx, int build_fd, const struct cache_entry *entry)
{
	struct pruning *p = ctx;

	if (entry->active || (p->until_ns && entry->used_ns >= p->until_ns))
		return 0;
	if (renameat(build_fd, entry->key, p->lease.fd, entry->key) < 0)
		return -errno;
	*p->bytes += entry->size_bytes;
	return strings_append(p->keys, entry->key);
}

int cachedirs_prune(struct engine *engine, int64_t until_ns, struct strings *keys, uint64_t *bytes,
		    struct err *err)
{
	struct pruning p = { LEASE_NULL, until_ns, keys, bytes };
	int r = lease_open(&p.lease, engine->state_fd, err);

	if (r < 0)
		return r;
	r = walk(engine, prune_one, &p);
	lease_deinit(&p.lease);
	return r < 0 ? err_sys(err, r, "remove the build's caches") : 0;
}
