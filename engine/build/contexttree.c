/* SPDX-License-Identifier: Apache-2.0 */
#include "contexttree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "listtree.h"
#include "str.h"
#include "work.h"

void contexttree_deinit(struct contexttree *t)
{
	strings_deinit(&t->files);
	pthread_mutex_destroy(&t->mutex);
}

static bool has(const struct contexttree *t, const char *number)
{
	for (size_t i = 0; i < t->files.n; i++)
		if (strcmp(t->files.v[i], number) == 0)
			return true;
	return false;
}

static int make(struct build *b, uint32_t file, const char *number, struct err *err)
{
	const struct copy_rules as_is = { .uid = -1, .gid = -1, .cancel_fds = b->cancel_fds };
	cleanup_free char *to = str_printf("tree-%s", number);
	int r = to ? listtree_need(b, file, &as_is, err) : err_sys(err, ENOMEM, "build context");

	r = r ? r : listtree_copy(b->options->contents, file, b->lease.fd, to, &as_is, err);
	return r == 0 && strings_append(&b->trees.files, number) < 0
		       ? err_sys(err, ENOMEM, "build context")
		       : r;
}

int contexttree_path(struct build *b, uint32_t file, char **path, struct err *err)
{
	struct contexttree *t = &b->trees;
	char number[16];
	int r = 0;

	(void)snprintf(number, sizeof(number), "%u", file);
	pthread_mutex_lock(&t->mutex);
	if (!has(t, number))
		r = make(b, file, number, err);
	pthread_mutex_unlock(&t->mutex);
	if (r < 0)
		return r;
	*path = str_printf("%s/%s/tree-%s", b->engine->state_dir, b->lease.path, number);
	return *path ? 0 : err_sys(err, ENOMEM, "build context");
}
