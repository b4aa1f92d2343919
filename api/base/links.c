/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table with open places; never more than half full. */
#include "pack.h"

#include <string.h>

enum { FIRST_CAP = 256 };

static struct link *place_of(const struct links *l, dev_t dev, ino_t ino)
{
	size_t i = (size_t)((ino + dev) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (l->cap - 1);

	while (l->v[i].path && (l->v[i].ino != ino || l->v[i].dev != dev))
		i = (i + 1) & (l->cap - 1);
	return &l->v[i];
}

static bool grow(struct links *l)
{
	struct links bigger = { .cap = l->cap ? l->cap * 2 : FIRST_CAP, .n = l->n };

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return false;
	for (size_t i = 0; i < l->cap; i++)
		if (l->v[i].path)
			*place_of(&bigger, l->v[i].dev, l->v[i].ino) = l->v[i];
	free(l->v);
	*l = bigger;
	return true;
}

const char *links_first(struct links *l, const struct stat *st, const char *path)
{
	if (l->n * 2 >= l->cap && !grow(l))
		return NULL;
	struct link *at = place_of(l, st->st_dev, st->st_ino);

	if (at->path)
		return at->path;
	*at = (struct link){ st->st_dev, st->st_ino, strdup(path) };
	l->n += at->path != NULL;
	return at->path ? path : NULL;
}

void links_deinit(struct links *l)
{
	for (size_t i = 0; i < l->cap; i++)
		free(l->v[i].path);
	free(l->v);
	*l = (struct links){ 0 };
}
