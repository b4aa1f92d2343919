/* SPDX-License-Identifier: Apache-2.0 */
#include "eventmatch.h"

#include <string.h>

#include "base_test.h"

static Cleat__V1__Event__AttributesEntry attributes[] = {
	{ .key = (char *)"name", .value = (char *)"web" },
	{ .key = (char *)"image", .value = (char *)"busybox:latest" },
	{ .key = (char *)"tier", .value = (char *)"front" },
};

static Cleat__V1__Event event;
static Cleat__V1__Event__AttributesEntry *list[ARRAY_LEN(attributes)];

static int setup(void **state)
{
	(void)state;
	cleat__v1__event__init(&event);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		attributes[i].base.descriptor = &cleat__v1__event__attributes_entry__descriptor;
		list[i] = &attributes[i];
	}
	event.type = (char *)"container";
	event.action = (char *)"exec_start: sh -c true";
	event.actor_id = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	event.attributes = list;
	event.n_attributes = ARRAY_LEN(attributes);
	return 0;
}

static const struct {
	const char *filters; /* key=value, separated by blanks */
	bool match;
} cases[] = {
	{ "", true },
	{ "type=container", true },
	{ "type=image", false },
	{ "type=image type=container", true },
	{ "event=exec_start", true },
	{ "event=exec", false },
	{ "event=exec_start type=image", false },
	{ "container=web", true },
	{ "container=/web", true },
	{ "container=0123456789ab", true },
	{ "container=0123", false },
	{ "container=other", false },
	{ "image=busybox", true },
	{ "image=busybox:latest", true },
	{ "image=busy", false },
	{ "label=tier", true },
	{ "label=tier=front", true },
	{ "label=tier=back", false },
	{ "scope=local", true },
	{ "scope=swarm", false },
};

static size_t parse(const char *text, char *copy, Cleat__V1__Filter filters[4],
		    Cleat__V1__Filter *pointers[4], char *values[4])
{
	char *rest = strcpy(copy, text), *word;
	size_t n = 0;

	while ((word = strsep(&rest, " ")) && *word) {
		values[n] = strchr(word, '=') + 1;
		values[n][-1] = '\0';
		cleat__v1__filter__init(&filters[n]);
		filters[n].key = word;
		filters[n].values = &values[n];
		filters[n].n_values = 1;
		pointers[n] = &filters[n];
		n++;
	}
	return n;
}

static void filters_are_dockers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Cleat__V1__Filter filters[4], *pointers[4];
		char copy[128], *values[4];
		size_t n = parse(cases[i].filters, copy, filters, pointers, values);

		print_message("%s\n", cases[i].filters);
		assert_int_equal(eventmatch_check(pointers, n, NULL), 0);
		assert_int_equal(eventmatch(&event, pointers, n), cases[i].match);
	}
}

static void an_unknown_key_is_refused(void **state)
{
	Cleat__V1__Filter filters[4], *pointers[4];
	char copy[128], *values[4];
	struct err err = ERR_NULL;
	size_t n = parse("colour=red", copy, filters, pointers, values);

	(void)state;
	assert_true(eventmatch_check(pointers, n, &err) < 0);
	assert_string_equal(err.message, "invalid filter 'colour'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_are_dockers),
		cmocka_unit_test(an_unknown_key_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
