/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of registries that are good, those that are not, and which platform is taken. */
#include "distribution.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

#define D1 "\"digest\":\"sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7\""
#define D2 "\"digest\":\"sha256:e692418e4cbaf90ca69d05a66403747baa33ee08806650b51fab815ad7fc331f\""
#define CONFIG \
	"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":7," D1 "}"
#define LAYER                                                                           \
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"size\":9," D2 \
	",\"annotations\":{\"a\":\"b\"}}"

static int parse(const char *text, struct distribution *d, struct err *err)
{
	return distribution_parse(text, strlen(text), d, err);
}

static void test_manifest(void **state)
{
	struct distribution d;

	(void)state;
	assert_int_equal(parse("{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "],"
			       "\"annotations\":{\"x\":\"y\"},\"subject\":{}}",
			       &d, NULL),
			 0);
	assert_false(d.index);
	assert_int_equal(d.config.size, 7);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.items[1].size, 9);
	assert_true(strncmp(d.items[1].digest, "sha256:e692", 11) == 0);
	assert_string_equal(d.items[0].media_type, "application/vnd.oci.image.layer.v1.tar+zstd");
	distribution_deinit(&d);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "manifest: " },
		{ "[]", "expected either" },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1" },
		{ "{" CONFIG "}", "expected either" },
		{ "{" CONFIG ",\"layers\":[],\"manifests\":[]}", "expected either" },
		{ "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\"," CONFIG
		  ",\"layers\":[]}",
		  "expected either" },
		{ "{\"layers\":[]}", "config: digest" },
		{ "{" CONFIG ",\"layers\":[{" D2 "}]}", "layers[0]: expected a size" },
		{ "{" CONFIG ",\"layers\":[{\"size\":-1," D2 "}]}", "layers[0]: expected a size" },
		{ "{" CONFIG ",\"layers\":[{\"size\":1," D2 "}]}", "layer 1 is of type \"\"" },
		{ "{\"config\":{\"mediaType\":\"application/"
		  "vnd.cncf.helm.config.v1+json\",\"size\":1," D1 "},\"layers\":[]}",
		  "it is no image" },
		{ "{\"manifests\":[{\"digest\":\"md5:1\",\"size\":1}]}", "manifests[0]: digest" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_NULL;
		struct distribution d;

		assert_int_equal(parse(bad[i].text, &d, &err), -EINVAL);
		if (!strstr(err.message, bad[i].message))
			fail_msg("%s: %s", bad[i].text, err.message);
	}
}

/* An index of these platforms, each with its place as its size. */
static void make_index(const char *const *platforms, size_t n, struct distribution *d)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	buf_puts(&text, "{\"manifests\":[");
	for (size_t i = 0; i < n; i++) {
		struct platform p;

		assert_int_equal(platform_parse(platforms[i], &p, NULL), 0);
		buf_printf(&text,
			   "%s{\"size\":%zu," D1
			   ",\"platform\":{\"os\":\"%s\",\"architecture\":\"%s\","
			   "\"variant\":\"%s\"}}",
			   i ? "," : "", i, p.os, p.architecture, p.variant);
	}
	buf_puts(&text, "]}");
	assert_int_equal(parse(text.data, d, NULL), 0);
}

static void test_choice(void **state)
{
	static const char *const platforms[] = { "linux/amd64",  "unknown/unknown", "linux/arm/v5",
						 "linux/arm/v6", "linux/arm/v7",    "linux/arm64",
						 "windows/amd64" };
	static const struct {
		const char *wanted;
		int place; /* -1 = none */
	} cases[] = {
		{ "linux/amd64", 0 },    { "linux/arm/v7", 4 },  { "linux/arm/v6", 3 },
		{ "linux/arm/v8", 4 },   { "linux/arm64", 5 },   { "linux/arm64/v8", 5 },
		{ "linux/s390x", -1 },   { "windows/amd64", 6 }, { "linux/arm/v4", -1 },
		{ "linux/amd64/v3", 0 },
	};
	struct distribution d;

	(void)state;
	make_index(platforms, ARRAY_LEN(platforms), &d);
	assert_true(d.index);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct descriptor *found;
		struct platform wanted;

		assert_int_equal(platform_parse(cases[i].wanted, &wanted, NULL), 0);
		found = distribution_choose(&d, &wanted);
		assert_int_equal(found ? (int)found->size : -1, cases[i].place);
	}
	distribution_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_manifest),
					    cmocka_unit_test(test_bad),
					    cmocka_unit_test(test_choice) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
