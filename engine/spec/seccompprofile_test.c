/* SPDX-License-Identifier: Apache-2.0 */
#include "seccompprofile.h"

#include <linux/capability.h>
#include <string.h>

#include "base_test.h"

static const struct seccomp_host host = { .caps = UINT64_C(1) << CAP_SYS_PTRACE,
					  .kernel = 6,
					  .minor = 1 };

static json_t *convert(const char *text)
{
	json_t *out = NULL;

	assert_int_equal(seccomp_profile(text, &host, &out, NULL), 0);
	return out;
}

/* The names of all rules, one after the other. */
static void names(json_t *profile, char out[256])
{
	json_t *rule, *name;
	size_t i, k;

	out[0] = '\0';
	json_array_foreach(json_object_get(profile, "syscalls"), i, rule)
		json_array_foreach(json_object_get(rule, "names"), k, name)
	{
		strcat(out, json_string_value(name));
		strcat(out, " ");
	}
}

#define RULE(name, more) "{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_ALLOW\"" more "}"

static void rules_for_others_are_left_out(void **state)
{
	char all[256];
	json_t *p = convert(
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
		"\"syscalls\":[" RULE("read", ",\"comment\":\"x\",\"args\":[]") "," RULE(
			"kcmp",
			",\"includes\":{\"caps\":["
			"\"CAP_SYS_PTRACE\"]}") "," RULE("bpf",
							 ",\"includes\":{"
							 "\"caps\":[\"CAP_BPF\"]"
							 "}") "," RULE("clone",
								       ",\"exclu"
								       "des\":{"
								       "\"caps\""
								       ":[\"CAP_"
								       "SYS_"
								       "PTRACE\""
								       "]}") "," RULE("mount",
										      ",\"excludes"
										      "\":{"
										      "\"caps\":["
										      "\"CAP_SYS_"
										      "ADMIN\"]}") "," RULE("new",
													    ",\"includes\":{\"minKernel\":\"6.2\"}") "," RULE("old",
																			      ",\"includes\":{\"minKernel\":\"4.8\"}") "," RULE("s390",
																										",\"includes\":{\"arches\":[\"s390x\"]}") ","
																															  "{\"name\":\"write\",\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}]}");

	(void)state;
	names(p, all);
	assert_string_equal(all, "read kcmp mount old write ");
	assert_int_equal(json_integer_value(json_object_get(p, "defaultErrnoRet")), 1);
	assert_null(json_object_get(json_array_get(json_object_get(p, "syscalls"), 0), "args"));
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(p, "syscalls"), 4), "errnoRet")),
			 38);
	json_decref(p);
}

static void architectures(void **state)
{
	json_t *p = convert("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_"
			    "X86\"]}");

	(void)state;
	assert_int_equal(json_array_size(json_object_get(p, "architectures")), 1);
	json_decref(p);
	p = convert(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_"
		"X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]},{"
		"\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_ARM\"]}"
		"]}");
	assert_true(json_array_size(json_object_get(p, "architectures")) >= 2);
	json_decref(p);
}

static void bad_profiles(void **state)
{
#define ALLOW "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":"
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"defaultAction\":1}",
		ALLOW "5}",
		ALLOW "[5]}",
		ALLOW "[{\"action\":\"x\"}]}",
		ALLOW "[{\"names\":[\"read\"]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;
		json_t *out = NULL;

		assert_true(seccomp_profile(cases[i], &host, &out, &err) < 0);
		assert_non_null(strstr(err.message, "seccomp profile"));
		assert_null(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_for_others_are_left_out),
		cmocka_unit_test(architectures),
		cmocka_unit_test(bad_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
