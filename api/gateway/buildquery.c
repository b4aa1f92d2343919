/* SPDX-License-Identifier: Apache-2.0 */
#include "buildquery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "createjson.h"
#include "str.h"

typedef Cleat__V1__BuildRequest__Options options;

static int bad_query(const char *name, struct err *err)
{
	return err_set(err, ERR_INVALID, "query parameter %s: not valid JSON of its kind", name);
}

/* All must be from malloc, as in a message that was unpacked. */
static bool append(char ***list, size_t *n, const char *text)
{
	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));

	if (!grown)
		return false;
	*list = grown;
	grown[*n] = strdup(text);
	return grown[*n] && ++*n;
}

static bool set(char **field, const char *text)
{
	char *copy = text[0] ? strdup(text) : NULL;

	if (copy)
		*field = copy;
	return copy || !text[0];
}

static json_t *query_json(struct gw *gw, const char *name, json_type type, struct err *err)
{
	const char *text = http_query(gw->http, name);
	json_t *value = json_loads(text[0] ? text : "null", JSON_DECODE_ANY, NULL);

	if (json_is_null(value)) {
		json_decref(value);
		value = type == JSON_OBJECT ? json_object() : json_array();
	}
	if (value && json_typeof(value) == type)
		return value;
	json_decref(value);
	(void)bad_query(name, err);
	return NULL;
}

static bool add_label(options *o, const char *key, const char *value)
{
	Cleat__V1__BuildRequest__Options__LabelsEntry *e = malloc(sizeof(*e));
	void *grown = realloc(o->labels, (o->n_labels + 1) * sizeof(*o->labels));

	if (grown)
		o->labels = grown;
	if (!grown || !e) {
		free(e);
		return false;
	}
	cleat__v1__build_request__options__labels_entry__init(e);
	o->labels[o->n_labels++] = e;
	return set(&e->key, key) && set(&e->value, value);
}

static bool add_arg(options *o, const char *key, const char *value)
{
	Cleat__V1__BuildRequest__Options__BuildArgsEntry *e = malloc(sizeof(*e));
	Cleat__V1__StringList *list = malloc(sizeof(*list));
	void *grown = realloc(o->build_args, (o->n_build_args + 1) * sizeof(*o->build_args));

	if (grown)
		o->build_args = grown;
	if (!grown || !e || !list) {
		free(e);
		free(list);
		return false;
	}
	cleat__v1__build_request__options__build_args_entry__init(e);
	cleat__v1__string_list__init(list);
	e->value = list;
	o->build_args[o->n_build_args++] = e;
	return set(&e->key, key) && append(&list->values, &list->n_values, value);
}

/* {"name": "value"}; a value of null is none. */
static int read_map(struct gw *gw, options *o, const char *name,
		    bool (*add)(options *o, const char *key, const char *value), struct err *err)
{
	json_t *map = query_json(gw, name, JSON_OBJECT, err), *value;
	const char *key;
	int r = map ? 0 : -EINVAL;

	json_object_foreach(map, key, value)
	{
		if (r == 0 && json_is_string(value) && !add(o, key, json_string_value(value)))
			r = err_sys(err, ENOMEM, "build");
		else if (!json_is_string(value) && !json_is_null(value))
			r = bad_query(name, err);
	}
	json_decref(map);
	return r;
}

static int read_cache_from(struct gw *gw, options *o, struct err *err)
{
	json_t *list = query_json(gw, "cachefrom", JSON_ARRAY, err), *value;
	int r = list ? 0 : -EINVAL;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (r == 0 && !json_is_string(value))
			r = bad_query("cachefrom", err);
		else if (r == 0 &&
			 !append(&o->cache_from, &o->n_cache_from, json_string_value(value)))
			r = err_sys(err, ENOMEM, "build");
	}
	json_decref(list);
	return r;
}

static int read_ulimits(struct gw *gw, options *o, struct err *err)
{
	json_t *list = query_json(gw, "ulimits", JSON_ARRAY, err);
	int r = list ? createjson_ulimits(list, &o->ulimits, &o->n_ulimits, err) : -EINVAL;

	json_decref(list);
	return r;
}

static int read_numbers(struct gw *gw, options *o, struct err *err)
{
	const char *shm = http_query(gw->http, "shmsize"), *memory = http_query(gw->http, "memory");
	int64_t bytes = 0;

	if (shm[0] && str_u64(shm, &o->shm_size_bytes) < 0)
		return err_set(err, ERR_INVALID, "query parameter shmsize: %.40s", shm);
	if (memory[0] && str_int_in(memory, 0, INT64_MAX, &bytes) < 0)
		return err_set(err, ERR_INVALID, "query parameter memory: %.40s", memory);
	if (bytes == 0)
		return 0;
	o->resources = malloc(sizeof(*o->resources));
	if (!o->resources)
		return err_sys(err, ENOMEM, "build");
	cleat__v1__resources__init(o->resources);
	o->resources->memory_bytes = bytes;
	return 0;
}

/* os[/architecture[/variant]] */
static bool read_platform(struct gw *gw, options *o)
{
	cleanup_free char *copy = strdup(http_query(gw->http, "platform"));
	char *rest = copy, *part;

	if (!copy || !copy[0])
		return copy != NULL;
	o->platform = malloc(sizeof(*o->platform));
	if (!o->platform)
		return false;
	cleat__v1__platform__init(o->platform);
	char **const fields[] = { &o->platform->os, &o->platform->architecture,
				  &o->platform->variant };

	for (size_t i = 0; i < ARRAY_LEN(fields) && (part = strsep(&rest, "/")); i++)
		if (!set(fields[i], part))
			return false;
	return true;
}

static bool read_texts(struct gw *gw, options *o)
{
	const struct {
		const char *name;
		char **field;
	} texts[] = {
		{ "dockerfile", &o->dockerfile },
		{ "target", &o->target },
		{ "networkmode", &o->network_mode },
		{ "remote", &o->remote },
	};
	const char *word;
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_LEN(texts); i++)
		ok = set(texts[i].field, http_query(gw->http, texts[i].name));
	for (size_t i = 0; ok && (word = http_query_nth(gw->http, "t", i)); i++)
		ok = !word[0] || append(&o->tags, &o->n_tags, word);
	for (size_t i = 0; ok && (word = http_query_nth(gw->http, "extrahosts", i)); i++)
		ok = !word[0] || append(&o->extra_hosts, &o->n_extra_hosts, word);
	return ok && read_platform(gw, o);
}

int buildquery_read(struct gw *gw, Cleat__V1__BuildRequest__Options *o, struct err *err)
{
	int r = read_texts(gw, o) ? 0 : err_sys(err, ENOMEM, "build");

	if (strcmp(http_query(gw->http, "version"), "2") == 0)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "BuildKit sessions are not supported: use the classic builder "
			       "(DOCKER_BUILDKIT=0)");
	o->no_cache = gw_query_bool(gw, "nocache");
	o->pull = gw_query_bool(gw, "pull");
	o->squash = gw_query_bool(gw, "squash");
	r = r ? r : read_map(gw, o, "buildargs", add_arg, err);
	r = r ? r : read_map(gw, o, "labels", add_label, err);
	r = r ? r : read_cache_from(gw, o, err);
	r = r ? r : read_ulimits(gw, o, err);
	return r ? r : read_numbers(gw, o, err);
}
