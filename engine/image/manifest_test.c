/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of images: what is read from them, and the sentence for each kind of mistake. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "manifest.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_A "sha256:" HEX_A

static void save_manifest(void **state)
{
	static const char text[] =
		"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\",\"b:2\"],\"Layers\":[\"x\",\"y\"]},"
		"{\"Config\":\"d.json\",\"RepoTags\":null,\"Layers\":[]}]";
	struct manifests m = { 0 };

	(void)state;
	assert_int_equal(manifest_parse_save(text, strlen(text), &m, NULL), 0);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].config, "c.json");
	assert_string_equal(m.v[0].tags.v[1], "b:2");
	assert_string_equal(m.v[0].layers.v[1], "y");
	assert_int_equal(m.v[1].tags.n, 0);
	manifests_deinit(&m);
}

static void image_manifest(void **state)
{
	static const char text[] =
		"{\"config\":{\"digest\":\"" SHA_A "\"},\"layers\":[{\"digest\":\"" SHA_A "\"}]}";
	struct manifests m = { 0 };

	(void)state;
	assert_int_equal(manifest_parse_image(text, strlen(text), "t:1", &m, NULL), 0);
	assert_string_equal(m.v[0].config, "blobs/sha256/" HEX_A);
	assert_string_equal(m.v[0].layers.v[0], "blobs/sha256/" HEX_A);
	assert_string_equal(m.v[0].tags.v[0], "t:1");
	assert_false(manifest_is_index(text, strlen(text)));
	manifests_deinit(&m);
}

static void index_document(void **state)
{
	static const char text[] = "{\"manifests\":[{\"digest\":\"" SHA_A "\",\"annotations\":"
				   "{\"org.opencontainers.image.ref.name\":\"n\",\"io.containerd."
				   "image.name\":\"full\"},"
				   "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}]}";
	struct manifest_entry *entries = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(manifest_parse_index(text, strlen(text), &entries, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(entries[0].digest, SHA_A);
	assert_string_equal(entries[0].name, "full");
	assert_string_equal(entries[0].architecture, "arm64");
	assert_true(manifest_is_index(text, strlen(text)));
	free(entries);
}

static void config_document(void **state)
{
	static const char text[] =
		"{\"os\":\"linux\",\"created\":\"1970-01-01T00:00:01Z\",\"config\":{\"Env\":[\"A="
		"B\"],"
		"\"Labels\":{\"k\":\"v\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Cmd\":null,"
		"\"Healthcheck\":{\"Test\":[\"CMD\",\"a\"],\"Interval\":7,\"Retries\":-1}},"
		"\"rootfs\":{\"diff_ids\":[\"" SHA_A "\"]},\"history\":["
		"{\"created_by\":\"one\"},{\"created_by\":\"two\",\"empty_layer\":true}]}";
	struct image_config c;

	(void)state;
	assert_int_equal(image_config_parse(text, strlen(text), &c, NULL), 0);
	assert_int_equal(c.created_ns, 1000000000);
	assert_string_equal(c.env.v[0], "A=B");
	assert_string_equal(c.labels.v[1], "v");
	assert_string_equal(c.exposed_ports.v[0], "80/tcp");
	assert_int_equal(c.command.n, 0);
	assert_string_equal(c.diff_ids.v[0], SHA_A);
	assert_string_equal(c.health.test.v[1], "a");
	assert_int_equal(c.health.interval_ns, 7);
	assert_int_equal(c.health.retries, 0);
	assert_int_equal(c.n_history, 2);
	assert_true(c.history[1].empty_layer);
	image_config_deinit(&c);
}

enum document { SAVE, IMAGE, INDEX, CONFIG };

static const struct {
	enum document document;
	const char *text, *sentence; /* a part of it */
} bad[] = {
	{ SAVE, "", "manifest.json" },
	{ SAVE, "{}", "array of images" },
	{ SAVE, "[]", "array of images" },
	{ SAVE, "[{}]", "image 0: no Config" },
	{ SAVE, "[{\"Config\":1}]", "Config: expected a string" },
	{ SAVE, "[{\"Config\":\"c\",\"Layers\":[1]}]", "Layers[0]" },
	{ SAVE, "[{\"Config\":\"c\",\"Config\":\"d\"}]", "duplicate" },
	{ IMAGE, "[]", "layers" },
	{ IMAGE, "{\"layers\":[]}", "config: digest" },
	{ IMAGE, "{\"config\":{\"digest\":\"sha256:../x\"},\"layers\":[]}", "sha256:../x" },
	{ INDEX, "{\"manifests\":1}", "expected an array" },
	{ INDEX, "{\"manifests\":[{\"digest\":\"md5:1\"}]}", "manifests[0]" },
	{ CONFIG, "{}", "rootfs" },
	{ CONFIG, "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", "diff_ids[0]" },
	{ CONFIG, "{\"rootfs\":{},\"config\":{\"Env\":{}}}", "Env" },
	{ CONFIG, "{\"rootfs\":{},\"config\":{\"Labels\":{\"a\":1}}}", "Labels.a" },
	{ CONFIG, "{\"rootfs\":{},\"config\":{\"ExposedPorts\":[]}}", "ExposedPorts" },
};

static int parse(enum document document, const char *text, struct err *err)
{
	struct manifests m = { 0 };
	struct manifest_entry *entries = NULL;
	struct image_config config = { 0 };
	size_t n = strlen(text), count;
	int r = -EINVAL;

	switch (document) {
	case SAVE:
		r = manifest_parse_save(text, n, &m, err);
		break;
	case IMAGE:
		r = manifest_parse_image(text, n, "", &m, err);
		break;
	case INDEX:
		r = manifest_parse_index(text, n, &entries, &count, err);
		break;
	case CONFIG:
		r = image_config_parse(text, n, &config, err);
		break;
	}
	manifests_deinit(&m);
	free(entries);
	image_config_deinit(&config);
	return r;
}

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_NULL;

		assert_int_equal(parse(bad[i].document, bad[i].text, &err), -EINVAL);
		if (!strstr(err.message, bad[i].sentence))
			fail_msg("%s: \"%s\" lacks \"%s\"", bad[i].text, err.message,
				 bad[i].sentence);
	}
}

static void times(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
		{ 1700000000000000000, "2023-11-14T22:13:20Z" },
		{ 1700000000120000000, "2023-11-14T22:13:20.12Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[STR_TIME_MAX];

		image_format_time(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(save_manifest),      cmocka_unit_test(image_manifest),
		cmocka_unit_test(index_document),     cmocka_unit_test(config_document),
		cmocka_unit_test(mistakes_are_named), cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
