/* SPDX-License-Identifier: Apache-2.0 */
/* The files are all there is: no record of them could be wrong. To find what was used longest ago, a first walk
 * adds up the bytes by the minute of their last use, and a second removes all before a minute. */
#include "contentcache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "log.h"

enum { HEX = 64, KEEP_MINUTES = 14 * 24 * 60, S_PER_MINUTE = 60 };

#define NS_PER_S 1000000000LL

struct place {
	char shard[3];
	char name[HEX + 8]; /* shard/rest */
};

static void place_of(const char hex[65], struct place *p)
{
	(void)snprintf(p->shard, sizeof(p->shard), "%.2s", hex);
	(void)snprintf(p->name, sizeof(p->name), "%.2s/%.62s", hex, hex + 2);
}

int contentcache_open(const struct engine *engine)
{
	int r = fd_mkdir_all(engine->state_fd, "contents", 0700);
	int fd = r ? r : openat(engine->state_fd, "contents", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd == -1 ? -errno : fd;
}

int contentcache_take(int cache_fd, const char hex[65], int dir_fd)
{
	struct place p;

	place_of(hex, &p);
	if (linkat(cache_fd, p.name, dir_fd, hex, 0) < 0)
		return errno == EEXIST ? 1 : errno == ENOENT || errno == EMLINK ? 0 : -errno;
	return utimensat(dir_fd, hex, NULL, 0) < 0 ? -errno : 1;
}

static int keep_one(int cache_fd, int dir_fd, const char *hex)
{
	struct place p;

	place_of(hex, &p);
	if (renameat(dir_fd, hex, cache_fd, p.name) == 0)
		return 0;
	if (errno != ENOENT || (mkdirat(cache_fd, p.shard, 0700) < 0 && errno != EEXIST))
		return -errno;
	return renameat(dir_fd, hex, cache_fd, p.name) < 0 ? -errno : 0;
}

static DIR *open_dir(int dir_fd, const char *name)
{
	return fd_dir(openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int contentcache_keep(int cache_fd, int dir_fd)
{
	DIR *dir = open_dir(dir_fd, ".");
	int r = 0;

	if (!dir)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (strlen(e->d_name) == HEX)
			r = keep_one(cache_fd, dir_fd, e->d_name);
	closedir(dir);
	return r;
}

/* ---- walks */

typedef int visit_fn(void *ctx, int dir_fd, const char *name, const struct stat *st);

static int visit_shard(int cache_fd, const char *shard, visit_fn *visit, void *ctx)
{
	DIR *dir = open_dir(cache_fd, shard);
	struct stat st;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (e->d_name[0] != '.' &&
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			r = visit(ctx, dirfd(dir), e->d_name, &st);
	closedir(dir);
	return r;
}

static int visit_all(const struct engine *engine, visit_fn *visit, void *ctx)
{
	cleanup_fd int fd = contentcache_open(engine);
	int r = fd < 0 ? fd : 0;

	for (unsigned i = 0; r == 0 && i < 256; i++) {
		char shard[3];

		(void)snprintf(shard, sizeof(shard), "%02x", i);
		r = visit_shard(fd, shard, visit, ctx);
	}
	return r;
}

static int64_t used_ns(const struct stat *st)
{
	return st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;
}

struct listing {
	int (*each)(void *ctx, int64_t used_ns, uint64_t bytes);
	void *ctx;
};

static int list_one(void *ctx, int dir_fd, const char *name, const struct stat *st)
{
	const struct listing *l = ctx;

	(void)dir_fd;
	(void)name;
	return l->each(l->ctx, used_ns(st), (uint64_t)st->st_size);
}

int contentcache_each(const struct engine *engine,
		      int (*each)(void *ctx, int64_t used_ns, uint64_t bytes), void *ctx,
		      struct err *err)
{
	struct listing listing = { each, ctx };
	int r = visit_all(engine, list_one, &listing);

	return r < 0 ? err_sys(err, r, "look at the contexts' files") : r;
}

static int count(void *ctx, int64_t used, uint64_t bytes)
{
	struct contentcache_usage *usage = ctx;

	(void)used;
	usage->files++;
	usage->bytes += bytes;
	return 0;
}

int contentcache_usage(const struct engine *engine, struct contentcache_usage *out, struct err *err)
{
	struct contentcache_usage usage = { 0, 0 };
	int r = contentcache_each(engine, count, &usage, err);

	if (r == 0)
		*out = usage;
	return r;
}

struct removal {
	int64_t until_ns; /* what was used last before that */
	uint64_t freed;
};

static int remove_old(void *ctx, int dir_fd, const char *name, const struct stat *st)
{
	struct removal *r = ctx;

	if (used_ns(st) >= r->until_ns)
		return 0;
	if (unlinkat(dir_fd, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	r->freed += (uint64_t)st->st_size;
	return 0;
}

int contentcache_prune(const struct engine *engine, int64_t until_ns, uint64_t *freed,
		       struct err *err)
{
	struct removal removal = { until_ns ? until_ns : INT64_MAX, 0 };
	int r = visit_all(engine, remove_old, &removal);

	*freed += removal.freed;
	return r < 0 ? err_sys(err, r, "remove the contexts' files") : 0;
}

/* ---- the bound */

struct ages {
	int64_t now_s;
	uint64_t bytes[KEEP_MINUTES]; /* by minutes since the last use */
};

static int add_age(void *ctx, int dir_fd, const char *name, const struct stat *st)
{
	struct ages *ages = ctx;
	int64_t age = (ages->now_s - st->st_mtim.tv_sec) / S_PER_MINUTE;

	(void)dir_fd;
	(void)name;
	if (age < KEEP_MINUTES)
		ages->bytes[age < 0 ? 0 : age] += (uint64_t)st->st_size;
	return 0;
}

static int trim(const struct engine *engine)
{
	cleanup_free struct ages *ages = calloc(1, sizeof(*ages));
	struct removal removal = { 0, 0 };
	uint64_t sum = 0;
	int64_t age = 0;

	if (!ages)
		return -ENOMEM;
	ages->now_s = fd_realtime_ns() / NS_PER_S;
	int r = visit_all(engine, add_age, ages);

	while (age < KEEP_MINUTES && sum + ages->bytes[age] <= engine->config.context_max_bytes)
		sum += ages->bytes[age++];
	removal.until_ns = (ages->now_s - age * S_PER_MINUTE + 1) * NS_PER_S;
	if (age == 0)
		removal.until_ns = INT64_MAX;
	return r ? r : visit_all(engine, remove_old, &removal);
}

void contentcache_trim(struct engine *engine, const char *unused)
{
	int r = trim(engine);

	(void)unused;
	if (r < 0)
		log_error("cannot trim the contexts' files: %s", strerror(-r));
}
