/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdlib.h>

enum { PIECE_MIN = 64 * 1024, ALIGN = 16 };

/* All pieces stay reachable, the one in use first. */
struct piece {
	struct piece *older;
	size_t left;
	char *at;
};

static struct piece *pieces;

static struct piece *add_piece(size_t n)
{
	size_t size = n > PIECE_MIN ? n : PIECE_MIN;
	struct piece *piece = malloc(sizeof(*piece) + ALIGN + size);

	if (!piece)
		return NULL;
	*piece = (struct piece){ .older = pieces, .left = size, .at = (char *)(piece + 1) };
	piece->at += ALIGN - (size_t)piece->at % ALIGN;
	pieces = piece;
	return piece;
}

void *arena_take(size_t n)
{
	size_t rounded = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct piece *piece = pieces;
	char *taken;

	if (rounded < n)
		return NULL;
	if (!piece || piece->left < rounded)
		piece = add_piece(rounded);
	if (!piece)
		return NULL;
	taken = piece->at;
	piece->at += rounded;
	piece->left -= rounded;
	return taken;
}

void arena_keep(void *p)
{
	(void)p;
}
