/* SPDX-License-Identifier: Apache-2.0 */
/* The generated stubs of small.proto, both sides of each shape over a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "echo.h"
#include "services.rpc.h"

struct fixture {
	char dir[32], url[64];
	struct rpc_server *server;
	struct rpc_client *client;
};

static int set_up(void **state)
{
	static const struct cleat_test_v1_another_ops nothing = { 0 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_NULL;

	assert_non_null(f);
	strcpy(f->dir, "/tmp/stubs_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->url, sizeof(f->url), "ipc://%s/s", f->dir);
	assert_int_equal(rpc_server_new(&f->server, NULL, &err), 0);
	assert_int_equal(cleat_test_v1_echo_register(f->server, &echo_ops), 0);
	assert_int_equal(cleat_test_v1_another_register(f->server, &nothing), 0);
	assert_int_equal(rpc_server_listen(f->server, f->url, &err), 0);
	assert_int_equal(rpc_client_open(&f->client, f->url, NULL, &err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[64];

	rpc_client_close(f->client);
	rpc_server_free(f->server);
	snprintf(path, sizeof(path), "%s/s", f->dir);
	unlink(path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void test_unary(void **state)
{
	struct fixture *f = *state;
	Cleat__Test__V1__Text req = CLEAT__TEST__V1__TEXT__INIT, *reply = NULL;
	Cleat__Test__V1__Number number = CLEAT__TEST__V1__NUMBER__INIT;
	Cleat__Test__V1__None none = CLEAT__TEST__V1__NONE__INIT, *nothing = NULL;
	struct err err = ERR_NULL;

	req.text = (char *)(uintptr_t) "hello";
	assert_int_equal(cleat_test_v1_echo_once(f->client, NULL, &req, &reply, &err), 0);
	assert_string_equal(reply->text, "hello");
	cleat__test__v1__text__free_unpacked(reply, NULL);
	number.value = ERR_NOT_FOUND;
	assert_true(cleat_test_v1_echo_fail(f->client, NULL, &number, &nothing, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.reason, "ASKED");
	assert_true(cleat_test_v1_another_nothing(f->client, NULL, &none, &nothing, &err) < 0);
	assert_int_equal(err.code, ERR_UNIMPLEMENTED);
}

static void test_server_stream(void **state)
{
	struct fixture *f = *state;
	struct cleat_test_v1_echo_count_up_client *call = NULL;
	Cleat__Test__V1__Number req = CLEAT__TEST__V1__NUMBER__INIT, *number;
	struct err err = ERR_NULL;

	req.value = 1000;
	assert_int_equal(cleat_test_v1_echo_count_up_open(f->client, NULL, &req, &call, &err), 0);
	for (uint32_t i = 1; i <= 1000; i++) {
		assert_int_equal(cleat_test_v1_echo_count_up_client_recv(call, &number, &err), 1);
		assert_int_equal(number->value, i);
		cleat__test__v1__number__free_unpacked(number, NULL);
	}
	assert_int_equal(cleat_test_v1_echo_count_up_client_recv(call, &number, &err), 0);
	cleat_test_v1_echo_count_up_client_close(call);
}

static void test_client_stream(void **state)
{
	struct fixture *f = *state;
	struct cleat_test_v1_echo_sum_client *call = NULL;
	Cleat__Test__V1__Number number = CLEAT__TEST__V1__NUMBER__INIT, *sum = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(cleat_test_v1_echo_sum_open(f->client, NULL, &call, &err), 0);
	for (number.value = 1; number.value <= 100; number.value++)
		assert_int_equal(cleat_test_v1_echo_sum_client_send(call, &number, &err), 0);
	assert_int_equal(cleat_test_v1_echo_sum_client_end(call, &err), 0);
	assert_int_equal(cleat_test_v1_echo_sum_client_recv(call, &sum, &err), 1);
	assert_int_equal(sum->value, 5050);
	cleat__test__v1__number__free_unpacked(sum, NULL);
	assert_int_equal(cleat_test_v1_echo_sum_client_recv(call, &sum, &err), 0);
	cleat_test_v1_echo_sum_client_close(call);
}

static void test_bidi(void **state)
{
	struct fixture *f = *state;
	struct cleat_test_v1_echo_import_client *call = NULL;
	Cleat__Test__V1__Text text = CLEAT__TEST__V1__TEXT__INIT, *back = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(cleat_test_v1_echo_import_open(f->client, NULL, &call, &err), 0);
	for (int i = 0; i < 3; i++) {
		text.text = (char *)(uintptr_t) "both ways";
		assert_int_equal(cleat_test_v1_echo_import_client_send(call, &text, &err), 0);
		assert_int_equal(cleat_test_v1_echo_import_client_recv(call, &back, &err), 1);
		assert_string_equal(back->text, "both ways");
		cleat__test__v1__text__free_unpacked(back, NULL);
	}
	assert_int_equal(cleat_test_v1_echo_import_client_end(call, &err), 0);
	assert_int_equal(cleat_test_v1_echo_import_client_recv(call, &back, &err), 0);
	cleat_test_v1_echo_import_client_close(call);
}

static void test_tables(void **state)
{
	const struct rpc_method *once = &cleat_test_v1_echo.methods[0];

	(void)state;
	assert_int_equal(cleat_test_v1_n_services, 2);
	assert_ptr_equal(cleat_test_v1_services[1], &cleat_test_v1_echo);
	assert_int_equal(cleat_test_v1_n_map_entries, 2);
	assert_string_equal(once->path, "cleat.test.v1.Echo/Once");
	assert_int_equal(once->role, RPC_ROLE_VIEWER);
	assert_true(once->idempotent && once->no_side_effects);
	assert_int_equal(cleat_test_v1_echo.methods[4].shape, RPC_BIDI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),        cmocka_unit_test(test_unary),
		cmocka_unit_test(test_server_stream), cmocka_unit_test(test_client_stream),
		cmocka_unit_test(test_bidi),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
