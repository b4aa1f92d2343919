/* SPDX-License-Identifier: Apache-2.0 */
/* Dockerfiles against the config and the history they make, without anything run. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meta.h"

#define P "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\""

static const struct {
	const char *text, *config, *history; /* of the last instruction */
} good[] = {
	{ "ENV a=1 b=$a c='x y'", "{\"Env\":[" P ",\"a=1\",\"b=\",\"c=x y\"]}",
	  "ENV a=1 b= c=x y" },
	{ "ENV a=1\nENV a=2 b=${a:+set}", "{\"Env\":[" P ",\"a=2\",\"b=set\"]}", "ENV a=2 b=set" },
	{ "ARG A=x\nENV E=$A", "{\"Env\":[" P ",\"E=x\"]}", "ENV E=x" },
	{ "ARG GIVEN=x\nENV E=$GIVEN", "{\"Env\":[" P ",\"E=given\"]}", "ENV E=given" },
	{ "ENV E=$GIVEN", "{\"Env\":[" P ",\"E=\"]}", "ENV E=" },
	{ "ARG HEAD\nENV E=$HEAD", "{\"Env\":[" P ",\"E=head\"]}", "ENV E=head" },
	{ "ARG A=x\nENV A=y\nLABEL l=$A", "{\"Env\":[" P ",\"A=y\"],\"Labels\":{\"l\":\"y\"}}",
	  "LABEL l=y" },
	{ "CMD echo a", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo a\"],\"Env\":[" P "]}", "CMD echo a" },
	{ "SHELL [\"/b\",\"-x\"]\nCMD $A",
	  "{\"Cmd\":[\"/b\",\"-x\",\"$A\"],\"Env\":[" P "],\"Shell\":[\"/b\",\"-x\"]}", "CMD $A" },
	{ "ENTRYPOINT [\"a\",\"b\"]", "{\"Entrypoint\":[\"a\",\"b\"],\"Env\":[" P "]}",
	  "ENTRYPOINT [\"a\" \"b\"]" },
	{ "CMD [\"x\"]\nENTRYPOINT [\"a\"]",
	  "{\"Cmd\":[\"x\"],\"Entrypoint\":[\"a\"],\"Env\":[" P "]}", "ENTRYPOINT [\"a\"]" },
	{ "WORKDIR /a/./b/\nWORKDIR ../c", "{\"Env\":[" P "],\"WorkingDir\":\"/a/c\"}",
	  "WORKDIR ../c" },
	{ "ENV D=x\nWORKDIR $D/../..", "{\"Env\":[" P ",\"D=x\"],\"WorkingDir\":\"/\"}",
	  "WORKDIR x/../.." },
	{ "ENV P='1 2-3/udp'\nEXPOSE $P",
	  "{\"Env\":[" P ",\"P=1 2-3/udp\"],\"ExposedPorts\":{\"1/tcp\":{},\"2/udp\":{},"
	  "\"3/udp\":{}}}",
	  "EXPOSE 1 2-3/udp" },
	{ "VOLUME /a /b", "{\"Env\":[" P "],\"Volumes\":{\"/a\":{},\"/b\":{}}}", "VOLUME /a /b" },
	{ "USER a:b\nSTOPSIGNAL SIGINT",
	  "{\"Env\":[" P "],\"StopSignal\":\"SIGINT\",\"User\":\"a:b\"}", "STOPSIGNAL SIGINT" },
	{ "HEALTHCHECK --interval=2s --retries=3 CMD a b",
	  "{\"Env\":[" P "],\"Healthcheck\":{\"Interval\":2000000000,\"Retries\":3,\"Test\":"
	  "[\"CMD-SHELL\",\"a b\"]}}",
	  "HEALTHCHECK --interval=2s --retries=3 CMD a b" },
	{ "HEALTHCHECK NONE", "{\"Env\":[" P "],\"Healthcheck\":{\"Test\":[\"NONE\"]}}",
	  "HEALTHCHECK NONE" },
	{ "ONBUILD RUN $x", "{\"Env\":[" P "],\"OnBuild\":[\"RUN $x\"]}", "ONBUILD RUN $x" },
};

