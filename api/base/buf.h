/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes with a sticky error: appends may be chained unchecked and the error asked once at
 * the end. The contents are followed by a NUL that is not counted, so buf.data is a C string once
 * anything was appended. Not thread-safe, never blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

struct buf {
	char *data; /* NULL while nothing was ever reserved */
	size_t len, cap;
	size_t max; /* most bytes it may hold, 0 = no limit; beyond: -EMSGSIZE */
	int error;  /* 0, or the -errno of the first append that failed; later appends do nothing */
};

#define BUF_NULL ((struct buf){ 0 })

/* Frees the contents; the buffer is BUF_NULL after. For use with cleanup(). */
void buf_deinit(struct buf *b);

/* Room for `n` more bytes beyond len; 0 or -ENOMEM, -EMSGSIZE (also kept in b->error). */
int buf_reserve(struct buf *b, size_t n);

void buf_append(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);

/* Appends `text` (n bytes) as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. */
void buf_json_string(struct buf *b, const char *text, size_t n);

/* Removes the first `n` bytes (n <= len); moves the rest down. */
void buf_consume(struct buf *b, size_t n);

/* The contents as an owned C string ("" when empty), or NULL when an append failed; b is BUF_NULL
 * after. */
char *buf_steal(struct buf *b) must_check;
