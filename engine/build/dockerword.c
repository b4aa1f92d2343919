/* SPDX-License-Identifier: Apache-2.0 */
#include "dockerword.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}

static int append_slice(struct strings *out, const char *s, size_t n)
{
	cleanup_free char *word = strndup(s, n);

	return word ? strings_append(out, word) : -ENOMEM;
}

int dockerword_json(const char *text, struct strings *out)
{
	while (is_blank(*text))
		text++;
	if (*text != '[')
		return 0;
	cleanup(json_freep) json_t *array = json_loads(text, 0, NULL);
	size_t n = array ? json_array_size(array) : 0;
	int r = array && json_is_array(array) ? 1 : 0;

	for (size_t i = 0; r == 1 && i < n; i++)
		if (!json_is_string(json_array_get(array, i)))
			r = 0;
	for (size_t i = 0; r == 1 && i < n; i++)
		if (strings_append(out, json_string_value(json_array_get(array, i))) < 0)
			r = -ENOMEM;
	return r;
}

int dockerword_blanks(const char *text, struct strings *out)
{
	int r = 0;

	while (r == 0) {
		while (is_blank(*text))
			text++;
		size_t n = 0;

		while (text[n] && !is_blank(text[n]))
			n++;
		if (n == 0)
			break;
		r = append_slice(out, text, n);
		text += n;
	}
	return r;
}

/* Length of the word at `s`. */
static size_t quoted_length(const char *s, char escape)
{
	char quote = 0;
	size_t n = 0;

	for (; s[n] && (quote || !is_blank(s[n])); n++) {
		if (s[n] == escape && quote != '\'' && s[n + 1])
			n++;
		else if (quote ? s[n] == quote : s[n] == '"' || s[n] == '\'')
			quote = quote ? 0 : s[n];
	}
	return n;
}

int dockerword_quoted(const char *text, char escape, struct strings *out)
{
	int r = 0;

	while (r == 0) {
		while (is_blank(*text))
			text++;
		size_t n = quoted_length(text, escape);

		if (n == 0)
			break;
		r = append_slice(out, text, n);
		text += n;
	}
	return r;
}

/* "name the rest is its value" */
static int old_pair(const char *text, const char *name, struct strings *out, struct err *err)
{
	size_t n = strcspn(text, " \t\v\f\r");
	const char *value = text + n;

	while (is_blank(*value))
		value++;
	if (!*value)
		return err_set(err, ERR_INVALID, "%s must have two arguments", name);
	int r = append_slice(out, text, n);

	r = r ? r : strings_append(out, value);
	return r < 0 ? err_sys(err, r, "read %s", name) : 0;
}

static int split_pair(const char *word, struct strings *out, struct err *err)
{
	const char *equals = strchr(word, '=');

	if (!equals)
		return err_set(err, ERR_INVALID,
			       "Syntax error - can't find = in \"%.80s\". Must be of the form: "
			       "name=value",
			       word);
	int r = append_slice(out, word, (size_t)(equals - word));

	r = r ? r : strings_append(out, equals + 1);
	return r < 0 ? err_sys(err, r, "read the Dockerfile") : 0;
}

int dockerword_pairs(const char *text, char escape, const char *name, struct strings *out,
		     struct err *err)
{
	cleanup(strings_deinit) struct strings words = { 0 };
	int r = dockerword_quoted(text, escape, &words);

	if (r < 0)
		return err_sys(err, r, "read %s", name);
	if (words.n && !strchr(words.v[0], '='))
		return old_pair(text, name, out, err);
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = split_pair(words.v[i], out, err);
	return r;
}
