/* SPDX-License-Identifier: Apache-2.0 */
#include "gunzip.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>

enum { MAGIC = 0x1f };

struct gunzip {
	struct inflate_state state;
	bool between; /* two members, or before the first */
	bool first;   /* none has ended yet */
	bool ended;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = malloc(sizeof(*g));

	if (!g)
		return NULL;
	isal_inflate_init(&g->state);
	g->between = g->first = true;
	g->ended = false;
	return g;
}

struct gunzip *gunzip_free(struct gunzip *g)
{
	free(g);
	return NULL;
}

bool gunzip_complete(const struct gunzip *g)
{
	return g->between && !g->first;
}

bool gunzip_ended(const struct gunzip *g)
{
	return g->ended;
}

static int begin_member(struct gunzip *g, unsigned char first_byte)
{
	if (first_byte != MAGIC) {
		g->ended = true;
		return g->first ? -EBADMSG : 0;
	}
	isal_inflate_reset(&g->state);
	g->state.crc_flag = ISAL_GZIP;
	g->between = false;
	return 0;
}

/* One call of the library. */
static int step(struct gunzip *g, const unsigned char **in, size_t *n_in, unsigned char **out,
		size_t *n_out)
{
	struct inflate_state *s = &g->state;
	uint32_t give = *n_in < INT_MAX ? (uint32_t)*n_in : INT_MAX;
	uint32_t room = *n_out < INT_MAX ? (uint32_t)*n_out : INT_MAX;

	s->next_in = (unsigned char *)(uintptr_t)*in;
	s->avail_in = give;
	s->next_out = *out;
	s->avail_out = room;
	if (isal_inflate(s) != ISAL_DECOMP_OK)
		return -EBADMSG;
	*n_in -= give - s->avail_in;
	*n_out -= room - s->avail_out;
	*in = s->next_in;
	*out = s->next_out;
	if (s->block_state == ISAL_BLOCK_FINISH) {
		g->between = true;
		g->first = false;
	}
	return 0;
}

int gunzip(struct gunzip *g, const void **in, size_t *n_in, void *out, size_t *n_out)
{
	const unsigned char *from = *in;
	unsigned char *to = out;
	size_t left = *n_out, before;
	int r = 0;

	do {
		before = *n_in + left;
		if (g->between && *n_in)
			r = begin_member(g, *from);
		if (r == 0 && !g->between)
			r = step(g, &from, n_in, &to, &left);
	} while (r == 0 && left && !g->ended && *n_in + left != before);
	*in = from;
	*n_out -= left;
	return r;
}
