/* SPDX-License-Identifier: Apache-2.0 */
/* Stages as text: "name:image or #parent[first-end)" each, '*' in front of those that are needed. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "buf.h"
#include "plan.h"

static void show(const struct plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct stage *s = &plan->v[i];

		buf_printf(out, "%s%s:", s->needed ? "*" : "", s->name ? s->name : "");
		if (s->parent == PLAN_NONE)
			buf_puts(out, s->image);
		else
			buf_printf(out, "#%d", s->parent);
		buf_printf(out, "[%zu-%zu)%s ", s->first, s->end, s->platform ? s->platform : "");
	}
	buf_printf(out, "target %zu", plan->target);
}

static const struct {
	const char *text, *target, *shown;
} good[] = {
	{ "FROM a\nRUN x", "", "*:a[0-2) target 0" },
	{ "ARG V=1\nARG W=$V.2\nFROM a:$W", "", "*:a:1.2[2-3) target 0" },
	{ "ARG GIVEN=1\nFROM a:$GIVEN", "", "*:a:given[1-2) target 0" },
	{ "FROM a AS x\nFROM b AS y\nFROM X", "", "*x:a[0-1) y:b[1-2) *:#0[2-3) target 2" },
	{ "FROM a AS x\nFROM b\nCOPY --from=x f g", "", "*x:a[0-1) *:b[1-3) target 1" },
	{ "FROM a\nFROM b\nCOPY --from=0 f g", "", "*:a[0-1) *:b[1-3) target 1" },
	{ "FROM a AS x\nFROM b\nCOPY --from=image f g", "", "x:a[0-1) *:b[1-3) target 1" },
	{ "FROM a AS x\nFROM b\nRUN --mount=type=bind,target=/y,from=x z", "",
	  "*x:a[0-1) *:b[1-3) target 1" },
	{ "FROM a AS x\nFROM x AS y\nFROM y", "x", "*x:a[0-1) y:#0[1-2) :#1[2-3) target 0" },
	{ "FROM a AS x\nFROM x AS y\nFROM y", "1", "*x:a[0-1) *y:#0[1-2) :#1[2-3) target 1" },
	{ "FROM a AS x\nFROM b AS x\nFROM x", "", "x:a[0-1) *x:b[1-2) *:#1[2-3) target 2" },
	{ "FROM --platform=$TARGETPLATFORM a", "", "*:a[0-1)linux/amd64 target 0" },
	{ "FROM x AS x", "", "*x:x[0-1) target 0" },
};

static const struct {
	const char *text, *target, *sentence;
} bad[] = {
	{ "RUN x", "", "dockerfile parse error on line 1: no build stage in current context" },
	{ "ARG x", "", "no build stage in current context" },
	{ "FROM a", "b", "target stage \"b\" could not be found" },
	{ "FROM a", "1", "target stage \"1\" could not be found" },
	{ "FROM a\nCOPY --from=1 b c", "",
	  "dockerfile parse error on line 2: invalid stage index 1" },
	{ "FROM a AS b\nRUN --mount=from=B,target=/c d", "",
	  "dockerfile parse error on line 2: circular dependency detected on stage: b" },
	{ "FROM $NO", "", "dockerfile parse error on line 1: base name ($NO) should not be blank" },
	{ "FROM ${NO:?gone}", "", "dockerfile parse error on line 1: NO: gone" },
};

static int make(const char *text, const char *target, struct buf *out, struct err *err)
{
	cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;
	cleanup(scope_deinit) struct scope args = { 0 };
	cleanup(scope_deinit) struct scope builtin = { 0 };
	cleanup(plan_deinit) struct plan plan = PLAN_NULL;

	assert_int_equal(scope_set(&args, "GIVEN", "given"), 0);
	assert_int_equal(scope_set(&builtin, "TARGETPLATFORM", "linux/amd64"), 0);
	assert_int_equal(dockerfile_parse(text, strlen(text), &file, NULL), 0);
	int r = plan_make(&file, &args, &builtin, target, &plan, err);

	if (r == 0)
		show(&plan, out);
	return r;
}

static void plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;

		assert_int_equal(make(good[i].text, good[i].target, &out, NULL), 0);
		assert_string_equal(out.data, good[i].shown);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_NULL;

		assert_int_equal(make(bad[i].text, bad[i].target, NULL, &err), -EINVAL);
		assert_string_equal(err.message, bad[i].sentence);
	}
}

static void scopes(void **state)
{
	cleanup(scope_deinit) struct scope scope = { 0 };

	(void)state;
	assert_null(scope_get(&scope, "a"));
	assert_int_equal(scope_set(&scope, "a", "1"), 0);
	assert_int_equal(scope_set(&scope, "a", "2"), 0);
	assert_string_equal(scope_get(&scope, "a"), "2");
	assert_int_equal(scope.pairs.n, 2);
	assert_true(scope_is_proxy("https_proxy"));
	assert_false(scope_is_proxy("PROXY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plans), cmocka_unit_test(refuses),
					    cmocka_unit_test(scopes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
