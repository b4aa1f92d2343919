/* SPDX-License-Identifier: Apache-2.0 */
/* Strict typed access to a JSON tree. A value knows the way it was reached by, so that an error
 * names it: "linux.namespaces[2].type: expected a string". null counts as absent. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

struct jval {
	json_t *v; /* borrowed; NULL = absent */
	const struct jval *up;
	const char *key; /* NULL: element `index` of an array */
	size_t index;
};

/* The member `key` of o; .v is NULL when absent or null. o must outlive the result. */
struct jval j_get(const struct jval *o, const char *key);
struct jval j_at(const struct jval *array, size_t index);

/* ERR_INVALID with the value's path in front. */
int j_fail(const struct jval *v, struct err *err, const char *fmt, ...) printf_like(3, 4);

/* Type checks: absent values pass and leave *out as it was. */
int j_object(const struct jval *v, struct err *err) must_check;
int j_array(const struct jval *v, size_t *n, struct err *err) must_check;
int j_string(const struct jval *v, const char **out, struct err *err) must_check;
int j_bool(const struct jval *v, bool *out, struct err *err) must_check;
int j_int(const struct jval *v, int64_t min, int64_t max, int64_t *out, struct err *err) must_check;
/* Any unsigned 64-bit number; a real that stands for one too large is UINT64_MAX. */
int j_u64(const struct jval *v, uint64_t *out, struct err *err) must_check;
int j_u32(const struct jval *v, uint32_t *out, struct err *err) must_check;
/* As j_string, but absence and emptiness are errors. */
int j_need_string(const struct jval *v, const char **out, struct err *err) must_check;

/* Appends v as JSON text with jansson's flags; a failure is the buffer's. */
void j_dump(const json_t *v, size_t flags, struct buf *text);
