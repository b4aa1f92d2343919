/* SPDX-License-Identifier: Apache-2.0 */
/* All kinds of cache are pruned by the time of their last use, so the bytes to keep become a time. Things of one time
 * stay or go together. */
#include "cachekeep.h"

#include <stdlib.h>

#include "buf.h"
#include "contentcache.h"

struct use {
	int64_t used_ns;
	uint64_t bytes;
};

struct uses {
	struct buf list; /* of struct use */
	bool all;
};

static int add_file(void *ctx, int64_t used_ns, uint64_t bytes)
{
	struct uses *uses = ctx;
	const struct use use = { used_ns, bytes };

	buf_append(&uses->list, &use, sizeof(use));
	return uses->list.error;
}

static int add_entry(void *ctx, const struct cache_entry *entry)
{
	struct uses *uses = ctx;

	return entry->active && !uses->all ? 0 : add_file(ctx, entry->used_ns, entry->size_bytes);
}

static int later_first(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return (x->used_ns < y->used_ns) - (x->used_ns > y->used_ns);
}

/* The time before which all goes; 1 when nothing has to. */
static int64_t find_until(struct use *uses, size_t n, uint64_t keep_bytes)
{
	if (n)
		qsort(uses, n, sizeof(*uses), later_first);
	for (size_t i = 0; i < n; i++) {
		if (uses[i].bytes > keep_bytes)
			return uses[i].used_ns + 1;
		keep_bytes -= uses[i].bytes;
	}
	return 1;
}

int cachekeep_narrow(struct engine *engine, struct cache_prune *prune, uint64_t keep_bytes,
		     struct err *err)
{
	struct uses uses = { BUF_NULL, prune->all };
	int r = cache_list(engine, add_entry, &uses, err);

	r = r ? r : contentcache_each(engine, add_file, &uses, err);
	if (uses.list.error)
		r = err_sys(err, uses.list.error, "look at the build cache");
	if (r == 0) {
		int64_t until = find_until((struct use *)(void *)uses.list.data,
					   uses.list.len / sizeof(struct use), keep_bytes);

		if (!prune->until_ns || until < prune->until_ns)
			prune->until_ns = until;
	}
	buf_deinit(&uses.list);
	return r;
}
