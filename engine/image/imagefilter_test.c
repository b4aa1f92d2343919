/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of images against one image, as a table. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "imagefilter.h"
#include "reference.h"

static const struct {
	const char *key, *value;
	int result;       /* of the check */
	const char *tags; /* those left, joined by ' '; NULL: filtered out */
} cases[] = {
	{ "label", "a", 0, "busybox:1 me/app:latest" },
	{ "label", "a=b", 0, "busybox:1 me/app:latest" },
	{ "label", "a=c", 0, NULL },
	{ "label!", "a=b", 0, NULL },
	{ "dangling", "true", 0, NULL },
	{ "dangling", "false", 0, "busybox:1 me/app:latest" },
	{ "dangling", "perhaps", -EINVAL, NULL },
	{ "reference", "busybox", 0, "busybox:1" },
	{ "reference", "busybox:2", 0, NULL },
	{ "reference", "*", 0, "busybox:1" },
	{ "reference", "*/*", 0, "me/app:latest" },
	{ "reference", "*box:?", 0, "busybox:1" },
	{ "until", "100", 0, "busybox:1 me/app:latest" },
	{ "until", "30", 0, NULL },
	{ "until", "whenever", -EINVAL, NULL },
	{ "colour", "blue", -EINVAL, NULL },
};

static void fill(struct image *image)
{
	*image = (struct image){ .created_ns = 50000000000 };
	assert_int_equal(strings_append(&image->tags, "docker.io/library/busybox:1"), 0);
	assert_int_equal(strings_append(&image->tags, "docker.io/me/app:latest"), 0);
	assert_int_equal(strings_append(&image->config.labels, "a"), 0);
	assert_int_equal(strings_append(&image->config.labels, "b"), 0);
}

static void one_filter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Cleat__V1__Filter filter = CLEAT__V1__FILTER__INIT, *list[] = { &filter };
		struct image_filter f = { .filters = list, .n = 1 };
		char *value = (char *)(uintptr_t)cases[i].value, left[256] = "";
		struct image image;

		fill(&image);
		filter.key = (char *)(uintptr_t)cases[i].key;
		filter.values = &value;
		filter.n_values = 1;
		assert_int_equal(image_filter_check(&f, 0, NULL), cases[i].result);
		if (cases[i].result == 0) {
			assert_int_equal(image_filter_match(&f, &image), cases[i].tags != NULL);
			for (size_t k = 0; cases[i].tags && k < image.tags.n; k++) {
				char name[REFERENCE_MAX];

				reference_familiar(image.tags.v[k], name);
				strncat(left, k ? " " : "", sizeof(left) - strlen(left) - 1);
				strncat(left, name, sizeof(left) - strlen(left) - 1);
			}
			if (cases[i].tags)
				assert_string_equal(left, cases[i].tags);
		}
		image_deinit(&image);
	}
}

static void times_are_limits(void **state)
{
	struct image image;

	(void)state;
	fill(&image);
	assert_true(image_filter_match(&(struct image_filter){ .before_ns = 50000000001 }, &image));
	assert_false(
		image_filter_match(&(struct image_filter){ .before_ns = 50000000000 }, &image));
	assert_false(image_filter_match(&(struct image_filter){ .since_ns = 50000000000 }, &image));
	assert_true(image_filter_match(&(struct image_filter){ .since_ns = 49999999999 }, &image));
	image_deinit(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_filter),
					    cmocka_unit_test(times_are_limits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
