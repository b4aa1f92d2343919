/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include "base_test.h"

#define DIFF "sha256:0000000000000000000000000000000000000000000000000000000000000001"

static char *made(const struct child *child)
{
	struct buf out = BUF_NULL;

	assert_int_equal(child_config(child, &out, NULL), 0);
	return buf_steal(&out);
}

static void from_nothing(void **state)
{
	const struct child c = { .diff_id = DIFF,
				 .author = "",
				 .comment = "made",
				 .created_by = "",
				 .created_ns = 1000000000,
				 .architecture = "arm64" };
	cleanup_free char *text = made(&c);

	(void)state;
	assert_string_equal(
		text, "{\"architecture\":\"arm64\",\"comment\":\"made\",\"created\":"
		      "\"1970-01-01T00:00:01Z\",\"history\":[{\"comment\":\"made\",\"created\":"
		      "\"1970-01-01T00:00:01Z\"}],\"os\":\"linux\",\"rootfs\":{\"diff_ids\":["
		      "\"" DIFF "\"],\"type\":\"layers\"}}");
}

/* What cleat does not know of the parent stays; what told of its making goes. */
static void from_parent(void **state)
{
	static const char parent[] =
		"{\"architecture\":\"s390x\",\"os\":\"linux\",\"variant\":\"z\",\"x.new\":[1],"
		"\"container\":\"c\",\"comment\":\"old\",\"author\":\"me\","
		"\"config\":{\"Shell\":[\"sh\"],\"X\":1},\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[\"" DIFF "\"]},\"history\":[{\"created_by\":\"a\"}]}";
	const struct child c = { .parent = parent, .parent_len = strlen(parent) };
	cleanup_free char *text = made(&c);

	(void)state;
	assert_string_equal(
		text,
		"{\"architecture\":\"s390x\",\"author\":\"me\",\"config\":{\"Shell\":[\"sh\"],"
		"\"X\":1},"
		"\"created\":\"1970-01-01T00:00:00Z\",\"history\":[{\"created_by\":\"a\"},"
		"{\"created\":\"1970-01-01T00:00:00Z\",\"empty_layer\":true}],\"os\":\"linux\","
		"\"rootfs\":{\"diff_ids\":[\"" DIFF "\"],\"type\":\"layers\"},\"variant\":\"z\","
		"\"x.new\":[1]}");
}

static void refused(void **state)
{
	const struct child broken = { .parent = "[1]", .parent_len = 3 };
	const struct child latin = { .comment = "\xe4" };
	struct buf out = BUF_NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(child_config(&broken, &out, &err), -EINVAL);
	assert_int_equal(child_config(&latin, &out, &err), -EINVAL);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing),
		cmocka_unit_test(from_parent),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
