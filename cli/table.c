/* SPDX-License-Identifier: Apache-2.0 */
/* Two passes over the text: widths, then output. */
#include "table.h"

#include <string.h>

enum { COLUMNS_MAX = 64, GAP = 3 };

static size_t width(const char *p, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)p[i] & 0xc0) != 0x80;
	return w;
}

static void measure(const char *text, size_t widths[COLUMNS_MAX])
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, "\t\n");
		size_t w = width(text, n);

		/* the last cell of a line pads nothing and so widens nothing */
		if (text[n] == '\t' && w > widths[column])
			widths[column] = w;
		column = text[n] == '\t' && column + 1 < COLUMNS_MAX ? column + 1 : 0;
		text += n + (text[n] != '\0');
	}
}

void table_align(struct buf *out, const char *text)
{
	size_t widths[COLUMNS_MAX] = { 0 }, column = 0;

	measure(text, widths);
	while (*text) {
		size_t n = strcspn(text, "\t\n");

		buf_append(out, text, n);
		if (text[n] == '\t') {
			for (size_t i = width(text, n); i < widths[column] + GAP; i++)
				buf_putc(out, ' ');
			column += column + 1 < COLUMNS_MAX;
		} else if (text[n] == '\n') {
			buf_putc(out, '\n');
			column = 0;
		}
		text += n + (text[n] != '\0');
	}
}
