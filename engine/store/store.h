/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's facts, in one SQLite file. The only module that knows SQLite: others pass SQL text
 * (string literals, prepared once and kept) with typed arguments and get rows through a callback.
 * One connection behind one mutex; several engine processes may use the same file. All functions
 * are thread-safe and block for as long as another process writes, at most STORE_BUSY_MS.
 *
 * Arguments are described by a format, one letter each: s = const char * (NULL binds ''),
 * i = int64_t, b = const void *, size_t (a blob). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum { STORE_BUSY_MS = 10000 };

struct store;
struct store_row;

/* Opens or makes STATE/cleat.db at `path` and brings its schema up to date. A file of a newer
 * release is used as it is. Returns owned in *out. */
int store_open(struct store **out, const char *path, struct err *err) must_check;
/* NULL is fine; returns NULL. */
struct store *store_free(struct store *store);
void store_freep(struct store **store);

/* Runs one statement that returns no rows. Returns the number of rows changed, or -errno; -EEXIST
 * (reason empty) when a UNIQUE or PRIMARY KEY constraint refuses it. */
int store_run(struct store *store, struct err *err, const char *sql, const char *format,
	      ...) must_check;

/* Calls `row` for each row; a result other than 0 ends the walk and is returned. The store's mutex
 * is held meanwhile: `row` only copies. Returns 0, -errno, or what `row` returned. */
int store_query(struct store *store, struct err *err,
		int (*row)(const struct store_row *row, void *ctx), void *ctx, const char *sql,
		const char *format, ...) must_check;

/* Columns of the row at hand, from 0. Text and blobs are borrowed until `row` returns; text of NULL
 * is "". */
int64_t store_int(const struct store_row *row, int column);
const char *store_text(const struct store_row *row, int column);
const void *store_blob(const struct store_row *row, int column, size_t *len);

/* A write transaction around the calls of this thread until store_end(); other threads wait. Not
 * nested. With `commit` false it is rolled back (always 0). Call store_end() in the same function. */
int store_begin(struct store *store, struct err *err) must_check;
int store_end(struct store *store, bool commit, struct err *err);
