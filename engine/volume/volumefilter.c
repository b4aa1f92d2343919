/* SPDX-License-Identifier: Apache-2.0 */
#include "volumefilter.h"

#include <string.h>

#include "str.h"

static bool has_label(const char *value, const struct volume *v)
{
	size_t n = strcspn(value, "=");

	for (size_t i = 0; i < v->config->n_labels; i++) {
		const Cleat__V1__CreateVolumeRequest__LabelsEntry *label = v->config->labels[i];

		if (strlen(label->key) == n && !memcmp(label->key, value, n) &&
		    (!value[n] || !strcmp(label->value, value + n + 1)))
			return true;
	}
	return false;
}

static bool has_no_label(const char *value, const struct volume *v)
{
	return !has_label(value, v);
}

static bool has_name(const char *value, const struct volume *v)
{
	return strstr(v->name, value) != NULL;
}

static bool has_driver(const char *value, const struct volume *v)
{
	(void)v;
	return strcmp(value, "local") == 0;
}

static bool is_dangling(const char *value, const struct volume *v)
{
	return str_query_bool(value) == (v->references == 0);
}

static bool any(const char *value, const struct volume *v)
{
	(void)value;
	(void)v;
	return true;
}

static const struct {
	const char *key;
	bool (*match)(const char *value, const struct volume *v);
	bool every, of[2], is_bool;
} keys[] = {
	{ "dangling", is_dangling, false, { true, false }, true },
	{ "driver", has_driver, false, { true, false }, false },
	{ "name", has_name, false, { true, false }, false },
	{ "label", has_label, true, { true, true }, false },
	{ "label!", has_no_label, true, { false, true }, false },
	{ "all", any, false, { false, true }, true },
};

static size_t find_key(const char *key)
{
	size_t i = 0;

	while (i < ARRAY_LEN(keys) && strcmp(keys[i].key, key) != 0)
		i++;
	return i;
}

static bool is_bool(const char *value)
{
	static const char *const words[] = { "0", "1", "true", "false", "True", "False" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

int volumefilter_check(Cleat__V1__Filter *const *filters, size_t n, enum volumefilter_of of,
		       struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const Cleat__V1__Filter *f = filters[i];
		size_t key = find_key(f->key);

		if (key == ARRAY_LEN(keys) || !keys[key].of[of])
			return err_set(err, ERR_INVALID, "invalid filter '%.80s'", f->key);
		for (size_t k = 0; keys[key].is_bool && k < f->n_values; k++)
			if (!is_bool(f->values[k]))
				return err_set(err, ERR_INVALID, "invalid filter '%s=%.80s'",
					       f->key, f->values[k]);
	}
	return 0;
}

static bool match_one(const Cleat__V1__Filter *filter, const struct volume *volume)
{
	size_t key = find_key(filter->key), hits = 0;

	if (key == ARRAY_LEN(keys))
		return false;
	for (size_t i = 0; i < filter->n_values; i++)
		hits += keys[key].match(filter->values[i], volume);
	return keys[key].every ? hits == filter->n_values : hits > 0;
}

bool volumefilter_match(Cleat__V1__Filter *const *filters, size_t n, const struct volume *volume)
{
	for (size_t i = 0; i < n; i++)
		if (filters[i]->n_values && !match_one(filters[i], volume))
			return false;
	return true;
}

bool volumefilter_all(Cleat__V1__Filter *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(filters[i]->key, "all") == 0 && filters[i]->n_values)
			return str_query_bool(filters[i]->values[0]);
	return false;
}
