/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *method, *path, *type, *timeout, *body;
	unsigned status;
	const char *reply;
} cases[] = {
	{ "GET", "/_ping", "", "", "", 200, "OK" },
	{ "PUT", "/_ping", "", "", "", 404, "page not found" },
	{ "GET", "/nothing", "", "", "", 404, "{\"message\":\"page not found\"}" },
	{ "POST", "/cleat.v1.System/Nothing", "application/json", "", "", 501, "no method" },
	{ "POST", "/cleat.v1.System/Events", "application/json", "", "", 415, "" },
	{ "POST", "/cleat.v1.Containers/Attach", "application/json", "", "", 501,
	  "streams from the client" },
	{ "GET", "/v1.99/info", "", "", "", 400, "too new" },
	{ "POST", "/cleat.v1.System/Ping", "text/plain", "", "", 415, "" },
	{ "POST", "/cleat.v1.System/Ping", "application/json", "x", "", 400, "Timeout-Ms" },
	{ "POST", "/cleat.v1.System/Ping", "application/json", "", "{", 400, "JSON: line 1" },
	{ "POST", "/cleat.v1.System/Ping", "application/json", "", "{\"x\":1}", 400,
	  "x: unknown field" },
};

static void test_without_engine(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request q = { .method = cases[i].method,
					  .path = cases[i].path,
					  .content_type = cases[i].type,
					  .timeout_ms = cases[i].timeout };

		buf_puts(&q.body, cases[i].body);
		gateway_handle(&q, (char *)"ipc:///nonexistent/cleat.sock");
		assert_int_equal(q.status, cases[i].status);
		assert_non_null(strstr(q.reply.data ? q.reply.data : "", cases[i].reply));
		buf_deinit(&q.body);
		buf_deinit(&q.reply);
		free(q.header_value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_without_engine) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
