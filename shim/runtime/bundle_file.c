/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json. The filter's profile is looked up by its bytes before anything is parsed; on a
 * hit the text is cut out of the document, so that neither jansson nor libseccomp ever sees it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "container.h"
#include "fd.h"
#include "jspan.h"
#include "str.h"

void bundle_unload(struct bundle *b)
{
	plan_free(&b->plan);
	filter_free(&b->filter);
}

/* Replaces the span by "null". */
static void cut(struct buf *text, size_t start, size_t len)
{
	memcpy(text->data + start, "null", 4);
	memmove(text->data + start + 4, text->data + start + len, text->len - start - len + 1);
	text->len -= len - 4;
}

static int parse_with_filter(struct bundle *b, struct buf *text, const char *cache, struct err *err)
{
	struct jval profile = { .key = "linux.seccomp" };
	struct jval doc = { 0 };
	size_t start, len;
	bool found = jspan_find(text->data, text->len, "linux", "seccomp", &start, &len) && len > 4;
	int r;

	if (found && !filter_cache_get(cache, text->data + start, len, &b->filter)) {
		cut(text, start, len);
		return bundle_parse(&b->plan, text->data, text->len, err);
	}
	r = bundle_parse(&b->plan, text->data, text->len, err);
	if (r || !b->plan.seccomp)
		return r;
	profile.up = &doc;
	profile.v = (json_t *)(uintptr_t)b->plan.seccomp;
	r = filter_compile(&profile, &b->filter, err);
	if (r)
		return err_wrap(err, r, "config.json");
	if (found)
		filter_cache_put(cache, text->data + start, len, &b->filter);
	return 0;
}

int bundle_load(struct bundle *b, const char *dir, const struct options *o, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char cache[PATH_MAX];
	int r;

	memset(b, 0, sizeof(*b));
	cleanup_fd int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_sys(err, errno, "open bundle %s", dir);
	if (dir[0] == '/')
		(void)snprintf(b->dir, sizeof(b->dir), "%s", dir);
	else if (!realpath(dir, b->dir))
		return err_sys(err, errno, "resolve bundle %s", dir);
	r = fd_read_file(at, "config.json", BUNDLE_SIZE_MAX, &text);
	if (r)
		return err_sys(err, r, "read %s/config.json", dir);
	if (o->seccomp_cache)
		(void)snprintf(cache, sizeof(cache), "%s", o->seccomp_cache);
	else
		(void)snprintf(cache, sizeof(cache), "%s/.seccomp", o->root);
	r = parse_with_filter(b, &text, cache, err);
	if (r)
		bundle_unload(b);
	return r;
}
