/* SPDX-License-Identifier: Apache-2.0 */
#include "regjson.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}

static const char *text_of(const json_t *object, const char *key)
{
	return str_or_empty(json_string_value(json_object_get(object, key)));
}

void regjson_error(const char *text, size_t len, char out[REGJSON_TEXT_MAX])
{
	cleanup(json_freep) json_t *doc = json_loadb(text, len, 0, NULL);
	const json_t *first = json_array_get(json_object_get(doc, "errors"), 0);
	const char *message = text_of(first, "message"), *code = text_of(first, "code");

	if (!message[0]) /* token servers */
		message = text_of(doc, "details");
	snprintf(out, REGJSON_TEXT_MAX, "%s", message[0] ? message : code);
}

int regjson_token(const char *text, size_t len, char **out, struct err *err)
{
	cleanup(json_freep) json_t *doc = json_loadb(text, len, 0, NULL);
	const char *token = text_of(doc, "token");

	if (!token[0])
		token = text_of(doc, "access_token");
	if (!token[0] || strpbrk(token, "\r\n"))
		return err_set(err, ERR_INVALID, "the token server's answer holds no token");
	*out = strdup(token);
	return *out ? 0 : err_sys(err, ENOMEM, "token");
}

int regjson_identity(const char *text, size_t len, char **out)
{
	cleanup(json_freep) json_t *doc = json_loadb(text, len, 0, NULL);
	const char *token = text_of(doc, "refresh_token");

	*out = token[0] ? strdup(token) : NULL;
	return *out || !token[0] ? 0 : -ENOMEM;
}

int regjson_tags(const char *text, size_t len, struct strings *out, struct err *err)
{
	cleanup(json_freep) json_t *doc = json_loadb(text, len, 0, NULL);
	const json_t *tags = json_object_get(doc, "tags"), *tag;
	size_t i;

	if (!json_is_object(doc) || (tags && !json_is_array(tags) && !json_is_null(tags)))
		return err_set(err, ERR_INVALID, "the registry's list of tags cannot be read");
	json_array_foreach(tags, i, tag)
	{
		if (!json_is_string(tag))
			return err_set(err, ERR_INVALID, "tags[%zu]: expected a string", i);
		if (strings_append(out, json_string_value(tag)) < 0)
			return err_sys(err, ENOMEM, "tags");
	}
	return 0;
}
