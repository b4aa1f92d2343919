/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include <string.h>

#include "base_test.h"

static const char data[] = "{\"Name\":\"web\",\"State\":{\"Running\":true,\"Pid\":42},"
			   "\"Names\":[\"a\",\"b\"],\"Labels\":{\"k\":\"v\"},\"Empty\":\"\","
			   "\"Row\":{\"ID\":1,\"\\u0001labels\":{\"k\":\"v\"}}}";

static const struct {
	const char *template, *out; /* NULL = refused */
} cases[] = {
	{ "plain", "plain" },
	{ "{{.Name}}", "web" },
	{ "{{ .State.Pid }}", "42" },
	{ "{{.State.Running}}", "true" },
	{ "{{.Names}}", "[a b]" },
	{ "{{.Labels}}", "map[k:v]" },
	{ "{{json .Names}}", "[\"a\",\"b\"]" },
	{ "{{json .State.Pid}}", "42" },
	{ "{{upper .Name}}", "WEB" },
	{ "{{.Name | upper | lower}}", "web" },
	{ "{{join .Names \",\"}}", "a,b" },
	{ "{{range .Names}}<{{.}}>{{end}}", "<a><b>" },
	{ "{{range $i, $n := .Names}}{{$i}}={{$n}};{{end}}", "0=a;1=b;" },
	{ "{{if .State.Running}}up{{else}}down{{end}}", "up" },
	{ "{{if .Empty}}up{{else}}down{{end}}", "down" },
	{ "{{if eq .Name \"web\"}}yes{{end}}", "yes" },
	{ "{{if ne .State.Pid 42}}no{{end}}", "" },
	{ "{{len .Names}}", "2" },
	{ "{{index .Labels \"k\"}}", "v" },
	{ "{{.Labels.K}} {{.empty}}.", "v ." },
	{ "{{.Row.Label \"k\"}} {{.Row.Label \"none\"}}. {{json .Row}}", "v . {\"ID\":1}" },
	{ "{{index .Names 1}}", "b" },
	{ "{{with .State}}{{.Pid}}{{end}}", "42" },
	{ "{{println .Name}}", "web\n" },
	{ "{{.Missing}}", "<no value>" },
	{ "{{/* nothing */}}x", "x" },
	{ "{{.Name", NULL },
	{ "{{if .Name}}x", NULL },
	{ "{{nonsense .Name}}", NULL },
	{ "{{end}}", NULL },
};

static void templates_are_gos(void **state)
{
	json_t *value = json_loads(data, 0, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;
		struct err err = ERR_NULL;
		int r = template_render(cases[i].template, value, false, &out, &err);

		print_message("%s -> %s%s\n", cases[i].template, out.data ? out.data : "",
			      err.message);
		assert_int_equal(r == 0, cases[i].out != NULL);
		if (cases[i].out)
			assert_string_equal(out.data ? out.data : "", cases[i].out);
		else
			assert_true(err.message[0] != '\0');
	}
	json_decref(value);
}

static void a_strict_template_knows_its_fields(void **state)
{
	json_t *value = json_loads(data, 0, NULL);
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_true(template_render("{{.Missing}}", value, true, &out, &err) < 0);
	assert_non_null(strstr(err.message, "Missing"));
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_gos),
		cmocka_unit_test(a_strict_template_knows_its_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
