/* SPDX-License-Identifier: Apache-2.0 */
/* WAL with synchronous=NORMAL: a commit costs no fsync, a crash of the engine loses nothing, a crash
 * of the machine may lose the last commits but never the file's order. What must survive that is
 * synced where it lies (layers, journals); a container whose row was lost is an orphaned directory,
 * which reconciliation removes.
 *
 * Prepared statements are kept in a small table keyed by the address of the SQL literal: each call
 * site is one entry, found without hashing text. The mutex is recursive so that a transaction may
 * contain ordinary calls of the same thread. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "str.h"

extern const char store_schema[];

enum { N_STATEMENTS = 256 };
/* wal_autocheckpoint, in pages with their heads, and one large transaction more */
enum { LOG_ROOM_BYTES = (500 + 100) * (4096 + 24) };

struct statement {
	const char *sql;
	sqlite3_stmt *prepared;
};

struct store {
	sqlite3 *db;
	pthread_mutex_t mutex;
	struct statement statements[N_STATEMENTS];
};

struct store_row {
	sqlite3_stmt *stmt;
};

static int failed(struct store *store, struct err *err, int code, const char *what)
{
	if (code == SQLITE_CONSTRAINT) {
		(void)err_set(err, ERR_EXISTS, "%s", sqlite3_errmsg(store->db));
		return -EEXIST;
	}
	if (code == SQLITE_FULL)
		return err_sys(err, ENOSPC, "store: %s", what);
	return err_set(err, code == SQLITE_BUSY ? ERR_UNAVAILABLE : ERR_INTERNAL, "store: %s: %s",
		       what, store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
}

static int prepare(struct store *store, const char *sql, sqlite3_stmt **stmt, struct err *err)
{
	size_t start = ((uintptr_t)sql >> 3) % N_STATEMENTS;
	struct statement *slot = NULL;

	for (size_t i = 0; i < N_STATEMENTS; i++) {
		slot = &store->statements[(start + i) % N_STATEMENTS];
		if (slot->sql == sql) {
			*stmt = slot->prepared;
			return 0;
		}
		if (!slot->sql)
			break;
	}
	if (slot->sql)
		return err_set(err, ERR_INTERNAL, "store: more than %d statements", N_STATEMENTS);

	int r = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);

	if (r != SQLITE_OK)
		return failed(store, err, r, "prepare");
	*slot = (struct statement){ .sql = sql, .prepared = *stmt };
	return 0;
}

static int bind(sqlite3_stmt *stmt, const char *format, va_list args)
{
	int r = SQLITE_OK;

	for (int i = 1; *format && r == SQLITE_OK; format++, i++) {
		const char *text;
		const void *blob;
		size_t len;

		switch (*format) {
		case 's':
			text = va_arg(args, const char *);
			r = sqlite3_bind_text(stmt, i, text ? text : "", -1, SQLITE_STATIC);
			break;
		case 'i':
			r = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
			break;
		case 'b':
			blob = va_arg(args, const void *);
			len = va_arg(args, size_t);
			r = sqlite3_bind_blob64(stmt, i, len ? blob : "", len, SQLITE_STATIC);
			break;
		default:
			r = SQLITE_MISUSE;
		}
	}
	return r;
}

static int step_rows(struct store *store, sqlite3_stmt *stmt,
		     int (*row)(const struct store_row *row, void *ctx), void *ctx, struct err *err)
{
	struct store_row current = { .stmt = stmt };
	int r;

	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		int result = row ? row(&current, ctx) : 0;

		if (result)
			return result;
	}
	return r == SQLITE_DONE ? 0 : failed(store, err, r & 0xff, "statement");
}

static int perform(struct store *store, struct err *err,
		   int (*row)(const struct store_row *row, void *ctx), void *ctx, const char *sql,
		   const char *format, va_list args)
{
	sqlite3_stmt *stmt = NULL;
	int r = prepare(store, sql, &stmt, err);

	if (r < 0)
		return r;
	r = bind(stmt, format, args);
	r = r == SQLITE_OK ? step_rows(store, stmt, row, ctx, err) : failed(store, err, r, "bind");
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return r;
}

int store_run(struct store *store, struct err *err, const char *sql, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&store->mutex);
	va_start(args, format);
	int r = perform(store, err, NULL, NULL, sql, format, args);
	va_end(args);
	if (r == 0)
		r = sqlite3_changes(store->db);
	pthread_mutex_unlock(&store->mutex);
	return r;
}

