/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "runmounts.h"
#include "str.h"

static const struct {
	const char *text;
	struct runmount mount;
} good[] = {
	{ "target=/x", { .type = RUNMOUNT_BIND, .target = "/x", .read_only = true, .mode = 0600 } },
	{ "type=bind,from=a,source=/s,target=/x,rw",
	  { .type = RUNMOUNT_BIND, .target = "/x", .source = "/s", .from = "a", .mode = 0600 } },
	{ "type=cache,id=c,dst=/x,sharing=locked,mode=0700,uid=5",
	  { .type = RUNMOUNT_CACHE,
	    .target = "/x",
	    .id = "c",
	    .sharing = SHARING_LOCKED,
	    .mode = 0700,
	    .uid = 5 } },
	{ "type=tmpfs,target=/x,size=1m",
	  { .type = RUNMOUNT_TMPFS, .target = "/x", .size_bytes = 1 << 20, .mode = 0600 } },
	{ "type=secret,id=k",
	  { .type = RUNMOUNT_SECRET, .target = "/run/secrets/k", .id = "k", .mode = 0400 } },
	{ "type=secret,target=/a/k,required",
	  { .type = RUNMOUNT_SECRET,
	    .target = "/a/k",
	    .id = "k",
	    .mode = 0400,
	    .required = true } },
	{ "type=secret,id=k,env=K",
	  { .type = RUNMOUNT_SECRET, .id = "k", .env = "K", .mode = 0400 } },
};

static const char *const bad[][2] = {
	{ "type=nfs,target=/x", "unsupported mount type \"nfs\"" },
	{ "type=cache", "mount target is required for type cache" },
	{ "target=/x,foo=1", "unexpected key 'foo' in 'foo=1'" },
	{ "type=tmpfs,target=/x,from=a", "unexpected key 'from' for mount type 'tmpfs'" },
	{ "type=cache,target=/x,sharing=all", "invalid value for sharing: all" },
	{ "type=cache,target=/x,mode=9", "invalid value for mode: 9" },
	{ "type=cache,target", "invalid field 'target' must be a key=value pair" },
	{ "type=secret", "secret mount without id" },
};

static void parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup(runmount_deinit) struct runmount m = { 0 };
		const struct runmount *want = &good[i].mount;

		assert_int_equal(runmount_parse(good[i].text, &m, NULL), 0);
		assert_int_equal(m.type, want->type);
		assert_true(str_equal(m.target, want->target) && str_equal(m.source, want->source));
		assert_true(str_equal(m.from, want->from) && str_equal(m.id, want->id));
		assert_true(str_equal(m.env, want->env) && m.required == want->required);
		assert_true(m.read_only == want->read_only && m.sharing == want->sharing);
		assert_int_equal(m.size_bytes, want->size_bytes);
		assert_int_equal(m.mode, want->mode);
		assert_int_equal(m.uid, want->uid);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct runmount m;
		struct err err = ERR_NULL;

		assert_int_equal(runmount_parse(bad[i][0], &m, &err), -EINVAL);
		assert_string_equal(err.message, bad[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parses), cmocka_unit_test(refuses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
