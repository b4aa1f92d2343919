/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <string.h>

#include "base_test.h"
#include "exchange.h"
#include "gateway.h"
#include "str.h"

static void each_calls_a_method_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		print_message("%s %s: %s\n", routes[i].method, routes[i].pattern, routes[i].rpc);
		if (*routes[i].rpc)
			assert_non_null(gw_method(routes[i].rpc));
	}
}

/* Its own path, with a name for the hole, is found by no row before it. */
static void none_hides_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		const char *pattern = routes[i].pattern, *hole = strstr(pattern, "{}");
		const char *method = routes[i].method[0] == '*' ? "PATCH" : routes[i].method;
		cleanup_free char *path =
			hole ? str_printf("%.*sname%s", (int)(hole - pattern), pattern, hole + 2)
			     : strdup(pattern);
		struct route_match match;

		assert_non_null(path);
		print_message("%s %s\n", method, path);
		assert_ptr_equal(routes_find(method, path, &match), &routes[i]);
		if (hole)
			assert_string_equal(match.param, "name");
	}
}

static void versions_are_gates(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++)
		for (unsigned minor = ROUTE_MINOR_MIN; minor < routes[i].since; minor++) {
			cleanup_free char *path = str_printf("/v1.%u%s", minor, routes[i].pattern);
			struct http_request q = { .method = routes[i].method, .path = path };

			gateway_handle(&q, (char *)"ipc:///nonexistent/cleat.sock");
			assert_int_equal(q.status, 400);
			assert_non_null(strstr(q.reply.data, " requires minimum API version 1."));
			buf_deinit(&q.reply);
			free(q.header_value);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_calls_a_method_there_is),
					    cmocka_unit_test(none_hides_another),
					    cmocka_unit_test(versions_are_gates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
