/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include <string.h>
#include <sys/mount.h>

#include "base_test.h"
#include "jspan.h"

#define HEAD "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"r\"},"
#define TAIL "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}"

static void errors_name_the_place(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[]", "config.json: document: expected an object" },
		{ "{}", "config.json: ociVersion: is missing" },
		{ "{\"ociVersion\":\"2.0\"}",
		  "config.json: ociVersion: 2.0 is not supported, only 1.x is" },
		{ "{\"ociVersion\":\"1.0.0\"}", "config.json: root.path: is missing" },
		{ HEAD "\"process\":{\"args\":[]}," TAIL,
		  "config.json: process.args: needs at least the program" },
		{ HEAD "\"process\":{\"args\":[1]}," TAIL,
		  "config.json: process.args[0]: expected a string" },
		{ HEAD "\"process\":{\"args\":[\"a\"],\"cwd\":\"x\"}," TAIL,
		  "config.json: process.cwd: \"x\" is not absolute" },
		{ HEAD "\"process\":{\"args\":[\"a\"],\"cwd\":\"/\","
		       "\"capabilities\":{\"bounding\":[\"CAP_X\"]}}," TAIL,
		  "config.json: process.capabilities.bounding[0]: \"CAP_X\" is no known "
		  "capability" },
		{ HEAD "\"mounts\":[{\"destination\":\"/a\"}]," TAIL,
		  "config.json: mounts[0].type: is missing" },
		{ HEAD "\"mounts\":[{\"destination\":\"/a\",\"type\":\"dev.cleat.layers\"}]," TAIL,
		  "config.json: mounts[0]: needs two layers at least" },
		{ HEAD "\"mounts\":[{\"destination\":\"/a\",\"type\":\"dev.cleat.layers\","
		       "\"source\":\"/l\\n/m\",\"options\":[\"x\",\"x-cleat.subpath=y\"]}]," TAIL,
		  "config.json: mounts[0]: takes no option \"x,x-cleat.subpath=y\"" },
		{ HEAD "\"linux\":{\"namespaces\":[{\"type\":\"moon\"}]}}",
		  "config.json: linux.namespaces[0].type: \"moon\" is no known namespace" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;
		struct plan plan;

		assert_true(bundle_parse(&plan, cases[i].text, strlen(cases[i].text), &err) < 0);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void whole_document(void **state)
{
	static const char text[] = HEAD
		"\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",\"rlimits\":[{\"type\":"
		"\"RLIMIT_NOFILE\",\"hard\":18446744073709551615,\"soft\":5}]},"
		"\"mounts\":[{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"/s\","
		"\"options\":[\"rbind\",\"ro\",\"rslave\"]},{\"destination\":\"/t\",\"type\":"
		"\"tmpfs\",\"options\":[\"nosuid\",\"mode=755\",\"size=1m\"]},{\"destination\":"
		"\"/i\",\"type\":\"dev.cleat.layers\",\"source\":\"fd:7\\n/m\",\"options\":"
		"[\"rw\",\"x-cleat.subpath=x,y\"]}],"
		"\"annotations\":{\"dev.cleat.overlay.lower\":\"fd:3\\n/l\",\"dev.cleat.init\":"
		"\"true\",\"dev.cleat.overlay.volatile\":\"true\"}," TAIL;
	struct err err = ERR_NULL;
	struct plan p;

	(void)state;
	assert_int_equal(bundle_parse(&p, text, strlen(text), &err), 0);
	assert_true(p.process.rlimits[0].hard == UINT64_MAX);
	assert_true(p.process.rlimits[0].soft == 5);
	assert_true(p.mounts[0].opt.bind && p.mounts[0].opt.recursive);
	assert_true(p.mounts[0].opt.attr_set == MOUNT_ATTR_RDONLY);
	assert_true(p.mounts[0].opt.propagation == (MS_SLAVE | MS_REC));
	assert_true(p.mounts[1].opt.flags == MS_NOSUID);
	assert_string_equal(p.mounts[1].data, "mode=755,size=1m");
	assert_int_equal(p.mounts[2].layers.n, 2);
	assert_string_equal(p.mounts[2].layers.item[1], "/m");
	assert_true(p.mounts[2].opt.attr_set == MOUNT_ATTR_RDONLY && !p.mounts[2].opt.attr_clr);
	assert_string_equal(p.mounts[2].data, "x-cleat.subpath=x,y");
	assert_int_equal(p.overlay.lower.n, 2);
	assert_string_equal(p.overlay.lower.item[0], "fd:3");
	assert_true(p.init && p.overlay.is_volatile);
	plan_free(&p);
}

static void spans(void **state)
{
	static const struct {
		const char *text, *found; /* NULL = not found */
	} cases[] = {
		{ "{\"linux\":{\"seccomp\":{\"a\":[1,\"}\"]}}}", "{\"a\":[1,\"}\"]}" },
		{ "{\"a\":{\"seccomp\":1},\"linux\": {\"x\":\"\\\"\",\"seccomp\" : [ ] , \"z\":1}}",
		  "[ ]" },
		{ "{\"linux\":{\"seccomp\":12 }}", "12 " },
		{ "{\"seccomp\":{}}", NULL },
		{ "{\"linux\":{\"seccomp\":{}", "{}" },
		{ "{\"linux\":{\"seccomp\":{", NULL },
		{ "{\"linux\":\"", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t start = 0, len = 0, n = strlen(cases[i].text);
		bool found = jspan_find(cases[i].text, n, "linux", "seccomp", &start, &len);

		assert_int_equal(found, cases[i].found && strcmp(cases[i].found, "{}") != 0);
		if (found) {
			assert_int_equal(len, strlen(cases[i].found));
			assert_memory_equal(cases[i].text + start, cases[i].found, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(whole_document),
		cmocka_unit_test(spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
