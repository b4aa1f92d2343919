/* SPDX-License-Identifier: Apache-2.0 */
#include "netfilter.h"

#include <errno.h>
#include <string.h>

#include "str.h"

struct subject {
	const struct network *network;
	bool used;
	int64_t now_ns;
};

static bool by_driver(const struct subject *s, const char *value)
{
	return strcmp(s->network->driver, value) == 0;
}

static bool by_id(const struct subject *s, const char *value)
{
	return str_has_prefix(s->network->id, value);
}

static bool by_name(const struct subject *s, const char *value)
{
	return strstr(s->network->name, value) != NULL;
}

static bool by_scope(const struct subject *s, const char *value)
{
	(void)s;
	return strcmp(value, "local") == 0;
}

static bool by_type(const struct subject *s, const char *value)
{
	return network_is_builtin(s->network) == (strcmp(value, "builtin") == 0);
}

static bool by_dangling(const struct subject *s, const char *value)
{
	return str_query_bool(value) == (!s->used && !network_is_builtin(s->network));
}

static bool by_label(const struct subject *s, const char *value)
{
	const Cleat__V1__CreateNetworkRequest *config = s->network->config;
	const char *equals = strchr(value, '=');
	size_t n = equals ? (size_t)(equals - value) : strlen(value);

	for (size_t i = 0; i < config->n_labels; i++)
		if (strlen(config->labels[i]->key) == n &&
		    memcmp(config->labels[i]->key, value, n) == 0 &&
		    (!equals || strcmp(config->labels[i]->value, equals + 1) == 0))
			return true;
	return false;
}

static bool by_no_label(const struct subject *s, const char *value)
{
	return !by_label(s, value);
}

static bool by_until(const struct subject *s, const char *value)
{
	int64_t until_ns;

	return str_time_ns(value, s->now_ns, &until_ns) == 0 && s->network->created_ns < until_ns;
}

static const struct {
	const char *key;
	bool (*match)(const struct subject *s, const char *value);
	bool prune, list, each; /* where it is allowed; each = all values must hold */
} keys[] = {
	{ "driver", by_driver, false, true, false },
	{ "id", by_id, false, true, false },
	{ "name", by_name, false, true, false },
	{ "scope", by_scope, false, true, false },
	{ "type", by_type, false, true, false },
	{ "dangling", by_dangling, false, true, false },
	{ "label", by_label, true, true, true },
	{ "label!", by_no_label, true, true, true },
	{ "until", by_until, true, false, false },
};

static size_t find(const char *key, bool prune)
{
	size_t i = 0;

	while (i < ARRAY_LEN(keys) &&
	       (strcmp(keys[i].key, key) != 0 || !(prune ? keys[i].prune : keys[i].list)))
		i++;
	return i;
}

static bool is_word(const char *value)
{
	static const char *const words[] = { "true", "1", "false", "0" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		found = found || strcmp(words[i], value) == 0;
	return found;
}

int netfilter_check(Cleat__V1__Filter *const *filters, size_t n, bool prune, int64_t now_ns,
		    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *key = filters[i]->key;
		int64_t ns;

		if (find(key, prune) == ARRAY_LEN(keys))
			return err_set(err, ERR_INVALID, "invalid filter '%.80s'", key);
		for (size_t k = 0; k < filters[i]->n_values; k++) {
			const char *value = filters[i]->values[k];

			if (strcmp(key, "dangling") == 0 && !is_word(value))
				return err_set(
					err, ERR_INVALID,
					"invalid value for filter 'dangling', must be \"true\" "
					"(or \"1\"), or \"false\" (or \"0\")");
			if ((strcmp(key, "until") == 0 && str_time_ns(value, now_ns, &ns) < 0) ||
			    (strcmp(key, "type") == 0 && strcmp(value, "custom") != 0 &&
			     strcmp(value, "builtin") != 0))
				return err_set(err, ERR_INVALID, "invalid filter '%s=%.80s'", key,
					       value);
		}
	}
	return 0;
}

static bool holds(const Cleat__V1__Filter *filter, const struct subject *s)
{
	size_t i = 0, held = 0;

	while (i < ARRAY_LEN(keys) && strcmp(keys[i].key, filter->key) != 0)
		i++;
	for (size_t k = 0; i < ARRAY_LEN(keys) && k < filter->n_values; k++)
		held += keys[i].match(s, filter->values[k]);
	return filter->n_values == 0 ||
	       (i < ARRAY_LEN(keys) && keys[i].each ? held == filter->n_values : held > 0);
}

bool netfilter_match(Cleat__V1__Filter *const *filters, size_t n, const struct network *network,
		     bool used, int64_t now_ns)
{
	const struct subject s = { network, used, now_ns };

	for (size_t i = 0; i < n; i++)
		if (!holds(filters[i], &s))
			return false;
	return true;
}
