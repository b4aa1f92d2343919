/* SPDX-License-Identifier: Apache-2.0 */
#include "passwd.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# a comment\n"
			     "bad:x:-1:5::/:\n"
			     "web:x:1000:1001::/home/web:/bin/sh\n"
			     "short:x:7\n"
			     "last:x:7:8::/last";
static const char group[] = "root:x:0:\nweb:x:1001:\nextra:x:2000:other,web\nwide:x:2001:webs\n"
			    "adm:x:4:web";

static const struct passwd_files files = { passwd, group, sizeof(passwd) - 1, sizeof(group) - 1 };

static const struct {
	const char *spec;
	int r;
	uint32_t uid, gid;
	size_t n_groups;
	uint32_t last_group;
	const char *home;
} cases[] = {
	{ "", 0, 0, 0, 1, 0, "/root" },
	{ "root", 0, 0, 0, 1, 0, "/root" },
	{ "web", 0, 1000, 1001, 3, 4, "/home/web" },
	{ "1000", 0, 1000, 1001, 3, 4, "/home/web" },
	{ "web:extra", 0, 1000, 2000, 1, 2000, "/home/web" },
	{ "1000:77", 0, 1000, 77, 1, 77, "/home/web" },
	{ "5555", 0, 5555, 0, 1, 0, "" },
	{ "5555:6", 0, 5555, 6, 1, 6, "" },
	{ "web:", 0, 1000, 1001, 3, 4, "/home/web" },
	{ ":extra", 0, 0, 2000, 1, 2000, "/root" },
	{ "last", 0, 7, 8, 1, 8, "/last" },
	{ "bad", -EINVAL, 0, 0, 0, 0, NULL },
	{ "nobody", -EINVAL, 0, 0, 0, 0, NULL },
	{ "web:nogroup", -EINVAL, 0, 0, 0, 0, NULL },
	{ "4294967296", -EINVAL, 0, 0, 0, 0, NULL },
	{ "-1", -EINVAL, 0, 0, 0, 0, NULL },
};

static void users_are_found_as_dockers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct passwd_user user;
		struct err err = ERR_NULL;
		int r = passwd_resolve(&files, cases[i].spec, NULL, 0, &user, &err);

		print_message("%s\n", cases[i].spec);
		assert_int_equal(r, cases[i].r);
		if (r < 0)
			continue;
		assert_int_equal(user.uid, cases[i].uid);
		assert_int_equal(user.gid, cases[i].gid);
		assert_int_equal(user.n_groups, cases[i].n_groups);
		assert_int_equal(user.groups[user.n_groups - 1], cases[i].last_group);
		assert_string_equal(user.home, cases[i].home);
	}
}

static void groups_are_added_by_name_and_number(void **state)
{
	char *extra[] = { (char *)"extra", (char *)"99", (char *)"99" };
	char *unknown[] = { (char *)"none" };
	struct passwd_user user;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(passwd_resolve(&files, "root", extra, 3, &user, &err), 0);
	assert_int_equal(user.n_groups, 3);
	assert_int_equal(user.groups[1], 2000);
	assert_int_equal(user.groups[2], 99);
	assert_int_equal(passwd_resolve(&files, "root", unknown, 1, &user, &err), -EINVAL);
	assert_string_equal(err.message,
			    "unable to find group none: no matching entries in group file");
}

static void an_image_without_files_has_numbers(void **state)
{
	static const struct passwd_files none = { 0 };
	struct passwd_user user;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(passwd_resolve(&none, "12:13", NULL, 0, &user, &err), 0);
	assert_int_equal(user.uid, 12);
	assert_int_equal(user.gid, 13);
	assert_int_equal(passwd_resolve(&none, "", NULL, 0, &user, &err), 0);
	assert_int_equal(user.uid, 0);
	assert_int_equal(passwd_resolve(&none, "web", NULL, 0, &user, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_found_as_dockers),
		cmocka_unit_test(groups_are_added_by_name_and_number),
		cmocka_unit_test(an_image_without_files_has_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
