/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "files_part.h"
#include "str.h"

static json_t *list(char *const *items, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, json_string(items[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static int set_words(json_t *config, const char *key, const Cleat__V1__StringList *words)
{
	json_object_del(config, key);
	if (!words || words->n_values == 0)
		return 0;
	return json_object_set_new(config, key, list(words->values, words->n_values));
}

static int set_text(json_t *config, const char *key, const char *text)
{
	json_object_del(config, key);
	return str_or_empty(text)[0] ? json_object_set_new(config, key, json_string(text)) : 0;
}

static int set_keys(json_t *config, const char *key, char *const *items, size_t n)
{
	json_t *object = json_object();
	int r = 0;

	json_object_del(config, key);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = json_object_set_new(object, items[i], json_object());
	if (r == 0 && n > 0)
		return json_object_set_new(config, key, object);
	json_decref(object);
	return r;
}

static int set_labels(json_t *config, const Cleat__V1__ContainerConfig *c)
{
	json_t *labels = json_object();
	int r = 0;

	json_object_del(config, "Labels");
	for (size_t i = 0; r == 0 && i < c->n_labels; i++)
		r = json_object_set_new(labels, c->labels[i]->key,
					json_string(c->labels[i]->value));
	if (r == 0 && c->n_labels > 0)
		return json_object_set_new(config, "Labels", labels);
	json_decref(labels);
	return r;
}

/* Without one what is there stays. */
static int set_health(json_t *config, const Cleat__V1__HealthCheck *check)
{
	json_t *object = check ? json_object() : NULL;
	int r = 0;

	if (!check)
		return 0;

	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{ "Interval", check->interval_ns },
		{ "Timeout", check->timeout_ns },
		{ "StartPeriod", check->start_period_ns },
		{ "StartInterval", check->start_interval_ns },
		{ "Retries", check->retries },
	};

	if (check->test && check->test->n_values)
		r = set_words(object, "Test", check->test);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
		if (numbers[i].value)
			r = json_object_set_new(object, numbers[i].key,
						json_integer(numbers[i].value));
	if (r == 0)
		return json_object_set_new(config, "Healthcheck", object);
	json_decref(object);
	return r;
}

int dockerconfig_fill(json_t *config, const Cleat__V1__ContainerConfig *c)
{
	json_object_del(config, "OnBuild"); /* was for the build that began with the image */
	if (set_words(config, "Cmd", c->command) ||
	    set_words(config, "Entrypoint", c->entrypoint) ||
	    json_object_set_new(config, "Env", list(c->env, c->n_env)) ||
	    set_text(config, "WorkingDir", c->working_dir) || set_text(config, "User", c->user) ||
	    set_text(config, "StopSignal", c->stop_signal) || set_labels(config, c) ||
	    set_keys(config, "ExposedPorts", c->exposed_ports, c->n_exposed_ports) ||
	    set_health(config, c->health_check))
		return -1;
	return set_keys(config, "Volumes", c->volumes, c->n_volumes);
}

/* An entry of Env by its key, or a new one. */
static int set_env(json_t *config, const char *entry)
{
	json_t *env = json_object_get(config, "Env");
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *old = json_string_value(json_array_get(env, i));

		if (old && strncmp(old, entry, n) == 0 && (old[n] == '=' || !old[n]))
			return json_array_set_new(env, i, json_string(entry));
	}
	return json_array_append_new(env, json_string(entry));
}

static json_t *object_of(json_t *config, const char *key)
{
	json_t *object = json_object_get(config, key);

	if (json_is_object(object))
		return object;
	object = json_object();
	return json_object_set_new(config, key, object) == 0 ? object : NULL;
}

static int add_keys(json_t *config, const char *key, char *const *items, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = json_object_set_new(object_of(config, key), items[i], json_object());
	return r;
}

static int add_maps(json_t *config, const Cleat__V1__ContainerConfig *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_env; i++)
		r = set_env(config, c->env[i]);
	for (size_t i = 0; r == 0 && i < c->n_labels; i++)
		r = json_object_set_new(object_of(config, "Labels"), c->labels[i]->key,
					json_string(c->labels[i]->value));
	r = r ? r : add_keys(config, "ExposedPorts", c->exposed_ports, c->n_exposed_ports);
	return r ? r : add_keys(config, "Volumes", c->volumes, c->n_volumes);
}

int dockerconfig_replace(json_t *config, const Cleat__V1__ContainerConfig *c)
{
	const struct {
		const char *key, *value;
	} texts[] = { { "WorkingDir", c->working_dir },
		      { "User", c->user },
		      { "StopSignal", c->stop_signal } };
	int r = 0;

	if (c->command && c->command->n_values)
		r = set_words(config, "Cmd", c->command);
	if (r == 0 && c->entrypoint && c->entrypoint->n_values)
		r = set_words(config, "Entrypoint", c->entrypoint);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		if (str_or_empty(texts[i].value)[0])
			r = set_text(config, texts[i].key, texts[i].value);
	r = r ? r : set_health(config, c->health_check);
	return r ? r : add_maps(config, c);
}
