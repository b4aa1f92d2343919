/* SPDX-License-Identifier: Apache-2.0 */
#include "execrecord.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

#define COLUMNS "id, container_id, created_ns, state, pid, exit_code, config"

enum { KILLED_CODE = 137 };

void execrecord_deinit(struct execrecord *record)
{
	free(record->config);
	*record = (struct execrecord){ 0 };
}

static int read_row(const struct store_row *row, struct execrecord *out)
{
	size_t len;
	const void *config = store_blob(row, 6, &len);

	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(row, 0));
	(void)snprintf(out->container_id, sizeof(out->container_id), "%s", store_text(row, 1));
	out->created_ns = store_int(row, 2);
	out->state = (enum execrecord_state)store_int(row, 3);
	out->pid = (int32_t)store_int(row, 4);
	out->exit_code = (int32_t)store_int(row, 5);
	out->config = malloc(len + 1);
	out->config_len = len;
	if (!out->config)
		return -ENOMEM;
	if (len)
		memcpy(out->config, config, len);
	return 0;
}

int execrecord_insert(struct store *store, const struct execrecord *record, struct err *err)
{
	int r = store_run(store, err, "INSERT INTO execs(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?)",
			  "ssiiiib", record->id, record->container_id, record->created_ns,
			  (int64_t)record->state, (int64_t)record->pid, (int64_t)record->exit_code,
			  (const void *)record->config, record->config_len);

	return r < 0 ? r : 0;
}

struct find {
	struct execrecord *out;
	int matches;
};

static int read_match(const struct store_row *row, void *ctx)
{
	struct find *find = ctx;

	return find->matches++ ? 0 : read_row(row, find->out);
}

int execrecord_find(struct store *store, const char *reference, struct execrecord *out,
		    struct err *err)
{
	struct find find = { .out = out };
	const char *low = str_is_id_prefix(reference) ? reference : "-";
	char high[72];
	int r;

	(void)snprintf(high, sizeof(high), "%.64sg", low);
	r = store_query(store, err, read_match, &find,
			"SELECT " COLUMNS " FROM execs WHERE id >= ? AND id < ? LIMIT 2", "ss", low,
			high);
	if (r < 0)
		return r;
	if (find.matches == 0)
		return err_reason(err, ERR_NOT_FOUND, "EXEC_ID_NOT_FOUND",
				  "No such exec instance: %.80s", reference);
	if (find.matches > 1)
		return err_reason(err, ERR_INVALID, "AMBIGUOUS_ID",
				  "%.80s is a prefix of several execs' ids", reference);
	return 0;
}

struct listing {
	struct execrecord *records;
	size_t n;
};

static int read_listed(const struct store_row *row, void *ctx)
{
	struct listing *listing = ctx;
	struct execrecord *grown =
		realloc(listing->records, (listing->n + 1) * sizeof(*listing->records));

	if (!grown)
		return -ENOMEM;
	listing->records = grown;
	grown[listing->n] = (struct execrecord){ 0 };
	return read_row(row, &grown[listing->n++]);
}

int execrecord_list(struct store *store, const char *container_id, struct execrecord **out,
		    size_t *n, struct err *err)
{
	struct listing listing = { 0 };
	int r = container_id ? store_query(store, err, read_listed, &listing,
					   "SELECT " COLUMNS " FROM execs WHERE container_id = ? "
					   "ORDER BY created_ns",
					   "s", container_id)
			     : store_query(store, err, read_listed, &listing,
					   "SELECT " COLUMNS " FROM execs ORDER BY created_ns", "");

	if (r < 0) {
		for (size_t i = 0; i < listing.n; i++)
			execrecord_deinit(&listing.records[i]);
		free(listing.records);
		return err_wrap(err, r, "list execs");
	}
	*out = listing.records;
	*n = listing.n;
	return 0;
}

int execrecord_unclaim(struct store *store, const char *id, struct err *err)
{
	return store_run(store, err,
			 "UPDATE execs SET state = 0 WHERE id = ? AND state <= 1 AND pid = 0", "s",
			 id);
}

int execrecord_claim(struct store *store, const char *id, struct err *err)
{
	int r = store_run(store, err, "UPDATE execs SET state = 1 WHERE id = ? AND state = 0", "s",
			  id);

	if (r == 0)
		return err_reason(err, ERR_PRECONDITION, "EXEC_STARTED",
				  "exec %.12s has been started before", id);
	return r < 0 ? r : 0;
}

int execrecord_set_pid(struct store *store, const char *id, int32_t pid, struct err *err)
{
	int r = store_run(store, err,
			  "UPDATE execs SET state = 1, pid = ? WHERE id = ? AND state < 2", "is",
			  (int64_t)pid, id);

	return r < 0 ? r : 0;
}

int execrecord_set_ended(struct store *store, const char *id, int32_t exit_code, struct err *err)
{
	int r = store_run(store, err,
			  "UPDATE execs SET state = 2, pid = 0, exit_code = ? WHERE id = ?", "is",
			  (int64_t)exit_code, id);

	return r < 0 ? r : 0;
}

int execrecord_end_all(struct store *store, const char *container_id, struct err *err)
{
	int r = store_run(store, err,
			  "UPDATE execs SET state = 2, pid = 0, exit_code = ? "
			  "WHERE container_id = ? AND state = 1",
			  "is", (int64_t)KILLED_CODE, container_id);

	return r < 0 ? r : 0;
}
