/* SPDX-License-Identifier: Apache-2.0 */
/* Growth doubles from 64 bytes; every append keeps one byte for the closing NUL. */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = BUF_NULL;
}

int buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;
	char *data;

	if (b->error)
		return b->error;
	if (__builtin_add_overflow(b->len, n, &need) || (b->max && need > b->max))
		return b->error = -EMSGSIZE;
	if (need < b->cap)
		return 0;
	for (cap = b->cap ? b->cap : 64; cap <= need;)
		if (__builtin_mul_overflow(cap, 2u, &cap))
			return b->error = -ENOMEM;
	data = realloc(b->data, cap);
	if (!data)
		return b->error = -ENOMEM;
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

void buf_append(struct buf *b, const void *data, size_t n)
{
	if (buf_reserve(b, n) < 0)
		return;
	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		b->error = b->error ? b->error : -EINVAL;
		return;
	}
	if (buf_reserve(b, (size_t)n) < 0)
		return;
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

static void put_escaped(struct buf *b, unsigned char c)
{
	static const char pairs[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *p = pairs; *p; p += 2)
		if ((unsigned char)p[0] == c) {
			buf_putc(b, '\\');
			buf_putc(b, p[1]);
			return;
		}
	buf_printf(b, "\\u%04x", c);
}

void buf_json_string(struct buf *b, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;

	buf_putc(b, '"');
	while (p < end) {
		size_t len = str_utf8_len(p, (size_t)(end - p));

		if (len == 0)
			buf_puts(b, "\xef\xbf\xbd");
		else if (len == 1 && (*p < 0x20 || *p == '"' || *p == '\\'))
			put_escaped(b, *p);
		else
			buf_append(b, p, len);
		p += len ? len : 1;
	}
	buf_putc(b, '"');
}

void buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

char *buf_steal(struct buf *b)
{
	char *data;

	if (b->error || buf_reserve(b, 0) < 0) {
		buf_deinit(b);
		return NULL;
	}
	data = b->data;
	*b = BUF_NULL;
	return data;
}
