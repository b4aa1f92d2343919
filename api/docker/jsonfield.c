/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonfield.h"

#include <errno.h>
#include <string.h>

int jsonfield_wrong(const char *key, const char *expected, struct err *err)
{
	return err_set(err, ERR_INVALID, "invalid JSON: %s: expected %s", key, expected);
}

int jsonfield_no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "create");
}

static int add(char ***list, size_t *n, const char *text)
{
	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*n] = strdup(text);
	return grown[*n] ? ((*n)++, 0) : -ENOMEM;
}

/* A list of strings, or one string, which Docker takes as a list of one. */
static int add_list(json_t *value, const char *key, char ***list, size_t *n, struct err *err)
{
	json_t *item;
	size_t i;

	if (json_is_string(value))
		return add(list, n, json_string_value(value)) < 0 ? jsonfield_no_memory(err) : 0;
	if (!json_is_array(value))
		return jsonfield_wrong(key, "a list of strings", err);
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return jsonfield_wrong(key, "a list of strings", err);
		if (add(list, n, json_string_value(item)) < 0)
			return jsonfield_no_memory(err);
	}
	return 0;
}

int jsonfield_words(json_t *value, const char *key, Cleat__V1__StringList **at, struct err *err)
{
	*at = malloc(sizeof(**at));
	if (!*at)
		return jsonfield_no_memory(err);
	cleat__v1__string_list__init(*at);
	return add_list(value, key, &(*at)->values, &(*at)->n_values, err);
}

int jsonfield_text(char **at, const char *text, struct err *err)
{
	if (!*text)
		return 0;
	*at = strdup(text); /* the empty string before it is protobuf-c's own */
	return *at ? 0 : jsonfield_no_memory(err);
}

static int add_keys(json_t *value, const char *key, char ***list, size_t *n, struct err *err)
{
	const char *name;
	json_t *ignored;

	if (!json_is_object(value))
		return jsonfield_wrong(key, "an object", err);
	json_object_foreach(value, name, ignored)
	{
		(void)ignored;
		if (add(list, n, name) < 0)
			return jsonfield_no_memory(err);
	}
	return 0;
}

static int apply(const struct jsonfield_rule *rule, json_t *value, void *message, struct err *err)
{
	void *at = (char *)message + rule->offset;
	size_t *n = (size_t *)(void *)((char *)message + rule->n_offset);

	switch (rule->kind) {
	case JSONFIELD_TEXT:
		return json_is_string(value) ? jsonfield_text(at, json_string_value(value), err)
					     : jsonfield_wrong(rule->key, "a string", err);
	case JSONFIELD_SWITCH:
		if (!json_is_boolean(value))
			return jsonfield_wrong(rule->key, "true or false", err);
		*(protobuf_c_boolean *)at = json_is_true(value);
		return 0;
	case JSONFIELD_LIST:
		return add_list(value, rule->key, at, n, err);
	case JSONFIELD_WORDS:
		return jsonfield_words(value, rule->key, at, err);
	case JSONFIELD_KEYS:
		return add_keys(value, rule->key, at, n, err);
	case JSONFIELD_SMALL:
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    json_integer_value(value) > UINT16_MAX)
			return jsonfield_wrong(rule->key, "a number from 0 to 65535", err);
		*(uint32_t *)at = (uint32_t)json_integer_value(value);
		return 0;
	default:
		if (!json_is_integer(value))
			return jsonfield_wrong(rule->key, "a number", err);
		*(int64_t *)at = json_integer_value(value);
		return 0;
	}
}

int jsonfield_apply(const struct jsonfield_rule *rules, size_t n, json_t *object, void *message,
		    struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *value = json_object_get(object, rules[i].key);

		if (value && !json_is_null(value))
			r = apply(&rules[i], value, message, err);
	}
	return r;
}

int jsonfield_small(json_t *object, const char *key, int32_t least, int32_t most, int32_t *out,
		    struct err *err)
{
	json_t *value = json_object_get(object, key);
	json_int_t number = json_integer_value(value);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || number < least || number > most)
		return err_set(err, ERR_INVALID, "%s: expected a number from %d to %d", key, least,
			       most);
	*out = (int32_t)number;
	return 0;
}
