/* SPDX-License-Identifier: Apache-2.0 */
/* Who repeats a request because its engine died before it answered is answered and not obeyed: the keys
 * of what was done last are kept, in the published status too, so that a successor of this shim and an
 * engine that finds the container at rest know them. */
#include <stdio.h>
#include <string.h>

#include "shim.h"

bool done_has(const struct shim *shim, const char *key)
{
	for (size_t i = 0; key[0] && i < ARRAY_LEN(shim->done); i++)
		if (strcmp(shim->done[i], key) == 0)
			return true;
	return false;
}

void done_add(struct shim *shim, const char *key)
{
	char *slot = shim->done[shim->n_done % ARRAY_LEN(shim->done)];

	if (!key[0] || strlen(key) >= SHIM_KEY_MAX || done_has(shim, key))
		return;
	(void)snprintf(slot, SHIM_KEY_MAX, "%s", key);
	shim->n_done++;
}

void done_publish(struct shim *shim)
{
	size_t n = 0;

	/* the oldest first: a successor takes them in this order */
	for (size_t i = 0; i < ARRAY_LEN(shim->done); i++) {
		char *key = shim->done[(shim->n_done + i) % ARRAY_LEN(shim->done)];

		if (key[0])
			shim->done_words[n++] = key;
	}
	shim->status.done_keys = shim->done_words;
	shim->status.n_done_keys = n;
}