int store_query(struct store *store, struct err *err,
		int (*row)(const struct store_row *row, void *ctx), void *ctx, const char *sql,
		const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&store->mutex);
	va_start(args, format);
	int r = perform(store, err, row, ctx, sql, format, args);
	va_end(args);
	pthread_mutex_unlock(&store->mutex);
	return r;
}

int64_t store_int(const struct store_row *row, int column)
{
	return sqlite3_column_int64(row->stmt, column);
}

const char *store_text(const struct store_row *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row->stmt, column);

	return text ? text : "";
}

const void *store_blob(const struct store_row *row, int column, size_t *len)
{
	const void *blob = sqlite3_column_blob(row->stmt, column);

	*len = (size_t)sqlite3_column_bytes(row->stmt, column);
	return blob;
}

static int execute(struct store *store, const char *sql, struct err *err)
{
	int r = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : failed(store, err, r & 0xff, "statement");
}

int store_begin(struct store *store, struct err *err)
{
	pthread_mutex_lock(&store->mutex);

	int r = execute(store, "BEGIN IMMEDIATE", err);

	if (r < 0)
		pthread_mutex_unlock(&store->mutex);
	return r;
}

int store_end(struct store *store, bool commit, struct err *err)
{
	int r = execute(store, commit ? "COMMIT" : "ROLLBACK", commit ? err : NULL);

	if (r < 0 && commit)
		(void)execute(store, "ROLLBACK", NULL);
	pthread_mutex_unlock(&store->mutex);
	return commit ? r : 0;
}

static int read_int(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

/* The text of migration `number`, up to the next one's heading; NULL when there is none. */
static const char *migration(int number, size_t *len)
{
	char heading[32];
	const char *start, *end;

	(void)snprintf(heading, sizeof(heading), "-- Migration %d:", number);
	start = strstr(store_schema, heading);
	if (!start)
		return NULL;
	end = strstr(start + 1, "\n-- Migration ");
	/* the words in the first block's comment are not a heading */
	while (end && (end[14] < '0' || end[14] > '9'))
		end = strstr(end + 1, "\n-- Migration ");
	*len = end ? (size_t)(end - start) : strlen(start);
	return start;
}

static int apply(struct store *store, int number, const char *sql, size_t len, struct err *err)
{
	char version[48];
	cleanup_free char *text = strndup(sql, len);

	if (!text)
		return err_sys(err, ENOMEM, "store");
	(void)snprintf(version, sizeof(version), "PRAGMA user_version = %d", number);

	int r = execute(store, text, err);

	return r < 0 ? r : execute(store, version, err);
}

static int migrate(struct store *store, struct err *err)
{
	int64_t version = 0;
	size_t len = 0;
	int r = store_begin(store, err);

	if (r < 0)
		return r;
	r = store_query(store, err, read_int, &version, "PRAGMA user_version", "");
	for (int next = (int)version + 1; r == 0; next++) {
		const char *sql = migration(next, &len);

		if (!sql)
			break;
		r = apply(store, next, sql, len, err);
	}

	int ended = store_end(store, r == 0, err);

	return r < 0 ? r : ended;
}

static int init_mutex(struct store *store)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);

	int r = pthread_mutex_init(&store->mutex, &attr);

	pthread_mutexattr_destroy(&attr);
	return -r;
}

/* Room on the disk for the log of changes up to where it begins anew, so that a full disk does not keep
 * users from removing things. A file system that cannot do it has none, as before. */
static void reserve_log(const char *path)
{
	cleanup_free char *log = str_printf("%s-wal", path);
	cleanup_fd int fd = log ? open(log, O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0)
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOG_ROOM_BYTES);
}

int store_open(struct store **out, const char *path, struct err *err)
{
	cleanup(store_freep) struct store *store = calloc(1, sizeof(*store));

	if (!store || init_mutex(store) < 0)
		return err_sys(err, ENOMEM, "store");

	/* made by us so that its mode, which SQLite gives to the WAL too, keeps others out */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	close(fd);
	r = sqlite3_open_v2(path, &store->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (r != SQLITE_OK)
		return failed(store, err, r, path);
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	r = execute(store,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
		    "PRAGMA foreign_keys = ON; PRAGMA cache_size = -512; "
		    "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 500",
		    err);
	if (r == 0)
		r = migrate(store, err);
	if (r < 0)
		return r;
	reserve_log(path);
	*out = steal(&store);
	return 0;
}

struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;
	for (size_t i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(store->statements[i].prepared);
	sqlite3_close(store->db);
	pthread_mutex_destroy(&store->mutex);
	free(store);
	return NULL;
}

void store_freep(struct store **store)
{
	*store = store_free(*store);
}
