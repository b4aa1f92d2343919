/* SPDX-License-Identifier: Apache-2.0 */
#include "bindtext.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"
#include "msg.h"

static Cleat__V1__Mount *parse(const char *text, struct err *err)
{
	Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);

	*err = ERR_NULL;
	if (bindtext_parse(text, m, err) == 0)
		return m;
	msg_free(m);
	return NULL;
}

static void sources_say_what_is_meant(void **state)
{
	static const struct {
		const char *text, *type, *source, *target;
		bool read_only, create;
	} cases[] = {
		{ "/a:/b", "bind", "/a", "/b", false, true },
		{ "/a:/b:ro", "bind", "/a", "/b", true, true },
		{ "/a:/b:rw,z", "bind", "/a", "/b", false, true },
		{ "name:/b:nocopy,ro", "volume", "name", "/b", true, false },
		{ "/b", "volume", "", "/b", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		cleanup(msg_freep) Cleat__V1__Mount *m = parse(cases[i].text, &err);

		assert_non_null(m);
		assert_string_equal(m->type, cases[i].type);
		assert_string_equal(m->source, cases[i].source);
		assert_string_equal(m->target, cases[i].target);
		assert_int_equal(m->read_only, cases[i].read_only);
		assert_int_equal(m->create_source, cases[i].create);
	}
}

static void propagation_is_a_binds(void **state)
{
	struct err err;
	cleanup(msg_freep) Cleat__V1__Mount *m = parse("/a:/b:rslave,ro", &err);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->propagation, "rslave");
	assert_true(m->read_only);
}

static void bad_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":/b",
		"/a:",
		"a:b",
		"a",
		"/a:/b:",
		"/a:/b:what",
		"/a:/b:ro,rw",
		"/a:/b:nocopy",
		"n:/b:rslave",
		"/a:/b:ro:x",
		"/a:/b:ro,",
		"/a:/b:z,Z",
		"./a:b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err;

		assert_null(parse(texts[i], &err));
		assert_int_equal(err.code, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_say_what_is_meant),
		cmocka_unit_test(propagation_is_a_binds),
		cmocka_unit_test(bad_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
