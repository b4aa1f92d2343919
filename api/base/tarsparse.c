/* SPDX-License-Identifier: Apache-2.0 */
#include "tarsparse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "tarfield.h"

enum { ROW = 24, ROW_FIELD = 12, BLOCK_BITS = 9 };

static int grow(struct tarsparse *s)
{
	size_t cap = s->cap ? s->cap * 2 : 16;
	struct tar_piece *grown;

	if (s->n == TARSPARSE_PIECES_MAX)
		return -E2BIG;
	if (s->n < s->cap)
		return 0;
	grown = realloc(s->v, cap * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->v = grown;
	s->cap = cap;
	return 0;
}

int tarsparse_add(struct tarsparse *s, int64_t number)
{
	int r = number < 0 ? -EINVAL : s->half ? 0 : grow(s);

	if (r < 0)
		return r;
	if (s->half)
		s->v[s->n - 1].len = (uint64_t)number;
	else
		s->v[s->n++] = (struct tar_piece){ .at = (uint64_t)number };
	s->half = !s->half;
	return 0;
}

int tarsparse_list(struct tarsparse *s, const char *text)
{
	int r = *text ? 0 : -EINVAL;

	while (r == 0 && *text) {
		size_t n = strcspn(text, ",");
		char digits[24] = "";
		int64_t number = 0;

		if (n >= sizeof(digits) || (text[n] && !text[n + 1]))
			return -EINVAL;
		memcpy(digits, text, n);
		r = str_int_in(digits, 0, INT64_MAX, &number) < 0 ? -EINVAL
								  : tarsparse_add(s, number);
		text += n + (text[n] == ',');
	}
	return r;
}

int tarsparse_table(struct tarsparse *s, const unsigned char *rows, size_t n)
{
	int r = 0;

	for (; r == 0 && n-- && rows[0]; rows += ROW) {
		int64_t at = 0, len = 0;

		if (tarfield_number(rows, ROW_FIELD, &at) < 0 ||
		    tarfield_number(rows + ROW_FIELD, ROW_FIELD, &len) < 0)
			return -EINVAL;
		r = tarsparse_add(s, at);
		r = r ? r : tarsparse_add(s, len);
	}
	return r;
}

/* A number ends; the first says how many pieces there are. */
static int end_number(struct tarsparse *s)
{
	int r = s->digits ? 0 : -EINVAL;

	if (r == 0 && s->counted) {
		s->left--;
		r = tarsparse_add(s, (int64_t)s->number);
	} else if (r == 0) {
		s->counted = true;
		r = s->number > TARSPARSE_PIECES_MAX ? -E2BIG : 0;
		s->left = r ? 0 : s->number * 2;
	}
	s->number = 0;
	s->digits = false;
	return r;
}

int tarsparse_block(struct tarsparse *s, const unsigned char block[TAR_BLOCK])
{
	for (int i = 0; i < TAR_BLOCK; i++) {
		unsigned char c = block[i];
		int r = 0;

		if (c == '\n') {
			r = end_number(s);
		} else {
			if (c < '0' || c > '9' || s->number > INT64_MAX / 10 - 10)
				return -EINVAL;
			s->number = s->number * 10 + (c - '0');
			s->digits = true;
		}
		if (r < 0)
			return r;
		if (s->counted && !s->left)
			return 1;
	}
	return 0;
}

int tarsparse_finish(struct tarsparse *s, uint64_t size, uint64_t stored, uint64_t offset)
{
	uint64_t end = 0, used = 0;
	unsigned int bits;
	size_t n = 0;

	if (s->half || size > TARSPARSE_SIZE_MAX)
		return s->half ? -EINVAL : -ENOTSUP;
	for (size_t i = 0; i < s->n; i++) {
		struct tar_piece piece = s->v[i];

		if (piece.at < end || piece.at > size || piece.len > size - piece.at)
			return -EINVAL;
		end = piece.at + piece.len;
		if (!piece.len)
			continue;
		if (piece.at % TAR_BLOCK || (end % TAR_BLOCK && end != size))
			return -ENOTSUP;
		piece.offset = offset + used;
		used += piece.len;
		s->v[n++] = piece;
	}
	s->n = n;
	if (used != stored)
		return -EINVAL;
	return tarsparse_chunks(s->v, n, size, &bits) > TARSPARSE_CHUNKS_MAX ? -ENOTSUP : 0;
}

void tarsparse_deinit(struct tarsparse *s)
{
	free(s->v);
	*s = (struct tarsparse){ 0 };
}

uint64_t tarsparse_chunks(const struct tar_piece *pieces, size_t n, uint64_t size,
			  unsigned int *bits)
{
	uint64_t edges = 0;
	unsigned int b = BLOCK_BITS;

	for (size_t i = 0; i < n; i++) {
		uint64_t end = pieces[i].at + pieces[i].len;

		edges |= pieces[i].at | (end == size ? 0 : end);
	}
	while (b < TARSPARSE_BITS_MAX && !(edges >> b & 1) && UINT64_C(1) << b < size)
		b++;
	*bits = b;
	return (size + (UINT64_C(1) << b) - 1) >> b;
}
