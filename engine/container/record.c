/* SPDX-License-Identifier: Apache-2.0 */
/* Names and ids are looked up in one query that yields at most two candidates a rank: two with the
 * best rank means the prefix was ambiguous. Docker's order is kept: full id, name, prefix; a name
 * that happens to look like a prefix of another container's id wins over it. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "str.h"

#define COLUMNS                                                                             \
	"id, name, image_ref, image_id, command, created_ns, config, auto_remove, intent, " \
	"last_seq, boot_id"
#define ALL_COLUMNS COLUMNS ", mounts"

void record_deinit(struct record *record)
{
	free(record->name);
	free(record->image_ref);
	free(record->image_id);
	free(record->command);
	free(record->config);
	free(record->mounts);
	*record = (struct record){ 0 };
}

static int read_row(const struct store_row *row, struct record *out)
{
	const void *config = store_blob(row, 6, &out->config_len);
	const void *mounts = store_blob(row, 11, &out->mounts_len);

	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(row, 0));
	(void)snprintf(out->intent, sizeof(out->intent), "%s", store_text(row, 8));
	(void)snprintf(out->boot_id, sizeof(out->boot_id), "%s", store_text(row, 10));
	out->name = strdup(store_text(row, 1));
	out->image_ref = strdup(store_text(row, 2));
	out->image_id = strdup(store_text(row, 3));
	out->command = strdup(store_text(row, 4));
	out->created_ns = store_int(row, 5);
	out->config = malloc(out->config_len + 1);
	out->mounts = malloc(out->mounts_len + 1);
	out->auto_remove = store_int(row, 7) != 0;
	out->last_seq = store_int(row, 9);
	if (!out->name || !out->image_ref || !out->image_id || !out->command || !out->config ||
	    !out->mounts)
		return -ENOMEM;
	if (out->config_len)
		memcpy(out->config, config, out->config_len);
	if (out->mounts_len)
		memcpy(out->mounts, mounts, out->mounts_len);
	return 0;
}

struct name_owner {
	char id[65];
};

static int read_owner(const struct store_row *row, void *ctx)
{
	struct name_owner *owner = ctx;

	(void)snprintf(owner->id, sizeof(owner->id), "%s", store_text(row, 0));
	return 0;
}

static int name_in_use(struct store *store, const char *name, struct err *err)
{
	struct name_owner owner = { "" };

	if (store_query(store, NULL, read_owner, &owner, "SELECT id FROM containers WHERE name = ?",
			"s", name) < 0)
		owner.id[0] = '\0';
	return err_reason(err, ERR_EXISTS, "NAME_IN_USE",
			  "Conflict. The container name \"/%s\" is already in use by container "
			  "\"%s\". You have to remove (or rename) that container to be able to "
			  "reuse that name.",
			  name, owner.id);
}

int record_insert(struct store *store, const struct record *record, struct err *err)
{
	int r = store_run(
		store, err,
		"INSERT INTO containers(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"sssssibisis", record->id, record->name, record->image_ref, record->image_id,
		record->command, record->created_ns, (const void *)record->config,
		record->config_len, (int64_t)record->auto_remove, record->intent, record->last_seq,
		record->boot_id);

	if (r == -EEXIST)
		return name_in_use(store, record->name, err);
	return r < 0 ? r : 0;
}

struct find {
	struct record *out;
	int rank, matches;
};

static int read_match(const struct store_row *row, void *ctx)
{
	struct find *find = ctx;
	int rank = (int)store_int(row, 12);

	if (find->matches && rank > find->rank)
		return 0;
	if (find->matches++)
		return 0;
	find->rank = rank;
	return read_row(row, find->out);
}

/* By a row's key alone: the engine itself looks containers up by their ids, a dozen times in the life of each, and
 * the statement for everything costs twice as much, as it sorts what it finds. */
static int find_id(struct store *store, const char *id, struct find *find, struct err *err)
{
	return store_query(store, err, read_match, find,
			   "SELECT " ALL_COLUMNS ", 0 FROM containers WHERE id = ?", "s", id);
}

