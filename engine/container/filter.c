/* SPDX-License-Identifier: Apache-2.0 */
/* One table maps a key to its test of one value; values of a key are alternatives, keys add up, but
 * for labels, where every value must hold, as in Docker. */
#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "mountlist.h"
#include "str.h"

typedef bool match_fn(const char *value, const struct filter_subject *subject);

static bool match_id(const char *value, const struct filter_subject *s)
{
	return str_has_prefix(s->record->id, value);
}

static bool match_name(const char *value, const struct filter_subject *s)
{
	if (value[0] == '^') {
		size_t n = strlen(++value);
		bool whole = n && value[n - 1] == '$';

		value += value[0] == '/';
		n = strlen(value) - whole;
		return !strncmp(s->record->name, value, n) && (!whole || !s->record->name[n]);
	}
	return strstr(s->record->name, value[0] == '/' ? value + 1 : value) != NULL;
}

static bool match_label(const char *value, const struct filter_subject *s)
{
	const char *equals = strchr(value, '=');
	size_t n = equals ? (size_t)(equals - value) : strlen(value);

	for (size_t i = 0; s->config && i < s->config->n_labels; i++) {
		const Cleat__V1__ContainerConfig__LabelsEntry *label = s->config->labels[i];

		if (strlen(label->key) == n && !memcmp(label->key, value, n) &&
		    (!equals || !strcmp(label->value, equals + 1)))
			return true;
	}
	return false;
}

static bool match_exited(const char *value, const struct filter_subject *s)
{
	int64_t code;

	return s->status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_EXITED &&
	       str_i64(value, &code) == 0 && code == s->status->exit_code;
}

static bool match_status(const char *value, const struct filter_subject *s)
{
	return !strcmp(value, status_word(s->status->state));
}

static bool match_ancestor(const char *value, const struct filter_subject *s)
{
	const char *id = s->record->image_id;
	const char *ref = s->record->image_ref;
	size_t n = strlen(value);

	if (!strncmp(ref, value, n) && (!ref[n] || ref[n] == ':' || ref[n] == '@'))
		return true;
	return str_has_prefix(id, value) ||
	       (str_has_prefix(id, "sha256:") && str_has_prefix(id + 7, value));
}

static bool match_network(const char *value, const struct filter_subject *s)
{
	const char *mode = s->config ? str_or_empty(s->config->network_mode) : "";

	if (s->view && netview_is_in(s->view, s->record->id, value))
		return true;
	return !strcmp(value, mode[0] && strcmp(mode, "default") != 0 ? mode : "none");
}

static bool match_volume(const char *value, const struct filter_subject *s)
{
	cleanup(mountlist_freep) Cleat__V1__ContainerConfig *list = mountlist_read(s->record);

	for (size_t i = 0; list && i < list->n_mounts; i++)
		if (str_equal(list->mounts[i]->source, value) ||
		    str_equal(list->mounts[i]->target, value))
			return true;
	return false;
}

/* "80", "80/tcp", "80-90/tcp" against ports of the same protocol. */
static bool port_in(const char *value, uint32_t port, const char *protocol)
{
	unsigned int low, high;
	char word[8] = "tcp";
	int n = sscanf(value, "%u-%u/%7s", &low, &high, word);

	if (n < 2) {
		if (sscanf(value, "%u/%7s", &low, word) < 1)
			return false;
		high = low;
	}
	return port >= low && port <= high && !strcmp(word, protocol[0] ? protocol : "tcp");
}

static bool match_publish(const char *value, const struct filter_subject *s)
{
	uint16_t port;
	const char *protocol;

	for (size_t i = 0; s->view && netview_port(s->view, s->record->id, i, &port, &protocol);
	     i++)
		if (port_in(value, port, protocol))
			return true;
	for (size_t i = 0; s->config && i < s->config->n_ports; i++)
		if (port_in(value, s->config->ports[i]->host_port, s->config->ports[i]->protocol))
			return true;
	return false;
}

