/* SPDX-License-Identifier: Apache-2.0 */
/* Keys were URLs once ("https://host/v1/"), so two are the same when their hosts are. */
#include "dockercfg.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "str.h"

static const char hub[] = "https://index.docker.io/v1/";

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}

void dockercfg_entry_deinit(struct dockercfg_entry *e)
{
	char *texts[] = { e->helper, e->username, e->password, e->identity_token };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*e = (struct dockercfg_entry){ 0 };
}

const char *dockercfg_key(const char *server)
{
	static const char *const hubs[] = { "", "docker.io", "index.docker.io",
					    "registry-1.docker.io", hub };

	for (size_t i = 0; i < ARRAY_LEN(hubs); i++)
		if (strcmp(server, hubs[i]) == 0)
			return hub;
	return server;
}

void dockercfg_host(const char *image, char out[DOCKERCFG_HOST_MAX])
{
	size_t n = strcspn(image, "/");
	bool host = image[n] == '/' &&
		    (memchr(image, '.', n) || memchr(image, ':', n) ||
		     (n == strlen("localhost") && strncmp(image, "localhost", n) == 0));

	snprintf(out, DOCKERCFG_HOST_MAX, "%.*s", host ? (int)n : 9, host ? image : "docker.io");
}

/* The host of a key that may be a URL, and its length. */
static const char *host_of(const char *key, size_t *n)
{
	const char *scheme = strstr(key, "://");

	key = scheme ? scheme + 3 : key;
	*n = strcspn(key, "/");
	return key;
}

static bool same_server(const char *a, const char *b)
{
	size_t n, m;
	const char *x = host_of(a, &n), *y = host_of(b, &m);

	return n == m && strncmp(x, y, n) == 0;
}

static json_t *load(const char *text, size_t len, struct err *err)
{
	json_error_t e = { 0 };
	json_t *doc = len ? json_loadb(text, len, 0, &e) : json_object();

	if (doc && json_is_object(doc))
		return doc;
	json_decref(doc);
	err_set(err, ERR_INVALID, "config.json: %s", doc ? "expected an object" : e.text);
	return NULL;
}

/* The member of an object of servers. */
static json_t *of_server(json_t *object, const char *server, const char **key_found)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (same_server(key, server)) {
			*key_found = key;
			return value;
		}
	}
	return NULL;
}

static int copy(const json_t *object, const char *key, char **out)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || !text[0])
		return 0;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

/* "auth": base64 of USER:PASSWORD. */
static int split_auth(const char *auth, struct dockercfg_entry *out)
{
	cleanup(buf_deinit) struct buf pair = BUF_NULL;
	int r = base64_decode(&pair, auth);
	char *colon = r == 0 && pair.data ? strchr(pair.data, ':') : NULL;

	if (!colon)
		return -EINVAL;
	*colon++ = '\0';
	out->username = strdup(pair.data);
	out->password = strdup(colon);
	return out->username && out->password ? 0 : -ENOMEM;
}

static int read_entry(const json_t *entry, struct dockercfg_entry *out)
{
	const char *auth = json_string_value(json_object_get(entry, "auth"));
	int r = copy(entry, "identitytoken", &out->identity_token);

	if (r == 0 && auth && auth[0])
		return split_auth(auth, out);
	r = r ? r : copy(entry, "username", &out->username);
	return r ? r : copy(entry, "password", &out->password);
}

int dockercfg_find(const char *text, size_t len, const char *server, struct dockercfg_entry *out,
		   struct err *err)
{
	cleanup(json_freep) json_t *doc = load(text, len, err);
	const char *key = NULL;
	json_t *found;
	int r = 0;

	*out = (struct dockercfg_entry){ 0 };
	server = dockercfg_key(server);
	if (!doc)
		return -EINVAL;
	found = of_server(json_object_get(doc, "credHelpers"), server, &key);
	if (json_is_string(found)) /* "" = none for this one */
		r = copy(json_object_get(doc, "credHelpers"), key, &out->helper);
	else
		r = copy(doc, "credsStore", &out->helper);
	found = of_server(json_object_get(doc, "auths"), server, &key);
	if (r == 0 && found && !out->helper)
		r = read_entry(found, out);
	if (r < 0)
		dockercfg_entry_deinit(out);
	return r < 0 ? err_set(err, ERR_INVALID, "config.json, auths, %.100s: it cannot be read",
			       server)
		     : 0;
}

static json_t *make_entry(const struct dockercfg_entry *e)
{
	cleanup(buf_deinit) struct buf auth = BUF_NULL;
	cleanup_free char *pair = str_printf("%s:%s", str_or_empty(e->username),
					     e->identity_token ? "" : str_or_empty(e->password));
	json_t *object = json_object();

	if (e->helper)
		return object;
	if (pair)
		base64_encode(&auth, pair, strlen(pair));
	json_object_set_new(object, "auth", json_string(str_or_empty(auth.data)));
	if (e->identity_token)
		json_object_set_new(object, "identitytoken", json_string(e->identity_token));
	return object;
}

int dockercfg_store(const char *text, size_t len, const char *server,
		    const struct dockercfg_entry *entry, char **out, struct err *err)
{
	cleanup(json_freep) json_t *doc = load(text, len, err);
	const char *key = NULL;
	json_t *auths;

	server = dockercfg_key(server);
	if (!doc)
		return -EINVAL;
	auths = json_object_get(doc, "auths");
	if (!json_is_object(auths)) {
		auths = json_object();
		json_object_set_new(doc, "auths", auths);
	}
	while (of_server(auths, server, &key))
		json_object_del(auths, key);
	if (entry)
		json_object_set_new(auths, server, make_entry(entry));
	*out = json_dumps(doc, JSON_INDENT(4));
	return *out ? 0 : err_sys(err, ENOMEM, "config.json");
}
