/* SPDX-License-Identifier: Apache-2.0 */
#include "volumecheck.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

struct fixture {
	Cleat__V1__CreateVolumeRequest request;
	Cleat__V1__CreateVolumeRequest__OptionsEntry entries[4], *list[4];
};

/* Options as key, value, ... NULL. */
static Cleat__V1__CreateVolumeRequest *make(struct fixture *f, const char *name,
					    const char *const *options)
{
	cleat__v1__create_volume_request__init(&f->request);
	f->request.name = TEXT(name);
	f->request.options = f->list;
	for (size_t i = 0; options[i]; i += 2) {
		Cleat__V1__CreateVolumeRequest__OptionsEntry *e = &f->entries[i / 2];

		cleat__v1__create_volume_request__options_entry__init(e);
		e->key = TEXT(options[i]);
		e->value = TEXT(options[i + 1]);
		f->list[f->request.n_options++] = e;
	}
	return &f->request;
}

static void names_and_options_are_checked(void **state)
{
	static const struct {
		const char *name, *options[7];
		int r;
	} cases[] = {
		{ "", { NULL }, 0 },
		{ "data", { NULL }, 0 },
		{ "a.b_c-1", { NULL }, 0 },
		{ "d", { NULL }, -EINVAL },
		{ "../x", { NULL }, -EINVAL },
		{ ".lock", { NULL }, -EINVAL },
		{ "a/b", { NULL }, -EINVAL },
		{ "data", { "type", "tmpfs", "device", "tmpfs", "o", "size=1m" }, 0 },
		{ "data", { "type", "tmpfs" }, -EINVAL },
		{ "data", { "o", "bind" }, -EINVAL },
		{ "data", { "device", "/x" }, -EINVAL },
		{ "data", { "kind", "x" }, -EINVAL },
		{ "data", { "size", "10m" }, 0 },
		{ "data", { "size", "ten" }, -EINVAL },
		{ "data", { "size", "10m", "o", "bind" }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct err err = ERR_NULL;
		int r = volumecheck(make(&f, cases[i].name, cases[i].options), &err);

		if (cases[i].r == -EOPNOTSUPP)
			assert_int_equal(err.code, ERR_UNIMPLEMENTED);
		else
			assert_int_equal(r, cases[i].r);
	}
}

static void another_driver_is_not_found(void **state)
{
	static const char *const none[] = { NULL };
	struct fixture f;
	struct err err = ERR_NULL;

	(void)state;
	make(&f, "data", none)->driver = TEXT("nfs");
	assert_int_equal(volumecheck(&f.request, &err), -ENOENT);
}

static void without_options_any_volume_is_meant(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const tmpfs[] = { "type", "tmpfs", "device", "tmpfs", NULL };
	static const char *const other[] = { "type", "ext4", "device", "tmpfs", NULL };
	struct fixture a, b;

	(void)state;
	assert_true(volumecheck_same(make(&a, "x", tmpfs), make(&b, "x", none)));
	assert_true(volumecheck_same(make(&a, "x", tmpfs), make(&b, "x", tmpfs)));
	assert_false(volumecheck_same(make(&a, "x", none), make(&b, "x", tmpfs)));
	assert_false(volumecheck_same(make(&a, "x", other), make(&b, "x", tmpfs)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_options_are_checked),
		cmocka_unit_test(another_driver_is_not_found),
		cmocka_unit_test(without_options_any_volume_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
