/* SPDX-License-Identifier: Apache-2.0 */
/* How much has been taken of the streams of input that have a key, for as long as their clients may come again: those
 * in use, and some that were last. */
#include <stdlib.h>
#include <string.h>

#include "shim.h"

enum { UNUSED_MAX = 32 };

/* The list is in the order of last use. */
static void forget_oldest(struct io *io)
{
	struct counted *counted, *oldest = NULL;
	unsigned unused = 0;

	list_each (counted, &io->counted, link) {
		if (counted->session)
			continue;
		unused++;
		oldest = oldest ? oldest : counted;
	}
	if (unused <= UNUSED_MAX)
		return;
	list_remove(&oldest->link);
	free(oldest);
}

static struct counted *find(const struct io *io, const char *key)
{
	struct counted *counted;

	list_each (counted, &io->counted, link)
		if (strcmp(counted->key, key) == 0)
			return counted;
	return NULL;
}

struct counted *counted_get(struct io *io, const Cleat__Shim__V1__CountedInput *input)
{
	size_t len = strlen(input->key);
	struct counted *counted = find(io, input->key);

	if (!counted) {
		if (len == 0 || len >= sizeof(counted->key))
			return NULL;
		counted = calloc(1, sizeof(*counted));
		if (!counted)
			return NULL;
		memcpy(counted->key, input->key, len);
		counted->taken = input->from;
		list_append(&io->counted, &counted->link);
		forget_oldest(io);
	}
	list_remove(&counted->link);
	list_append(&io->counted, &counted->link);
	return counted;
}

void counted_forget_all(struct io *io)
{
	struct counted *counted;

	while ((counted = list_first(&io->counted, struct counted, link))) {
		list_remove(&counted->link);
		free(counted);
	}
}
