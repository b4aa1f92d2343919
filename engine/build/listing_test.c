/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base_test.h"
#include "fd.h"

typedef Cleat__V1__BuildRequest__ContextFile message;

static uint8_t no_digest[SHA256_BYTES];

static message make(uint32_t mode, const char *path, const char *target)
{
	message m = CLEAT__V1__BUILD_REQUEST__CONTEXT_FILE__INIT;

	m.mode = mode;
	m.path = (ProtobufCBinaryData){ strlen(path), (uint8_t *)(uintptr_t)path };
	m.target =
		(ProtobufCBinaryData){ target ? strlen(target) : 0, (uint8_t *)(uintptr_t)target };
	if (S_ISREG(mode))
		m.sha256 = (ProtobufCBinaryData){ sizeof(no_digest), no_digest };
	return m;
}

static struct listing *new_listing(void)
{
	cleanup_fd int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct listing *l = NULL;

	assert_int_equal(listing_new(&l, tmp, NULL), 0);
	return l;
}

/* "d" a directory, "l>x" a link, else a file; names after each other. */
static int add(struct listing *l, const char *text)
{
	char path[64];
	const char *arrow = strchr(text, '>');
	size_t n = arrow ? (size_t)(arrow - text) : strlen(text);
	bool dir = !arrow && text[n - 1] == ':';

	(void)snprintf(path, sizeof(path), "%.*s", (int)(n - dir), text);
	const message m = make(dir     ? S_IFDIR | 0755
			       : arrow ? S_IFLNK | 0777
				       : S_IFREG | 0644,
			       path, arrow ? arrow + 1 : NULL);

	return listing_add(l, &m, NULL);
}

static struct listing *tree(void)
{
	static const char *const files[] = { "a:",           "a/b:",          "a/b/c",
					     "a/b/up>../..", "a/z",           "a!",
					     "abs>/a/b/c",   "dangling>gone", "loop>loop",
					     "to-a>./a/b/.." };
	struct listing *l = new_listing();

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(add(l, files[i]), 0);
	assert_int_equal(listing_end(l, NULL), 0);
	return l;
}

static void ways(void **state)
{
	static const struct {
		const char *path;
		bool follow;
		const char *found; /* NULL = error */
		int error;
	} cases[] = {
		{ "", true, "", 0 },
		{ "a", true, "a", 0 },
		{ "a/b/c", true, "a/b/c", 0 },
		{ "/a//b/./c", true, "a/b/c", 0 },
		{ "../../a/b/../z", true, "a/z", 0 },
		{ "a!", true, "a!", 0 },
		{ "abs", true, "a/b/c", 0 },
		{ "abs", false, "abs", 0 },
		{ "to-a/z", false, "a/z", 0 },
		{ "to-a", true, "a", 0 },
		{ "a/b/up/a/z", true, "a/z", 0 },
		{ "a/b/up", true, "", 0 },
		{ "nothing", true, NULL, -ENOENT },
		{ "a/b/c/d", true, NULL, -ENOTDIR },
		{ "dangling", true, NULL, -ENOENT },
		{ "dangling", false, "dangling", 0 },
		{ "loop", true, NULL, -ELOOP },
		{ "loop/x", false, NULL, -ELOOP },
	};
	cleanup(listing_freep) struct listing *l = tree();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t file = listing_resolve(l, cases[i].path, cases[i].follow);
		struct listing_file f;

		if (!cases[i].found) {
			assert_int_equal(file, cases[i].error);
			continue;
		}
		assert_true(file >= 0);
		listing_get(l, (uint32_t)file, &f);
		assert_string_equal(f.path, cases[i].found);
	}
}

static void ranges(void **state)
{
	cleanup(listing_freep) struct listing *l = tree();
	uint32_t b = (uint32_t)listing_resolve(l, "a/b", true);
	struct listing_file f;

	(void)state;
	assert_int_equal(listing_next(l, LISTING_ROOT), 11);
	listing_get(l, listing_next(l, 1), &f);
	assert_string_equal(f.path, "a!");
	listing_get(l, listing_next(l, b), &f);
	assert_string_equal(f.path, "a/z");
	listing_get(l, b + 1, &f);
	assert_string_equal(f.name, "c");
	assert_int_equal(f.mode, S_IFREG | 0644);
	assert_int_equal(listing_next(l, b + 1), b + 2);
}

/* What no client of good will sends: the last one of each is refused. */
static void refused(void **state)
{
	static const char *const cases[][3] = {
		{ ".." },         { "../x" },       { "/x" },        { "a:", "a/../b" },
		{ "./a" },        { "a:", "a//b" }, { "a:", "a/." }, { "b", "a" },
		{ "a", "a" },     { "a", "a/b" },   { "a/b" },       { "a:", "b", "a/c" },
		{ "a:", "ab/c" }, { "l>.", "l/x" }, { "l>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(listing_freep) struct listing *l = new_listing();
		size_t n = 0;

		while (n < 3 && cases[i][n])
			n++;
		for (size_t k = 0; k < n; k++)
			assert_int_equal(add(l, cases[i][k]), k + 1 < n ? 0 : -EINVAL);
	}
}

static void refused_messages(void **state)
{
	cleanup(listing_freep) struct listing *l = new_listing();
	char name[LISTING_NAME_MAX + 2], deep[2 * LISTING_DEPTH_MAX + 4];
	message device = make(S_IFCHR | 0600, "dev", NULL), none = make(0644, "x", NULL),
		lies = make(S_IFREG | 0644, "x", NULL), zero = make(S_IFREG | 0644, "abc", NULL);

	(void)state;
	lies.sha256.len = 31;
	zero.path.data = (uint8_t *)"a\0c";
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	message is_long = make(S_IFREG | 0644, name, NULL);

	const message *const all[] = { &device, &none, &lies, &zero, &is_long };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(listing_add(l, all[i], NULL), -EINVAL);
	for (size_t i = 0; i <= LISTING_DEPTH_MAX; i++) {
		memcpy(deep + 2 * i, "d", 2);
		const message m = make(S_IFDIR | 0755, deep, NULL);

		assert_int_equal(listing_add(l, &m, NULL), i < LISTING_DEPTH_MAX ? 0 : -EINVAL);
		memcpy(deep + 2 * i + 1, "/", 2);
	}
	assert_int_equal(listing_end(l, NULL), 0);
	assert_int_equal(listing_end(l, NULL), -EINVAL);
	assert_int_equal(add(l, "z"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways),
		cmocka_unit_test(ranges),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