static bool match_expose(const char *value, const struct filter_subject *s)
{
	for (size_t i = 0; s->config && i < s->config->n_ports; i++)
		if (port_in(value, s->config->ports[i]->container_port,
			    s->config->ports[i]->protocol))
			return true;
	for (size_t i = 0; s->config && i < s->config->n_exposed_ports; i++) {
		unsigned int port;
		char word[8] = "tcp";

		if (sscanf(s->config->exposed_ports[i], "%u/%7s", &port, word) >= 1 &&
		    port_in(value, port, word))
			return true;
	}
	return false;
}

static bool match_health(const char *value, const struct filter_subject *s)
{
	return !strcmp(value, status_health_word(s->status->health));
}

/* No container is a task of a swarm. */
static bool match_task(const char *value, const struct filter_subject *s)
{
	(void)s;
	return !str_query_bool(value);
}

static bool match_any(const char *value, const struct filter_subject *s)
{
	(void)value;
	(void)s;
	return true;
}

static const struct {
	const char *key;
	match_fn *match;
	bool every;
} keys[] = {
	{ "id", match_id, false },           { "name", match_name, false },
	{ "label", match_label, true },      { "exited", match_exited, false },
	{ "status", match_status, false },   { "ancestor", match_ancestor, false },
	{ "network", match_network, false }, { "volume", match_volume, false },
	{ "publish", match_publish, false }, { "expose", match_expose, false },
	{ "health", match_health, false },   { "before", match_any, false },
	{ "since", match_any, false },       { "isolation", match_any, false },
	{ "is-task", match_task, false },
};

static int find_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].key, key))
			return (int)i;
	return -1;
}

static bool is_word_of(const char *const *words, const char *value)
{
	while (*words && strcmp(*words, value) != 0)
		words++;
	return *words;
}

static bool valid_value(const char *key, const char *value)
{
	static const char *const states[] = { "created",  "running", "paused", "restarting",
					      "removing", "exited",  "dead",   NULL };
	static const char *const healths[] = { "none", "starting", "healthy", "unhealthy", NULL };
	int64_t code;

	if (!strcmp(key, "exited"))
		return str_i64(value, &code) == 0;
	if (!strcmp(key, "status"))
		return is_word_of(states, value);
	return strcmp(key, "health") != 0 || is_word_of(healths, value);
}

int filter_check(Cleat__V1__Filter *const *filters, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (find_key(filters[i]->key) < 0)
			return err_set(err, ERR_INVALID, "invalid filter '%s'", filters[i]->key);
		for (size_t j = 0; j < filters[i]->n_values; j++)
			if (!valid_value(filters[i]->key, filters[i]->values[j]))
				return err_set(err, ERR_INVALID, "invalid filter '%s=%s'",
					       filters[i]->key, filters[i]->values[j]);
	}
	return 0;
}

static bool match_one(const Cleat__V1__Filter *filter, const struct filter_subject *subject)
{
	int key = find_key(filter->key);
	size_t hits = 0;

	for (size_t i = 0; key >= 0 && i < filter->n_values; i++)
		hits += keys[key].match(filter->values[i], subject);
	return key >= 0 && (keys[key].every ? hits == filter->n_values : hits > 0);
}

bool filter_match(Cleat__V1__Filter *const *filters, size_t n, int64_t since_ns, int64_t before_ns,
		  const struct filter_subject *subject)
{
	if (since_ns && subject->record->created_ns <= since_ns)
		return false;
	if (before_ns && subject->record->created_ns >= before_ns)
		return false;
	for (size_t i = 0; i < n; i++)
		if (filters[i]->n_values && !match_one(filters[i], subject))
			return false;
	return true;
}

const char *filter_value(Cleat__V1__Filter *const *filters, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(filters[i]->key, key) && filters[i]->n_values)
			return filters[i]->values[0];
	return NULL;
}
