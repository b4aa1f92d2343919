/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest gap that is large enough is taken, under the store's lock: two engines at work find two. */
#include "idranges.h"

#include <errno.h>
#include <fcntl.h>

#include "buf.h"
#include "fd.h"
#include "store/store.h"
#include "usernsmode.h"

enum { SUBID_FILE_MAX = 1 << 20 };

/* Below what systemd reserves, above what it and useradd(8) give away (systemd's UIDS-GIDS). */
static const struct idrange standard = { 0x70000000, 0x0ffe0000 };

static int read_subid(const char *path, struct idrange *out)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, path, SUBID_FILE_MAX, &text);

	return r < 0 ? r : usernsmode_subid(text.data ? text.data : "", "cleat", out);
}

/* What both files give; users and groups have the same numbers. */
static struct idrange find_pool(const struct engine *engine)
{
	struct idrange users, groups, pool = standard;

	if (idrange_parse(engine->config.userns_pool, &pool) == 0)
		return pool;
	if (read_subid("/etc/subuid", &users) < 0 || read_subid("/etc/subgid", &groups) < 0 ||
	    users.first != groups.first)
		return standard;
	return users.n < groups.n ? users : groups;
}

struct search {
	uint64_t next, n; /* candidate, and how many are wanted */
};

/* 1 = the candidate ends before this one begins. */
static int compare(const struct store_row *row, void *ctx)
{
	const uint64_t first = (uint64_t)store_int(row, 0),
		       end = first + (uint64_t)store_int(row, 1);
	struct search *search = ctx;

	if (search->next + search->n <= first)
		return 1;
	if (end > search->next)
		search->next = end;
	return 0;
}

static int take(struct engine *engine, const char *id, const struct idrange *pool,
		struct search *search, struct err *err)
{
	int r = store_query(engine->store, err, compare, search,
			    "SELECT first, size FROM id_ranges ORDER BY first", "");

	if (r < 0)
		return r;
	if (search->next + search->n > (uint64_t)pool->first + pool->n)
		return err_reason(err, ERR_EXHAUSTED, "NO_IDS",
				  "no range of %u user ids is left of the %u from %u on",
				  (unsigned int)search->n, pool->n, pool->first);
	r = store_run(engine->store, err,
		      "INSERT INTO id_ranges (container_id, first, size) VALUES (?, ?, ?)", "sii",
		      id, (int64_t)search->next, (int64_t)search->n);
	return r < 0 ? r : 0;
}

int idranges_take(struct engine *engine, const char *container_id, uint32_t n, struct idrange *out,
		  struct err *err)
{
	const struct idrange pool = find_pool(engine);
	struct search search = { .next = pool.first, .n = n };
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	r = take(engine, container_id, &pool, &search, err);
	ended = store_end(engine->store, r == 0, err);
	if (r == 0 && ended == 0)
		*out = (struct idrange){ (uint32_t)search.next, n };
	return r < 0 ? r : ended;
}

static int read_range(const struct store_row *row, void *ctx)
{
	struct idrange *out = ctx;

	*out = (struct idrange){ (uint32_t)store_int(row, 0), (uint32_t)store_int(row, 1) };
	return 0;
}

int idranges_find(struct engine *engine, const char *container_id, struct idrange *out,
		  struct err *err)
{
	*out = (struct idrange){ 0 };
	return store_query(engine->store, err, read_range, out,
			   "SELECT first, size FROM id_ranges WHERE container_id = ?", "s",
			   container_id);
}