static int find_any(struct store *store, const char *reference, struct find *find, struct err *err)
{
	const char *name = reference[0] == '/' ? reference + 1 : reference;
	const char *low = str_is_id_prefix(reference) ? reference : "-";
	char high[72];

	(void)snprintf(high, sizeof(high), "%.64sg", low);

	return store_query(store, err, read_match, find,
			   "SELECT " ALL_COLUMNS ", CASE WHEN id = ?1 THEN 0 WHEN name = ?2 THEN 1 "
			   "ELSE 2 END AS rank FROM containers WHERE id = ?1 OR name = ?2 OR "
			   "(id >= ?3 AND id < ?4) ORDER BY rank LIMIT 3",
			   "ssss", reference, name, low, high);
}

int record_find(struct store *store, const char *reference, struct record *out, struct err *err)
{
	struct find find = { .out = out };
	int r = str_is_id(reference) ? find_id(store, reference, &find, err) : 0;

	if (r == 0 && !find.matches)
		r = find_any(store, reference, &find, err);
	if (r < 0)
		return err_wrap(err, r, "look up container");
	if (!find.matches || !reference[0])
		return err_reason(err, ERR_NOT_FOUND, "CONTAINER_NOT_FOUND",
				  "No such container: %s", reference);
	if (find.matches > 1) {
		record_deinit(out);
		return err_reason(err, ERR_INVALID, "AMBIGUOUS_ID",
				  "multiple IDs found with provided prefix: %s", reference);
	}
	return 0;
}

struct list_ctx {
	struct record *records;
	size_t n, cap;
};

static int read_listed(const struct store_row *row, void *ctx)
{
	struct list_ctx *list = ctx;

	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 32;
		struct record *grown = reallocarray(list->records, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->records = grown;
		list->cap = cap;
	}
	list->records[list->n] = (struct record){ 0 };
	return read_row(row, &list->records[list->n++]);
}

int record_list(struct store *store, struct record **out, size_t *n, struct err *err)
{
	struct list_ctx list = { 0 };
	int r = store_query(store, err, read_listed, &list,
			    "SELECT " ALL_COLUMNS " FROM containers ORDER BY created_ns DESC", "");

	if (r < 0) {
		record_list_free(list.records, list.n);
		return err_wrap(err, r, "list containers");
	}
	*out = list.records;
	*n = list.n;
	return 0;
}

void record_list_free(struct record *records, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_deinit(&records[i]);
	free(records);
}

static int done(int r)
{
	return r < 0 ? r : 0;
}

int record_rename(struct store *store, const char *id, const char *name, struct err *err)
{
	int r = store_run(store, err, "UPDATE containers SET name = ? WHERE id = ?", "ss", name,
			  id);

	return r == -EEXIST ? name_in_use(store, name, err) : done(r);
}

int record_set_intent(struct store *store, const char *id, const char *intent, struct err *err)
{
	return done(store_run(store, err, "UPDATE containers SET intent = ? WHERE id = ?", "ss",
			      intent, id));
}

int record_set_boot(struct store *store, const char *id, const char *boot_id, struct err *err)
{
	return done(store_run(store, err, "UPDATE containers SET boot_id = ? WHERE id = ?", "ss",
			      boot_id, id));
}

int record_set_config(struct store *store, const char *id, const void *config, size_t len,
		      struct err *err)
{
	return done(store_run(store, err, "UPDATE containers SET config = ? WHERE id = ?", "bs",
			      config, len, id));
}

int record_set_mounts(struct store *store, const char *id, const void *mounts, size_t len,
		      struct err *err)
{
	return done(store_run(store, err, "UPDATE containers SET mounts = ? WHERE id = ?", "bs",
			      mounts, len, id));
}

int record_advance(struct store *store, const char *id, int64_t seq, struct err *err)
{
	return store_run(store, err,
			 "UPDATE containers SET last_seq = ?1 WHERE id = ?2 AND last_seq < ?1",
			 "is", seq, id);
}

int record_delete(struct store *store, const char *id, struct err *err)
{
	return done(store_run(store, err, "DELETE FROM containers WHERE id = ?", "s", id));
}
