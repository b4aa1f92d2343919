/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of JSON, for the files of this folder that write it. All are new references; without memory they are
 * NULL, which json_object_set_new() and its like take. */
#pragma once

#include <jansson.h>

#include "cleat/v1/config.pb-c.h"
#include "str.h"

static inline void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new_nocheck(o, key, value);
}

static inline json_t *text(const char *s)
{
	json_t *v = json_string(str_or_empty(s));

	return v ? v : json_string("");
}

static inline json_t *list(char *const *items, size_t n)
{
	json_t *a = n ? json_array() : json_null();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, text(items[i]));
	return a;
}

static inline json_t *words(const Cleat__V1__StringList *l)
{
	return l ? list(l->values, l->n_values) : json_null();
}

static inline json_t *keys(char *const *items, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		set(o, items[i], json_object());
	return o;
}

static inline json_t *when(int64_t ns)
{
	char out[STR_TIME_MAX];

	str_format_time(ns, out);
	return text(out);
}

/* Every map<string, string> entry has these fields. */
struct entry {
	ProtobufCMessage base;
	char *key, *value;
};

static inline json_t *map(const void *entries, size_t n)
{
	const struct entry *const *e = entries;
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		set(o, e[i]->key, text(e[i]->value));
	return o;
}
