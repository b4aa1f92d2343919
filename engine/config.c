/* SPDX-License-Identifier: Apache-2.0 */
/* One table says which key is which field and how it is read. Numbers may be written as strings,
 * as Docker's log-opts are. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "buf.h"
#include "fd.h"
#include "idrange.h"
#include "str.h"

enum { FILE_MAX_BYTES = 1 << 20 };

enum kind { BOOL, NUMBER, SIZE, WORD, LIST };

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset, size;
} keys[] = {
#define KEY(name, kind, field)                                                                     \
	{                                                                                          \
		name, kind, offsetof(struct config, field), sizeof(((struct config *)NULL)->field) \
	}
	KEY("debug", BOOL, debug),
	KEY("log-driver", WORD, log_driver),
	KEY("log-max-size", SIZE, log_max_size),
	KEY("log-max-file", NUMBER, log_max_files),
	KEY("log-compress-after", NUMBER, log_compress_after_s),
	KEY("events-max-size", SIZE, events_max_bytes),
	KEY("build-context-max-size", SIZE, context_max_bytes),
	KEY("default-runtime", WORD, default_runtime),
	KEY("userns-pool", WORD, userns_pool),
	KEY("bridge", WORD, bridge),
	KEY("publish-policy", WORD, publish_policy),
	KEY("layer-driver", WORD, layer_driver),
	KEY("layer-max-size", SIZE, layer_max_bytes),
	KEY("shutdown-timeout", NUMBER, shutdown_timeout_s),
	KEY("dns", LIST, dns),
	KEY("dns-search", LIST, dns_search),
	KEY("dns-opts", LIST, dns_options),
	KEY("registry-mirrors", LIST, registry_mirrors),
	KEY("insecure-registries", LIST, insecure_registries),
	KEY("registry-certs", WORD, registry_certs),
	KEY("registry-timeout", NUMBER, registry_timeout_s),
#undef KEY
};

void config_defaults(struct config *config)
{
	*config = (struct config){
		.log_max_size = 20 << 20,
		.log_max_files = 5,
		.log_compress_after_s = 30,
		.events_max_bytes = 16 << 20,
		.context_max_bytes = 4ULL << 30,
		.shutdown_timeout_s = 10,
		.registry_certs = "/etc/docker/certs.d",
		.registry_timeout_s = 30,
	};
}

bool config_publish_by_input(const struct config *config)
{
	return strcmp(config->publish_policy, "input") == 0;
}

static int read_number(const struct key *key, const json_t *value, uint64_t *number)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*number = (uint64_t)json_integer_value(value);
		return 0;
	}
	if (!json_is_string(value))
		return -EINVAL;
	return key->kind == SIZE ? str_size_bytes(json_string_value(value), number)
				 : str_u64(json_string_value(value), number);
}

static int read_list(const json_t *value, struct config_list *list)
{
	const json_t *item;
	size_t i;

	*list = (struct config_list){ 0 };
	if (!json_is_array(value) || json_array_size(value) > CONFIG_LIST_MAX)
		return -EINVAL;
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item) || json_string_length(item) >= CONFIG_WORD_MAX)
			return -EINVAL;
		(void)snprintf(list->v[list->n++], CONFIG_WORD_MAX, "%s", json_string_value(item));
	}
	return 0;
}

static int set_key(const struct key *key, const json_t *value, struct config *config)
{
	char *field = (char *)config + key->offset;
	uint64_t number = 0;
	uint32_t narrow;
	bool flag;

	switch (key->kind) {
	case BOOL:
		flag = json_is_true(value);
		memcpy(field, &flag, sizeof(flag));
		return json_is_boolean(value) ? 0 : -EINVAL;
	case WORD:
		if (!json_is_string(value) || json_string_length(value) >= key->size)
			return -EINVAL;
		(void)snprintf(field, key->size, "%s", json_string_value(value));
		return 0;
	case NUMBER:
		if (read_number(key, value, &number) < 0 || number > UINT32_MAX)
			return -EINVAL;
		narrow = (uint32_t)number;
		memcpy(field, &narrow, sizeof(narrow));
		return 0;
	case SIZE:
		if (read_number(key, value, &number) < 0)
			return -EINVAL;
		memcpy(field, &number, sizeof(number));
		return 0;
	case LIST:
		return read_list(value, (struct config_list *)(void *)field);
	}
	return -EINVAL;
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static bool is_url(const char *text)
{
	const char *host = str_has_prefix(text, "https://")  ? text + strlen("https://")
			   : str_has_prefix(text, "http://") ? text + strlen("http://")
							     : "";

	return host[0] && host[0] != '/' && !strpbrk(host, "@?# ");
}

static bool is_address(const char *text)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

static int check(const struct config *config, struct err *err)
{
	static const char *const logs[] = { "", "local", "json-file", "none" };
	static const char *const layers[] = { "", "erofs", "dir" };
	static const char *const bridges[] = { "", "none" };
	static const char *const policies[] = { "", "forward", "input" };

	for (size_t i = 0; i < config->registry_mirrors.n; i++)
		if (!is_url(config->registry_mirrors.v[i]))
			return err_set(
				err, ERR_INVALID,
				"registry-mirrors: \"%.120s\", expected http[s]://HOST[:PORT]",
				config->registry_mirrors.v[i]);
	for (size_t i = 0; i < config->dns.n; i++)
		if (!is_address(config->dns.v[i]))
			return err_set(err, ERR_INVALID, "dns: \"%.120s\" is not an ip address",
				       config->dns.v[i]);
	if (!is_one_of(config->log_driver, logs, ARRAY_LEN(logs)))
		return err_set(err, ERR_INVALID, "log-driver \"%s\" is not known",
			       config->log_driver);
	if (!is_one_of(config->bridge, bridges, ARRAY_LEN(bridges)))
		return err_set(err, ERR_INVALID, "bridge \"%s\": expected none", config->bridge);
	if (!is_one_of(config->publish_policy, policies, ARRAY_LEN(policies)))
		return err_set(err, ERR_INVALID, "publish-policy \"%s\": expected forward or input",
			       config->publish_policy);
	if (config->userns_pool[0] && idrange_parse(config->userns_pool, &(struct idrange){ 0, 0 }))
		return err_set(err, ERR_INVALID,
			       "userns-pool \"%s\": expected FIRST:COUNT, with FIRST from %d on",
			       config->userns_pool, IDRANGE_FIRST_MIN);
	if (!is_one_of(config->layer_driver, layers, ARRAY_LEN(layers)))
		return err_set(err, ERR_INVALID, "layer-driver \"%s\" is not known",
			       config->layer_driver);
	return 0;
}

static void decref(json_t **json)
{
	json_decref(*json);
}

int config_parse(const char *text, size_t len, struct config *config, struct err *err)
{
	struct config result = *config;
	json_error_t where;
	cleanup(decref) json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	const char *name;
	json_t *value;

	if (!root)
		return err_set(err, ERR_INVALID, "line %d: %s", where.line, where.text);
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "the configuration is not a JSON object");
	json_object_foreach(root, name, value)
	{
		const struct key *key = find_key(name);

		if (!key)
			return err_set(err, ERR_INVALID, "unknown key \"%s\"", name);
		if (set_key(key, value, &result) < 0)
			return err_set(err, ERR_INVALID, "bad value for \"%s\"", name);
	}

	int r = check(&result, err);

	if (r == 0)
		*config = result;
	return r;
}

int config_load(const char *path, struct config *config, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, &text);

	if (r < 0)
		return err_sys(err, r, "open %s", path);
	r = config_parse(text.data ? text.data : "", text.len, config, err);
	return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}
