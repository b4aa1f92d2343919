/* SPDX-License-Identifier: Apache-2.0 */
/* Functions are a table of name, least and most arguments, and code; each returns an owned value or
 * NULL when its arguments are of the wrong kind. */
#include "tplvalue.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "template.h"

void tplvalue_print(struct buf *out, const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		buf_append(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		buf_printf(out, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(out, json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_puts(out, "<no value>");
		break;
	case JSON_ARRAY:
		buf_putc(out, '[');
		json_array_foreach((json_t *)(uintptr_t)value, i, item)
		{
			if (i)
				buf_putc(out, ' ');
			tplvalue_print(out, item);
		}
		buf_putc(out, ']');
		break;
	case JSON_OBJECT:
		buf_puts(out, "map[");
		i = 0;
		json_object_foreach((json_t *)(uintptr_t)value, key, item)
		{
			if (strcmp(key, TEMPLATE_LABELS) == 0)
				continue;
			buf_printf(out, "%s%s:", i++ ? " " : "", key);
			tplvalue_print(out, item);
		}
		buf_putc(out, ']');
		break;
	}
}

bool tplvalue_true(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) > 0 || json_real_value(value) < 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	default:
		return json_is_true(value);
	}
}

static json_t *text_value(struct buf *b)
{
	json_t *v = b->error ? NULL : json_stringn_nocheck(b->data ? b->data : "", b->len);

	buf_deinit(b);
	return v;
}

static json_t *fn_json(json_t *const *a, size_t n)
{
	bool hides = json_object_get(a[0], TEMPLATE_LABELS);
	json_t *shown = hides ? json_copy(a[0]) : json_incref(a[0]);
	char *text;
	json_t *v;

	(void)n;
	if (hides)
		json_object_del(shown, TEMPLATE_LABELS);
	text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(shown);
	v = text ? json_string_nocheck(text) : NULL;
	free(text);
	return v;
}

static json_t *fn_join(json_t *const *a, size_t n)
{
	struct buf b = BUF_NULL;
	json_t *item;
	size_t i;

	(void)n;
	if (!json_is_array(a[0]) || !json_is_string(a[1]))
		return NULL;
	json_array_foreach(a[0], i, item)
	{
		if (i)
			buf_puts(&b, json_string_value(a[1]));
		tplvalue_print(&b, item);
	}
	return text_value(&b);
}

static json_t *fn_index(json_t *const *a, size_t n)
{
	json_t *v = a[0];

	for (size_t i = 1; i < n; i++) {
		if (json_is_object(v) && json_is_string(a[i]))
			v = json_object_get(v, json_string_value(a[i]));
		else if (json_is_array(v) && json_is_integer(a[i]) &&
			 json_integer_value(a[i]) >= 0 &&
			 (size_t)json_integer_value(a[i]) < json_array_size(v))
			v = json_array_get(v, (size_t)json_integer_value(a[i]));
		else if (!json_is_null(v) || !v)
			return NULL;
		if (!v)
			return json_null();
	}
	return json_incref(v);
}

static json_t *fn_len(json_t *const *a, size_t n)
{
	(void)n;
	if (json_is_string(a[0]))
		return json_integer((json_int_t)json_string_length(a[0]));
	if (json_is_array(a[0]))
		return json_integer((json_int_t)json_array_size(a[0]));
	return json_integer((json_int_t)json_object_size(a[0]));
}

static json_t *map_text(json_t *value, int (*first)(int), int (*rest)(int))
{
	struct buf b = BUF_NULL;
	bool start = true;

	tplvalue_print(&b, value);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] = (char)(start ? first : rest)((unsigned char)b.data[i]);
		start = b.data[i] == ' ';
	}
	return text_value(&b);
}

static int same(int c)
{
	return c;
}

static json_t *fn_lower(json_t *const *a, size_t n)
{
	(void)n;
	return map_text(a[0], tolower, tolower);
}

static json_t *fn_upper(json_t *const *a, size_t n)
{
	(void)n;
	return map_text(a[0], toupper, toupper);
}

static json_t *fn_title(json_t *const *a, size_t n)
{
	(void)n;
	return map_text(a[0], toupper, same);
}

static json_t *fn_split(json_t *const *a, size_t n)
{
	const char *text = json_string_value(a[0]), *by = json_string_value(a[1]);
	json_t *list = text && by && by[0] ? json_array() : NULL;

	(void)n;
	while (list && text) {
		const char *next = strstr(text, by);
		size_t len = next ? (size_t)(next - text) : strlen(text);

		json_array_append_new(list, json_stringn_nocheck(text, len));
		text = next ? next + strlen(by) : NULL;
	}
	return list;
}

static json_t *fn_truncate(json_t *const *a, size_t n)
{
	json_int_t most = json_integer_value(a[1]);
	struct buf b = BUF_NULL;

	(void)n;
	if (!json_is_integer(a[1]) || most < 0)
		return NULL;
	tplvalue_print(&b, a[0]);
	if (!b.error && b.len > (size_t)most)
		b.len = (size_t)most;
	return text_value(&b);
}

