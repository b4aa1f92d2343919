/* SPDX-License-Identifier: Apache-2.0 */
#include "healthcheck.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"
#include "buf.h"

struct fixture {
	Cleat__V1__ContainerConfig *config;
	struct image_health image;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->config = malloc(sizeof(*f->config));
	cleat__v1__container_config__init(f->config);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cleat__v1__container_config__free_unpacked(f->config, NULL);
	strings_deinit(&f->image.test);
	free(f);
	return 0;
}

static void test_is(const struct fixture *f, const char *words)
{
	cleanup_free char **list = NULL;
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	size_t n;

	assert_int_equal(healthcheck_command(f->config, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "[%s]", list[i]);
	assert_string_equal(text.data ? text.data : "", words);
}

static void say(struct strings *list, const char *a, const char *b)
{
	assert_int_equal(strings_append(list, a), 0);
	assert_int_equal(strings_append(list, b), 0);
}

static void request_of(struct fixture *f, const char *kind, const char *word)
{
	Cleat__V1__HealthCheck *check = f->config->health_check = malloc(sizeof(*check));

	cleat__v1__health_check__init(check);
	check->test = malloc(sizeof(*check->test));
	cleat__v1__string_list__init(check->test);
	check->test->values = calloc(2, sizeof(char *));
	check->test->values[check->test->n_values++] = strdup(kind);
	if (word)
		check->test->values[check->test->n_values++] = strdup(word);
}

static void silence_is_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(healthcheck_apply(f->config, &f->image, NULL), 0);
	assert_null(f->config->health_check);
	test_is(f, "");
}

static void the_images_fills_in(void **state)
{
	struct fixture *f = *state;

	say(&f->image.test, "CMD", "probe");
	f->image.interval_ns = 1;
	f->image.timeout_ns = 2;
	f->image.start_period_ns = 3;
	f->image.start_interval_ns = 4;
	f->image.retries = 5;
	f->config->health_check = malloc(sizeof(*f->config->health_check));
	cleat__v1__health_check__init(f->config->health_check);
	f->config->health_check->timeout_ns = 20;
	assert_int_equal(healthcheck_apply(f->config, &f->image, NULL), 0);
	test_is(f, "[probe]");
	assert_int_equal(f->config->health_check->interval_ns, 1);
	assert_int_equal(f->config->health_check->timeout_ns, 20);
	assert_int_equal(f->config->health_check->start_period_ns, 3);
	assert_int_equal(f->config->health_check->start_interval_ns, 4);
	assert_int_equal(f->config->health_check->retries, 5);
}

static void the_requests_test_stands(void **state)
{
	struct fixture *f = *state;

	say(&f->image.test, "CMD", "probe");
	request_of(f, "CMD-SHELL", "a | b");
	assert_int_equal(healthcheck_apply(f->config, &f->image, NULL), 0);
	test_is(f, "[/bin/sh][-c][a | b]");
}

static void none_is_none(void **state)
{
	struct fixture *f = *state;

	say(&f->image.test, "CMD", "probe");
	request_of(f, "NONE", NULL);
	assert_int_equal(healthcheck_check(f->config->health_check, NULL), 0);
	assert_int_equal(healthcheck_apply(f->config, &f->image, NULL), 0);
	test_is(f, "");
}

/* What an image says is nobody's mistake who runs it. */
static void an_images_nonsense_is_none(void **state)
{
	struct fixture *f = *state;

	say(&f->image.test, "TELEPATHY", "probe");
	assert_int_equal(healthcheck_apply(f->config, &f->image, NULL), 0);
	test_is(f, "");
	assert_int_equal(healthcheck_check(f->config->health_check, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silence_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(the_images_fills_in, setup, teardown),
		cmocka_unit_test_setup_teardown(the_requests_test_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(none_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(an_images_nonsense_is_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
