/* SPDX-License-Identifier: Apache-2.0 */
#include "regjson.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"
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
		if (!json_is_string(tag) || !reference_tag_ok(json_string_value(tag)))
			return err_set(err, ERR_INVALID,
				       "tags[%zu] of the registry's list: expected a tag", i);
		if (strings_append(out, json_string_value(tag)) < 0)
			return err_sys(err, ENOMEM, "tags");
	}
	return 0;
}

void regjson_found_free(struct regjson_found *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(found[i].name);
		free(found[i].description);
	}
	free(found);
}

static int take_found(const json_t *item, struct regjson_found *out)
{
	json_int_t stars = json_integer_value(json_object_get(item, "star_count"));

	out->name = strdup(text_of(item, "name"));
	out->description = strdup(text_of(item, "description"));
	out->stars = stars > 0 && stars <= UINT32_MAX ? (uint32_t)stars : 0;
	out->official = json_is_true(json_object_get(item, "is_official"));
	return out->name && out->description ? 0 : -ENOMEM;
}

int regjson_search(const char *text, size_t len, struct regjson_found **out, size_t *n,
		   struct err *err)
{
	cleanup(json_freep) json_t *doc = json_loadb(text, len, 0, NULL);
	const json_t *results = json_object_get(doc, "results");
	size_t count = json_array_size(results);
	struct regjson_found *found;
	int r = 0;

	if (!json_is_array(results))
		return err_set(err, ERR_INVALID,
			       "the registry's answer to a search cannot be read");
	found = calloc(count + 1, sizeof(*found));
	if (!found)
		return err_sys(err, ENOMEM, "search");
	for (size_t i = 0; r == 0 && i < count; i++)
		r = take_found(json_array_get(results, i), &found[i]);
	if (r < 0) {
		regjson_found_free(found, count);
		return err_sys(err, r, "search");
	}
	*out = found;
	*n = count;
	return 0;
}
