/* SPDX-License-Identifier: Apache-2.0 */
#include "buildquery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "createjson.h"
#include "platformmsg.h"
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

static int bad_number(const char *name, const char *text, struct err *err)
{
	return err_set(err, ERR_INVALID, "query parameter %s: \"%.40s\" is no number of its kind",
		       name, text);
}

static int read_limits(struct gw *gw, options *o, struct err *err)
{
	Cleat__V1__Resources *r = malloc(sizeof(*r));

	if (!r)
		return err_sys(err, ENOMEM, "build");
	cleat__v1__resources__init(r);
	o->resources = r;
	const struct {
		const char *name;
		int64_t *field, least;
	} numbers[] = {
		{ "memory", &r->memory_bytes, 0 },    { "memswap", &r->memory_swap_bytes, -1 },
		{ "cpushares", &r->cpu_shares, 0 },   { "cpuperiod", &r->cpu_period_us, 0 },
		{ "cpuquota", &r->cpu_quota_us, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *text = http_query(gw->http, numbers[i].name);

		if (text[0] && str_int_in(text, numbers[i].least, INT64_MAX, numbers[i].field) < 0)
			return bad_number(numbers[i].name, text, err);
	}
	return set(&r->cpuset_cpus, http_query(gw->http, "cpusetcpus")) &&
			       set(&r->cpuset_mems, http_query(gw->http, "cpusetmems"))
		       ? 0
		       : err_sys(err, ENOMEM, "build");
}

static int read_shm(struct gw *gw, options *o, struct err *err)
{
	const char *text = http_query(gw->http, "shmsize");

	return text[0] && str_u64(text, &o->shm_size_bytes) < 0 ? bad_number("shmsize", text, err)
								: 0;
}

/* What would be another build than the one that was asked for. */
static int check_unsupported(struct gw *gw, struct err *err)
{
	static const char *const names[] = { "cgroupparent", "securityopt", "outputs" };

	if (strcmp(http_query(gw->http, "version"), "2") == 0)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "BuildKit sessions are not supported: use the classic builder "
			       "(DOCKER_BUILDKIT=0)");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = http_query(gw->http, names[i]);

		if (text[0] && strcmp(text, "null") != 0 && strcmp(text, "[]") != 0)
			return err_set(err, ERR_UNIMPLEMENTED,
				       "query parameter %s: not supported by this release",
				       names[i]);
	}
	return 0;
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
	return ok;
}

int buildquery_read(struct gw *gw, Cleat__V1__BuildRequest__Options *o, struct err *err)
{
	int r = check_unsupported(gw, err);

	if (r == 0 && !read_texts(gw, o))
		r = err_sys(err, ENOMEM, "build");
	r = r ? r : platformmsg_new(http_query(gw->http, "platform"), &o->platform, err);
	o->no_cache = gw_query_bool(gw, "nocache");
	o->pull = gw_query_bool(gw, "pull");
	o->squash = gw_query_bool(gw, "squash");
	r = r ? r : read_map(gw, o, "buildargs", add_arg, err);
	r = r ? r : read_map(gw, o, "labels", add_label, err);
	r = r ? r : read_cache_from(gw, o, err);
	r = r ? r : read_ulimits(gw, o, err);
	r = r ? r : read_limits(gw, o, err);
	return r ? r : read_shm(gw, o, err);
}
