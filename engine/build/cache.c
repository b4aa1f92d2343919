/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include <errno.h>
#include <stdio.h>

#include "blobs.h"
#include "cachedirs.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "layer.h"
#include "store.h"
#include "str.h"

static int take_result(const struct store_row *row, void *ctx)
{
	struct cached *out = ctx;

	snprintf(out->diff_id, sizeof(out->diff_id), "%s", store_text(row, 0));
	out->size_bytes = (uint64_t)store_int(row, 1);
	out->created_ns = store_int(row, 2);
	return 1;
}

int cache_find(struct engine *engine, const char *key, const char *lease, struct cached *out,
	       struct err *err)
{
	uint64_t size;
	int r = store_query(
		engine->store, err, take_result, out,
		"SELECT diff_id, size_bytes, created_ns FROM build_cache WHERE key = ? AND "
		"lease IN ('', ?) ORDER BY used_ns DESC LIMIT 1",
		"ss", key, lease);

	if (r <= 0)
		return r;
	if (out->diff_id[0] && layers_size(engine->layers, out->diff_id + 7, &size) < 0)
		return 0;
	r = store_run(engine->store, err,
		      "UPDATE build_cache SET used_ns = ? WHERE key = ? AND diff_id = ?", "iss",
		      fd_realtime_ns(), key, out->diff_id);
	return r < 0 ? r : 1;
}

int cache_add(struct engine *engine, const char *key, const char *lease,
	      const struct cached *result, const char *what, struct err *err)
{
	int r = store_run(
		engine->store, err,
		"INSERT INTO build_cache(key, diff_id, lease, size_bytes, created_ns, "
		"used_ns, description) VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		"sssiiis", key, result->diff_id, lease, (int64_t)result->size_bytes,
		result->created_ns, result->created_ns, what);

	return r < 0 ? r : 0;
}

int cache_forget(struct engine *engine, const char *key, struct err *err)
{
	int r = store_run(engine->store, err, "DELETE FROM build_cache WHERE key = ?", "s", key);

	return r < 0 ? r : 0;
}

int cache_settle(struct engine *engine, const char *lease, struct err *err)
{
	int r = store_run(engine->store, err, "UPDATE build_cache SET lease = '' WHERE lease = ?",
			  "s", lease);

	return r < 0 ? r : 0;
}

int cache_drop(struct engine *engine, const char *lease, struct err *err)
{
	int r = store_run(engine->store, err, "DELETE FROM build_cache WHERE lease = ?", "s",
			  lease);

	return r < 0 ? r : 0;
}

#define IS_STEP "key NOT LIKE '" CACHE_DATE "%'"

static int take_usage(const struct store_row *row, void *ctx)
{
	*(struct cache_usage *)ctx = (struct cache_usage){
		.total = (uint32_t)store_int(row, 0),
		.active = (uint32_t)store_int(row, 1),
		.size_bytes = (uint64_t)store_int(row, 2),
		.reclaimable_bytes = (uint64_t)store_int(row, 3),
	};
	return 0;
}

static int add_directory(void *ctx, const struct cache_entry *entry)
{
	struct cache_usage *usage = ctx;

	usage->total++;
	usage->active += entry->active;
	usage->size_bytes += entry->size_bytes;
	usage->reclaimable_bytes += entry->active ? 0 : entry->size_bytes;
	return 0;
}

int cache_usage(struct engine *engine, struct cache_usage *out, struct err *err)
{
	int r = store_query(
		engine->store, err, take_usage, out,
		"SELECT COUNT(*), COALESCE(SUM(used), 0), COALESCE(SUM(size_bytes), 0), "
		"COALESCE(SUM(size_bytes * (1 - used)), 0) FROM (SELECT size_bytes, "
		"EXISTS (SELECT 1 FROM image_layers l WHERE l.diff_id = c.diff_id) AS used "
		"FROM build_cache c WHERE c.lease = '' AND c." IS_STEP ")",
		"");

	return r < 0 ? r : cachedirs_list(engine, add_directory, out, err);
}

struct listing {
	int (*each)(void *ctx, const struct cache_entry *entry);
	void *ctx;
};

static int take_entry(const struct store_row *row, void *ctx)
{
	const struct listing *l = ctx;
	const struct cache_entry entry = { .key = store_text(row, 0),
					   .what = store_text(row, 1),
					   .active = store_int(row, 2) > 0,
					   .size_bytes = (uint64_t)store_int(row, 3),
					   .created_ns = store_int(row, 4),
					   .used_ns = store_int(row, 5) };

	return l->each(l->ctx, &entry);
}

int cache_list(struct engine *engine, int (*each)(void *ctx, const struct cache_entry *entry),
	       void *ctx, struct err *err)
{
	struct listing listing = { each, ctx };

	int r = store_query(
		engine->store, err, take_entry, &listing,
		"SELECT key, description, EXISTS (SELECT 1 FROM image_layers l WHERE "
		"l.diff_id = c.diff_id), size_bytes, created_ns, used_ns FROM build_cache c "
		"WHERE lease = '' AND " IS_STEP " ORDER BY used_ns DESC",
		"");

	return r < 0 ? r : cachedirs_list(engine, each, ctx, err);
}

/* ---- prune */

#define PRUNABLE                                                                   \
	"lease = '' AND (?1 = 0 OR used_ns < ?1) AND (?2 OR NOT EXISTS (SELECT 1 " \
	"FROM image_layers l WHERE l.diff_id = build_cache.diff_id))"

static int take_key(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}

static int take_number(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

static int count_bytes(struct engine *engine, const struct cache_prune *o, int64_t *bytes,
		       struct err *err)
{
	return store_query(engine->store, err, take_number, bytes,
			   "SELECT COALESCE(SUM(size_bytes), 0) FROM build_cache WHERE " PRUNABLE
			   " AND NOT EXISTS (SELECT 1 FROM image_layers l WHERE l.diff_id = "
			   "build_cache.diff_id)",
			   "ii", o->until_ns, (int64_t)o->all);
}

static int prune_steps(struct engine *engine, const struct cache_prune *o, struct strings *keys,
		       uint64_t *bytes, struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	cleanup_fd int lock = image_lock(engine, err);
	int64_t sum = 0;
	int r = lock < 0 ? lock : lease_open_to_free(&lease, engine->state_fd, err);

	r = r ? r : count_bytes(engine, o, &sum, err);
	r = r ? r
	      : store_query(engine->store, err, take_key, keys,
			    "SELECT key FROM build_cache WHERE " IS_STEP " AND " PRUNABLE, "ii",
			    o->until_ns, (int64_t)o->all);
	r = r ? r
	      : store_run(engine->store, err,
			  "DELETE FROM build_cache WHERE (?2 OR " IS_STEP ") AND " PRUNABLE, "ii",
			  o->until_ns, (int64_t)o->all);
	fault_point(FAULT_CACHE_ROWS_DELETED);
	r = r < 0 ? r : image_sweep_layers(engine, &lease, err);
	fault_point(FAULT_CACHE_LAYERS_SWEPT);
	r = r ? r : blobs_release(engine, &lease, err);
	lease_give_back(&lease);
	*bytes = r < 0 ? 0 : (uint64_t)sum;
	return r;
}

int cache_prune(struct engine *engine, const struct cache_prune *o, struct strings *keys,
		uint64_t *bytes, struct err *err)
{
	int r = prune_steps(engine, o, keys, bytes, err);

	return r < 0 ? r : cachedirs_prune(engine, o->until_ns, keys, bytes, err);
}
