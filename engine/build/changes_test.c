/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include "base_test.h"

static const struct {
	const char *line, *result; /* NULL = refused */
} cases[] = {
	{ "CMD echo hi", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo hi\"]}" },
	{ "cmd [\"echo\", \"a b\"]", "{\"Cmd\":[\"echo\",\"a b\"]}" },
	{ "CMD [\"echo\", 1]", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[\\\"echo\\\", 1]\"]}" },
	{ "ENTRYPOINT [\"/x\"]", "{\"Entrypoint\":[\"/x\"]}" },
	{ "ENV A=1 B=\"two words\" C=\\ x", "{\"Env\":[\"A=1\",\"B=two words\",\"C= x\"]}" },
	{ "ENV A some value", "{\"Env\":[\"A=some value\"]}" },
	{ "ENV A='$x \\y'", "{\"Env\":[\"A=$x \\\\y\"]}" },
	{ "LABEL a.b=c \"d e\"=f", "{\"Labels\":{\"a.b\":\"c\",\"d e\":\"f\"}}" },
	{ "EXPOSE 80 53/udp 8000-8001",
	  "{\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{},\"8000/tcp\":{},"
	  "\"8001/tcp\":{}}}" },
	{ "USER web:web", "{\"User\":\"web:web\"}" },
	{ "WORKDIR sub", "{\"WorkingDir\":\"/sub\"}" },
	{ "VOLUME /a /b", "{\"Volumes\":{\"/a\":{},\"/b\":{}}}" },
	{ "VOLUME [\"/a b\"]", "{\"Volumes\":{\"/a b\":{}}}" },
	{ "ONBUILD RUN x", "{\"OnBuild\":[\"RUN x\"]}" },
	{ "STOPSIGNAL SIGINT", "{\"StopSignal\":\"SIGINT\"}" },
	{ "HEALTHCHECK NONE", "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}" },
	{ "HEALTHCHECK --interval=5s --retries=2 CMD curl x",
	  "{\"Healthcheck\":{\"Interval\":5000000000,\"Retries\":2,\"Test\":[\"CMD-SHELL\",\"curl "
	  "x\"]}}" },
	{ "HEALTHCHECK CMD [\"a\"]", "{\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"]}}" },
	{ "RUN x", NULL },
	{ "FROM a", NULL },
	{ "", NULL },
	{ "CM", NULL },
	{ "CMDX a", NULL },
	{ "ENV", NULL },
	{ "ENV A", NULL },
	{ "ENV =x", NULL },
	{ "ENV A=1 B", NULL },
	{ "EXPOSE http", NULL },
	{ "EXPOSE 70000", NULL },
	{ "EXPOSE 90-80", NULL },
	{ "EXPOSE 80/icmp", NULL },
	{ "HEALTHCHECK --interval=x CMD y", NULL },
	{ "HEALTHCHECK RUN y", NULL },
	{ "USER \xff", NULL },
	{ "LABEL a=\xff", NULL },
};

static void instructions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *config = json_object();
		struct err err = ERR_NULL;
		int r = changes_apply(config, (char *[]){ (char *)(uintptr_t)cases[i].line }, 1,
				      &err);

		print_message("%s\n", cases[i].line);
		assert_int_equal(r, cases[i].result ? 0 : -EINVAL);
		if (cases[i].result) {
			cleanup_free char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);

			assert_string_equal(text, cases[i].result);
		} else {
			assert_true(err.message[0]);
		}
		json_decref(config);
	}
}

static void later_ones_replace(void **state)
{
	json_t *config = json_pack("{s:[s, s], s:s, s:[s]}", "Env", "A=0", "AB=1", "WorkingDir",
				   "/a", "Cmd", "x");
	cleanup_free char *text = NULL;

	(void)state;
	char lines[][24] = { "ENV A=2", "WORKDIR b", "ENTRYPOINT [\"e\"]", "ENV C=${A}${AB}" };
	char *all[] = { lines[0], lines[1], lines[2], lines[3] };

	assert_int_equal(changes_apply(config, all, ARRAY_LEN(all), NULL), 0);
	text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"Entrypoint\":[\"e\"],\"Env\":[\"A=2\",\"AB=1\",\"C=21\"],"
				  "\"WorkingDir\":\"/a/b\"}");
	json_decref(config);
}

/* The lines are one Dockerfile: a command that is said stays. */
static void lines_know_of_each_other(void **state)
{
	json_t *config = json_object();
	char lines[][24] = { "CMD [\"c\"]", "ENTRYPOINT [\"e\"]" };
	char *all[] = { lines[0], lines[1] };
	cleanup_free char *text = NULL;

	(void)state;
	assert_int_equal(changes_apply(config, all, ARRAY_LEN(all), NULL), 0);
	text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"Cmd\":[\"c\"],\"Entrypoint\":[\"e\"]}");
	json_decref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions),
		cmocka_unit_test(later_ones_replace),
		cmocka_unit_test(lines_know_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
