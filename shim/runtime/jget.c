/* SPDX-License-Identifier: Apache-2.0 */
/* Values are linked to their parents on the reader's stack; the path is put together only when an
 * error needs it, so the good case costs nothing. */
#include "jget.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct jval j_get(const struct jval *o, const char *key)
{
	json_t *v = json_object_get(o->v, key);

	return (struct jval){ .v = json_is_null(v) ? NULL : v, .up = o, .key = key };
}

struct jval j_at(const struct jval *array, size_t index)
{
	return (struct jval){ .v = json_array_get(array->v, index), .up = array, .index = index };
}

static void path_of(const struct jval *v, struct buf *b)
{
	if (!v->up)
		return;
	path_of(v->up, b);
	if (v->key)
		buf_printf(b, "%s%s", b->len ? "." : "", v->key);
	else
		buf_printf(b, "[%zu]", v->index);
}

int j_fail(const struct jval *v, struct err *err, const char *fmt, ...)
{
	cleanup(buf_deinit) struct buf path = BUF_NULL;
	char text[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	path_of(v, &path);
	return err_set(err, ERR_INVALID, "%s: %s", path.data ? path.data : "document", text);
}

int j_object(const struct jval *v, struct err *err)
{
	return !v->v || json_is_object(v->v) ? 0 : j_fail(v, err, "expected an object");
}

int j_array(const struct jval *v, size_t *n, struct err *err)
{
	if (v->v && !json_is_array(v->v))
		return j_fail(v, err, "expected an array");
	*n = json_array_size(v->v);
	return 0;
}

int j_string(const struct jval *v, const char **out, struct err *err)
{
	if (!v->v)
		return 0;
	if (!json_is_string(v->v))
		return j_fail(v, err, "expected a string");
	*out = json_string_value(v->v);
	return 0;
}

int j_bool(const struct jval *v, bool *out, struct err *err)
{
	if (!v->v)
		return 0;
	if (!json_is_boolean(v->v))
		return j_fail(v, err, "expected true or false");
	*out = json_is_true(v->v);
	return 0;
}

int j_int(const struct jval *v, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	double real = json_real_value(v->v);
	int64_t n = json_integer_value(v->v);

	if (!v->v)
		return 0;
	if (!json_is_number(v->v))
		return j_fail(v, err, "expected a number");
	if (json_is_real(v->v))
		n = real >= 9.2e18 ? INT64_MAX : real <= -9.2e18 ? INT64_MIN : (int64_t)real;
	if (n < min || n > max)
		return j_fail(v, err, "%lld is outside %lld to %lld", (long long)n, (long long)min,
			      (long long)max);
	*out = n;
	return 0;
}

int j_u64(const struct jval *v, uint64_t *out, struct err *err)
{
	double real = json_real_value(v->v);
	int64_t n = 0;
	int r;

	if (json_is_real(v->v) && real >= 9.2e18) {
		*out = real >= 1.8e19 ? UINT64_MAX : (uint64_t)real;
		return 0;
	}
	r = j_int(v, INT64_MIN, INT64_MAX, &n, err);
	if (!r && v->v)
		*out = n == -1 ? UINT64_MAX : (uint64_t)n;
	return !r && n < -1 ? j_fail(v, err, "%lld is negative", (long long)n) : r;
}

int j_u32(const struct jval *v, uint32_t *out, struct err *err)
{
	int64_t n = 0;
	int r = j_int(v, 0, UINT32_MAX, &n, err);

	if (!r && v->v)
		*out = (uint32_t)n;
	return r;
}

int j_need_string(const struct jval *v, const char **out, struct err *err)
{
	int r;

	if (!v->v)
		return j_fail(v, err, "is missing");
	r = j_string(v, out, err);
	return !r && !**out ? j_fail(v, err, "is empty") : r;
}

static int append(const char *piece, size_t n, void *text)
{
	buf_append(text, piece, n);
	return 0;
}

void j_dump(const json_t *v, size_t flags, struct buf *text)
{
	if (json_dump_callback(v, append, text, flags) && !text->error)
		text->error = -ENOMEM;
}
