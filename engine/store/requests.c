/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#include <stdatomic.h>

#include "fd.h"
#include "store.h"

enum { PURGE_EVERY = 64 };

int requests_remember(struct store *store, const char *key, const void *reply, size_t len,
		      struct err *err)
{
	static atomic_uint remembered;
	const int64_t now_ns = fd_realtime_ns();
	int r = 0;

	if (!key[0])
		return 0;
	if (atomic_fetch_add(&remembered, 1) % PURGE_EVERY == 0)
		r = store_run(store, err, "DELETE FROM requests WHERE created_ns < ?", "i",
			      now_ns - REQUESTS_KEEP_S * INT64_C(1000000000));
	if (r >= 0)
		r = store_run(store, err,
			      "INSERT OR REPLACE INTO requests(key, created_ns, reply) "
			      "VALUES(?, ?, ?)",
			      "sib", key, now_ns, len ? reply : "", len);
	return r < 0 ? r : 0;
}

struct recall {
	struct buf *reply;
	int found;
};

static int read_reply(const struct store_row *row, void *ctx)
{
	struct recall *recall = ctx;
	size_t len;
	const void *reply = store_blob(row, 0, &len);

	recall->found = 1;
	if (recall->reply && len)
		buf_append(recall->reply, reply, len);
	return recall->reply ? recall->reply->error : 0;
}

int requests_recall(struct store *store, const char *key, struct buf *reply, struct err *err)
{
	struct recall recall = { .reply = reply };
	int r = key[0] ? store_query(store, err, read_reply, &recall,
				     "SELECT reply FROM requests WHERE key = ?", "s", key)
		       : 0;

	return r < 0 ? r : recall.found;
}