static const char *const bad[][2] = {
	{ "EXPOSE x", "invalid containerPort: x" },
	{ "EXPOSE 0", "invalid containerPort: 0" },
	{ "EXPOSE 80/foo", "invalid containerPort: 80/foo" },
	{ "EXPOSE 9-8", "invalid containerPort: 9-8" },
	{ "EXPOSE 99999999999", "invalid containerPort: 99999999999" },
	{ "EXPOSE $NO", "EXPOSE requires at least one argument" },
	{ "STOPSIGNAL foo", "invalid signal: foo" },
	{ "WORKDIR $NO", "cannot normalize nothing" },
	{ "VOLUME [\"\"]", "VOLUME specified can not be an empty string" },
	{ "HEALTHCHECK --interval=x CMD a", "invalid duration \"x\" for --interval" },
	{ "HEALTHCHECK --retries=x CMD a", "--retries must be a number, not \"x\"" },
	{ "ENV a=${b:?gone}", "b: gone" },
};

static int apply(const char *text, char **config, struct buf *history, struct err *err)
{
	cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;
	cleanup(scope_deinit) struct scope given = { 0 }, global = { 0 }, builtin = { 0 };
	cleanup(meta_deinit) struct meta meta = {
		.escape = '\\', .given = &given, .global = &global, .builtin = &builtin
	};
	int r = 0;

	assert_int_equal(scope_set(&given, "GIVEN", "given"), 0);
	assert_int_equal(scope_set(&global, "HEAD", "head"), 0);
	assert_int_equal(imagedoc_scratch(&meta.image, "linux", "amd64"), 0);
	assert_int_equal(dockerfile_parse(text, strlen(text), &file, NULL), 0);
	for (size_t i = 0; r == 0 && i < file.n; i++) {
		buf_consume(history, history->len);
		r = meta_apply(&meta, &file.v[i], history, err);
	}
	*config = json_dumps(meta.image.config, JSON_COMPACT | JSON_SORT_KEYS);
	return r;
}

static void applies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup(buf_deinit) struct buf history = BUF_NULL;
		cleanup_free char *config = NULL;
		struct err err = ERR_NULL;

		if (apply(good[i].text, &config, &history, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.message);
		assert_string_equal(config, good[i].config);
		assert_string_equal(history.data, good[i].history);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(buf_deinit) struct buf history = BUF_NULL;
		cleanup_free char *config = NULL;
		struct err err = ERR_NULL;

		assert_int_equal(apply(bad[i][0], &config, &history, &err), -EINVAL);
		assert_string_equal(err.message, bad[i][1]);
	}
}

/* A base's settings stay, what speaks of its making goes, and the text is the same each time. */
static void documents(void **state)
{
	static const char base[] =
		"{\"os\":\"linux\",\"architecture\":\"arm64\",\"container\":\"x\",\"variant\":"
		"\"v8\","
		"\"config\":{\"Image\":\"y\",\"Cmd\":[\"sh\"],\"Own\":1},\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[\"sha256:1\"]}}";
	static const char want[] =
		"{\"architecture\":\"arm64\",\"config\":{\"Cmd\":[\"sh\"],\"Own\":1},\"created\":"
		"\"1970-01-01T00:00:07Z\",\"history\":[{\"comment\":\"cleat.step sha256:ab\","
		"\"created\":\"1970-01-01T00:00:05Z\","
		"\"created_by\":\"RUN "
		"x\"},{\"created\":\"1970-01-01T00:00:07Z\",\"created_by\":"
		"\"CMD y\",\"empty_layer\":true}],\"os\":\"linux\",\"rootfs\":{\"diff_ids\":["
		"\"sha256:1\",\"sha256:2\"],\"type\":\"layers\"},\"variant\":\"v8\"}";
	cleanup(imagedoc_deinit) struct imagedoc doc = IMAGEDOC_NULL, copy = IMAGEDOC_NULL;
	cleanup(strings_deinit) struct strings layers = { 0 };
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	(void)state;
	assert_int_equal(imagedoc_base(&doc, "[]", 2), -EINVAL);
	assert_int_equal(imagedoc_base(&doc, base, strlen(base)), 0);
	assert_int_equal(imagedoc_add_history(&doc, "RUN x", 5000000000, "sha256:2", "ab"), 0);
	assert_int_equal(imagedoc_add_history(&doc, "CMD y", 0, NULL, NULL), 0);
	assert_int_equal(imagedoc_copy(&copy, &doc), 0);
	assert_int_equal(imagedoc_set_env(&doc, "a", "b"), 0);
	assert_null(imagedoc_env(&copy, "a"));
	assert_int_equal(imagedoc_layers(&copy, &layers), 0);
	assert_int_equal(layers.n, 2);
	assert_int_equal(imagedoc_write(&copy, 7000000000, false, &text), 0);
	assert_string_equal(text.data, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(applies), cmocka_unit_test(refuses),
					    cmocka_unit_test(documents) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
