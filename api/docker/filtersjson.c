/* SPDX-License-Identifier: Apache-2.0 */
#include "filtersjson.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void filtersjson_free(Cleat__V1__Filter **filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cleat__v1__filter__free_unpacked(filters[i], NULL);
	free(filters);
}

static int add_value(Cleat__V1__Filter *filter, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return -ENOMEM;
	filter->values[filter->n_values++] = copy;
	return 0;
}

/* {"label":["a=b"]}, or with older and Go clients {"label":{"a=b":true}}. */
static int fill_filter(Cleat__V1__Filter *filter, const char *key, json_t *values, struct err *err)
{
	size_t size = json_is_array(values) ? json_array_size(values) : json_object_size(values);
	const char *name;
	json_t *item;
	size_t i;
	int r = 0;

	filter->key = strdup(key);
	filter->values = calloc(size + 1, sizeof(*filter->values));
	if (!filter->key || !filter->values)
		return err_sys(err, ENOMEM, "filters");
	if (json_is_array(values)) {
		json_array_foreach(values, i, item)
		{
			if (!json_is_string(item))
				return err_set(err, ERR_INVALID, "invalid filter: %.60s: %s", key,
					       "expected strings");
			r = r ? r : add_value(filter, json_string_value(item));
		}
	} else if (json_is_object(values)) {
		json_object_foreach(values, name, item)
		{
			if (json_is_true(item))
				r = r ? r : add_value(filter, name);
		}
	} else {
		return err_set(err, ERR_INVALID, "invalid filter: %.60s: expected a list", key);
	}
	return r < 0 ? err_sys(err, r, "filters") : 0;
}

int filtersjson_parse(const char *text, Cleat__V1__Filter ***filters, size_t *n, struct err *err)
{
	const char *key;
	json_error_t where;
	json_t *root = *text ? json_loads(text, 0, &where) : json_object(), *values;
	int r = 0;

	*n = 0;
	*filters = calloc(json_object_size(root) + 1, sizeof(**filters));
	if (!json_is_object(root))
		r = err_set(err, ERR_INVALID, "invalid filters: expected a JSON object");
	else if (!*filters)
		r = err_sys(err, ENOMEM, "filters");
	json_object_foreach(root, key, values)
	{
		Cleat__V1__Filter *filter = r == 0 ? malloc(sizeof(*filter)) : NULL;

		if (!filter)
			continue;
		cleat__v1__filter__init(filter);
		(*filters)[(*n)++] = filter;
		r = fill_filter(filter, key, values, err);
	}
	json_decref(root);
	if (r < 0) {
		filtersjson_free(*filters, *n);
		*filters = NULL;
		*n = 0;
	}
	return r;
}
