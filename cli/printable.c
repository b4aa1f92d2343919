/* SPDX-License-Identifier: Apache-2.0 */
#include "printable.h"

#include <stdbool.h>
#include <string.h>

/* The control character at the text's beginning and its length, 0 = there is none. C1 is two bytes in UTF-8. */
static size_t control(const char *text, size_t n, unsigned int *code)
{
	unsigned char c = (unsigned char)text[0];

	*code = c;
	if (c < 0x20 || c == 0x7f)
		return 1;
	if (c != 0xc2 || n < 2 || ((unsigned char)text[1] & 0xe0) != 0x80)
		return 0;
	*code = (unsigned char)text[1];
	return 2;
}

void printable_text(struct buf *out, const char *text, size_t n, const char *keep)
{
	for (size_t i = 0; i < n;) {
		unsigned int code;
		size_t len = control(text + i, n - i, &code);

		if (len && !(code && strchr(keep, (int)code)))
			buf_printf(out, "\\u%04x", code);
		else
			buf_append(out, text + i, len ? len : 1);
		i += len ? len : 1;
	}
}

/* A string that has any, made anew; NULL = it has none. */
static json_t *string(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t n = json_string_length(value);
	struct buf out = BUF_NULL;
	json_t *made = NULL;
	unsigned int code;
	bool has = false;

	for (size_t i = 0; i < n && !has; i++)
		has = control(text + i, n - i, &code) > 0;
	if (has) {
		printable_text(&out, text, n, "");
		made = out.error ? json_string("?") : json_stringn(out.data, out.len);
	}
	buf_deinit(&out);
	return made;
}

void printable_json(json_t *value)
{
	json_t *item, *made;
	const char *key;
	size_t i;

	json_object_foreach(value, key, item)
	{
		printable_json(item);
		made = json_is_string(item) ? string(item) : NULL;
		if (made)
			json_object_set_new(value, key, made);
	}
	json_array_foreach(value, i, item)
	{
		printable_json(item);
		made = json_is_string(item) ? string(item) : NULL;
		if (made)
			json_array_set_new(value, i, made);
	}
}
