/* SPDX-License-Identifier: Apache-2.0 */
#include "eventmatch.h"

#include <string.h>

#include "str.h"

static const char *attribute(const Cleat__V1__Event *event, const char *key)
{
	for (size_t i = 0; i < event->n_attributes; i++)
		if (strcmp(event->attributes[i]->key, key) == 0)
			return event->attributes[i]->value;
	return NULL;
}

static bool is(const char *have, const char *value)
{
	return have && strcmp(have, value) == 0;
}

static bool match_type(const Cleat__V1__Event *event, const char *value)
{
	return is(event->type, value);
}

/* "exec_start: sh -c x" is found by its first word, as Docker does. */
static bool match_event(const Cleat__V1__Event *event, const char *value)
{
	size_t n = strlen(value);

	return strncmp(event->action, value, n) == 0 &&
	       (event->action[n] == '\0' || event->action[n] == ':');
}

static bool match_actor(const Cleat__V1__Event *event, const char *type, const char *value)
{
	if (!is(event->type, type))
		return is(attribute(event, type), value);
	return is(event->actor_id, value) || is(attribute(event, "name"), value) ||
	       (str_is_id_prefix(value) && strlen(value) >= 12 &&
		str_has_prefix(event->actor_id, value));
}

static bool match_container(const Cleat__V1__Event *event, const char *value)
{
	return match_actor(event, "container", value[0] == '/' ? value + 1 : value);
}

/* An image with or without its tag. */
static bool match_image(const Cleat__V1__Event *event, const char *value)
{
	const char *name = attribute(event, is(event->type, "image") ? "name" : "image");
	size_t n = strlen(value);

	if (is(event->type, "image") && is(event->actor_id, value))
		return true;
	return name &&
	       (strcmp(name, value) == 0 || (strncmp(name, value, n) == 0 && name[n] == ':'));
}

static bool match_network(const Cleat__V1__Event *event, const char *value)
{
	return match_actor(event, "network", value);
}

static bool match_volume(const Cleat__V1__Event *event, const char *value)
{
	return match_actor(event, "volume", value);
}

static bool match_daemon(const Cleat__V1__Event *event, const char *value)
{
	return match_actor(event, "daemon", value);
}

static bool match_label(const Cleat__V1__Event *event, const char *value)
{
	const char *equal = strchr(value, '=');
	char key[256];

	if (!equal)
		return attribute(event, value) != NULL;
	if ((size_t)(equal - value) >= sizeof(key))
		return false;
	memcpy(key, value, (size_t)(equal - value));
	key[equal - value] = '\0';
	return is(attribute(event, key), equal + 1);
}

static bool match_scope(const Cleat__V1__Event *event, const char *value)
{
	(void)event;
	return is("local", value);
}

static const struct {
	const char *key;
	bool (*match)(const Cleat__V1__Event *event, const char *value);
} keys[] = {
	{ "type", match_type },     { "event", match_event },     { "container", match_container },
	{ "image", match_image },   { "network", match_network }, { "volume", match_volume },
	{ "daemon", match_daemon }, { "label", match_label },     { "scope", match_scope },
};

static size_t find_key(const char *key)
{
	size_t i = 0;

	while (i < ARRAY_LEN(keys) && strcmp(keys[i].key, key) != 0)
		i++;
	return i;
}

int eventmatch_check(Cleat__V1__Filter *const *filters, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (find_key(filters[i]->key) == ARRAY_LEN(keys))
			return err_set(err, ERR_INVALID, "invalid filter '%.60s'", filters[i]->key);
	return 0;
}

/* Alternatives may stand in one filter or in several of the same key. */
static bool key_matches(const Cleat__V1__Event *event, Cleat__V1__Filter *const *filters, size_t n,
			const char *key)
{
	size_t k = find_key(key);

	for (size_t i = 0; k < ARRAY_LEN(keys) && i < n; i++)
		for (size_t j = 0; strcmp(filters[i]->key, key) == 0 && j < filters[i]->n_values;
		     j++)
			if (keys[k].match(event, filters[i]->values[j]))
				return true;
	return false;
}

bool eventmatch(const Cleat__V1__Event *event, Cleat__V1__Filter *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!key_matches(event, filters, n, filters[i]->key))
			return false;
	return true;
}
