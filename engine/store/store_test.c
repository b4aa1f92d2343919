/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a file of its own: migrations once, rows there and back, constraints as -EEXIST,
 * transactions, two connections at once. */
#include "store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fd.h"

static char dir[64];
static char path[96];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/cleat-store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/cleat.db", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return fd_remove_tree(-100, dir);
}

static int add(struct store *store, const char *id, const char *name, struct err *err)
{
	return store_run(store, err,
			 "INSERT INTO containers(id, name, image_ref, image_id, command, "
			 "created_ns, config) VALUES(?, ?, '', '', '', ?, ?)",
			 "ssib", id, name, (int64_t)7, "a\0b", (size_t)3);
}

static int count(const struct store_row *row, void *ctx)
{
	size_t len;

	assert_int_equal(store_int(row, 1), 7);
	assert_memory_equal(store_blob(row, 2, &len), "a\0b", 3);
	assert_int_equal(len, 3);
	(void)strcpy(ctx, store_text(row, 0));
	return 0;
}

static void test_rows(void **state)
{
	cleanup(store_freep) struct store *a = NULL, *b = NULL;
	char name[64] = "";
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(store_open(&a, path, &err), 0);
	assert_int_equal(add(a, "1", "one", &err), 1);
	assert_int_equal(add(a, "2", "one", &err), -EEXIST);
	assert_int_equal(store_open(&b, path, &err), 0);
	assert_int_equal(store_query(b, &err, count, name,
				     "SELECT name, created_ns, config FROM containers", ""),
			 0);
	assert_string_equal(name, "one");
}

static void test_transactions(void **state)
{
	cleanup(store_freep) struct store *store = NULL;
	char name[64] = "";
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(store_open(&store, path, &err), 0);
	assert_int_equal(store_begin(store, &err), 0);
	assert_int_equal(add(store, "3", "three", &err), 1);
	assert_int_equal(store_end(store, false, &err), 0);
	assert_int_equal(store_query(store, &err, count, name,
				     "SELECT name, created_ns, config FROM containers WHERE id = ?",
				     "s", "3"),
			 0);
	assert_string_equal(name, "");
	assert_true(store_run(store, &err, "no sql", "") < 0);
	assert_int_equal(err.code, ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