static json_t *fn_print(json_t *const *a, size_t n)
{
	struct buf b = BUF_NULL;

	for (size_t i = 0; i < n; i++)
		tplvalue_print(&b, a[i]);
	return text_value(&b);
}

static json_t *fn_println(json_t *const *a, size_t n)
{
	struct buf b = BUF_NULL;

	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&b, ' ');
		tplvalue_print(&b, a[i]);
	}
	buf_putc(&b, '\n');
	return text_value(&b);
}

/* %s %v %d %t and %q with an optional width; %% */
static json_t *fn_printf(json_t *const *a, size_t n)
{
	struct buf b = BUF_NULL;
	size_t next = 1;

	for (const char *p = json_string_value(a[0]); p && *p; p++) {
		cleanup(buf_deinit) struct buf one = BUF_NULL;
		size_t width = 0;
		bool left;

		if (*p != '%' || p[1] == '%' || p[1] == '\0') {
			p += *p == '%' && p[1] == '%';
			buf_putc(&b, *p);
			continue;
		}
		p++;
		left = *p == '-';
		for (p += left; isdigit((unsigned char)*p) && width < 1000; p++)
			width = width * 10 + (size_t)(*p - '0');
		if (*p == '\0')
			break;
		if (next >= n)
			buf_puts(&one, "%!(MISSING)");
		else if (*p == 'q' && json_is_string(a[next]))
			buf_json_string(&one, json_string_value(a[next]),
					json_string_length(a[next]));
		else
			tplvalue_print(&one, a[next]);
		next++;
		for (size_t i = one.len; !left && i < width; i++)
			buf_putc(&b, ' ');
		buf_append(&b, one.data ? one.data : "", one.len);
		for (size_t i = one.len; left && i < width; i++)
			buf_putc(&b, ' ');
	}
	return text_value(&b);
}

static json_t *fn_eq(json_t *const *a, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (json_equal(a[0], a[i]))
			return json_true();
	return json_false();
}

static json_t *fn_ne(json_t *const *a, size_t n)
{
	(void)n;
	return json_boolean(!json_equal(a[0], a[1]));
}

static int compare(const json_t *x, const json_t *y)
{
	double d;

	if (json_is_string(x) && json_is_string(y))
		return strcmp(json_string_value(x), json_string_value(y));
	d = json_number_value(x) - json_number_value(y);
	return (d > 0) - (d < 0);
}

static json_t *fn_lt(json_t *const *a, size_t n)
{
	(void)n;
	return json_boolean(compare(a[0], a[1]) < 0);
}

static json_t *fn_gt(json_t *const *a, size_t n)
{
	(void)n;
	return json_boolean(compare(a[0], a[1]) > 0);
}

static json_t *fn_and(json_t *const *a, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && tplvalue_true(a[i]))
		i++;
	return json_incref(a[i]);
}

static json_t *fn_or(json_t *const *a, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && !tplvalue_true(a[i]))
		i++;
	return json_incref(a[i]);
}

static json_t *fn_not(json_t *const *a, size_t n)
{
	(void)n;
	return json_boolean(!tplvalue_true(a[0]));
}

static const struct {
	const char *name;
	size_t least, most;
	json_t *(*call)(json_t *const *args, size_t n_args);
} functions[] = {
	{ "json", 1, 1, fn_json },
	{ "join", 2, 2, fn_join },
	{ "index", 1, 16, fn_index },
	{ "len", 1, 1, fn_len },
	{ "lower", 1, 1, fn_lower },
	{ "upper", 1, 1, fn_upper },
	{ "title", 1, 1, fn_title },
	{ "split", 2, 2, fn_split },
	{ "truncate", 2, 2, fn_truncate },
	{ "print", 0, 16, fn_print },
	{ "println", 0, 16, fn_println },
	{ "printf", 1, 16, fn_printf },
	{ "eq", 2, 16, fn_eq },
	{ "ne", 2, 2, fn_ne },
	{ "lt", 2, 2, fn_lt },
	{ "gt", 2, 2, fn_gt },
	{ "and", 1, 16, fn_and },
	{ "or", 1, 16, fn_or },
	{ "not", 1, 1, fn_not },
};

bool tplvalue_is_function(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return true;
	return false;
}

int tplvalue_call(const char *name, json_t *const *args, size_t n_args, json_t **result,
		  struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		json_t *v;

		if (strcmp(functions[i].name, name) != 0)
			continue;
		if (n_args < functions[i].least || n_args > functions[i].most)
			return err_set(err, ERR_INVALID,
				       "template: wrong number of arguments for %s: %zu", name,
				       n_args);
		v = functions[i].call(args, n_args);
		if (!v)
			return err_set(err, ERR_INVALID,
				       "template: %s cannot be used with these values", name);
		*result = v;
		return 0;
	}
	return err_set(err, ERR_INVALID, "template: function \"%s\" not defined", name);
}
