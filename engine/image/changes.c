/* SPDX-License-Identifier: Apache-2.0 */
/* Words as the Dockerfile reference has them: divided by blanks, "..." and '...' keep blanks, \ keeps the next
 * character (not within '...'). A list is JSON or, where the instruction allows it, a line for the shell. */
#include "changes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "str.h"

/* ---- words */

/* The next word without its quotes; NULL without memory. *p is behind it. A '=' in it that is not quoted is
 * *equals' place, -1 = none. */
static char *next_word(const char **p, long *equals)
{
	struct buf word = BUF_NULL;
	char quote = 0;
	const char *s = *p;

	*equals = -1;
	for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
		if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = quote ? 0 : *s;
			continue;
		}
		if (*s == '=' && !quote && *equals < 0)
			*equals = (long)word.len;
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		buf_putc(&word, *s);
	}
	*p = s;
	return buf_steal(&word);
}

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* 0 or -1, as jansson has it. */
static int add_text(json_t *array, const char *text)
{
	return text ? json_array_append_new(array, json_string(text)) : -1;
}

static json_t *words_of(const char *text)
{
	json_t *list = json_array();

	for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
		long equals;
		cleanup_free char *word = next_word(&text, &equals);

		if (add_text(list, word) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The JSON array of strings that the text is; NULL = it is none. */
static json_t *json_list(const char *text)
{
	json_t *list = *text == '[' ? json_loads(text, 0, NULL) : NULL;

	for (size_t i = 0; list && i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i))) {
			json_decref(list);
			return NULL;
		}
	if (list && !json_is_array(list)) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* What the instruction runs: as it is, or by a shell. */
static json_t *command_of(const json_t *config, const char *text)
{
	const json_t *shell = json_object_get(config, "Shell");
	json_t *list = json_list(text);

	if (list)
		return list;
	list = json_is_array(shell) && json_array_size(shell)
		       ? json_deep_copy(shell)
		       : json_pack("[s, s]", "/bin/sh", "-c");
	if (add_text(list, text) == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- the instructions: 0, -1 where a text is no UTF-8 or memory is short, -EINVAL with *err set */

static int set_env(json_t *config, const char *key, const char *value)
{
	json_t *env = json_object_get(config, "Env");
	cleanup_free char *text = str_printf("%s=%s", key, value);
	size_t n = strlen(key);

	if (!json_is_array(env)) {
		env = json_array();
		if (json_object_set_new(config, "Env", env) < 0)
			return -1;
	}
	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *old = json_string_value(json_array_get(env, i));

		if (old && strncmp(old, key, n) == 0 && (old[n] == '=' || !old[n]))
			return json_array_set_new(env, i, json_string(str_or_empty(text)));
	}
	return add_text(env, text);
}

static json_t *object_of(json_t *config, const char *key)
{
	json_t *object = json_object_get(config, key);

	if (json_is_object(object))
		return object;
	object = json_object();
	return json_object_set_new(config, key, object) == 0 ? object : NULL;
}

static int set_label(json_t *config, const char *key, const char *value)
{
	return json_object_set_new(object_of(config, "Labels"), key, json_string(value));
}

/* KEY=VALUE ... or, as of old, KEY VALUE to the end of the line. */
static int pairs(json_t *config, const char *text, const char *name,
		 int (*set)(json_t *config, const char *key, const char *value), struct err *err)
{
	int r = 0;

	for (bool first = true; r == 0 && *text; first = false) {
		long equals;
		cleanup_free char *word = next_word(&text, &equals);

		text = skip_blanks(text);
		if (!word)
			return -1;
		if (equals < 0 && first && *text)
			return set(config, word, text);
		if (equals <= 0)
			return err_set(err, ERR_INVALID, "%s: \"%.80s\": expected KEY=VALUE", name,
				       word);
		word[equals] = '\0';
		r = set(config, word, word + equals + 1);
	}
	return r;
}

static int do_env(json_t *config, const char *text, struct err *err)
{
	return pairs(config, text, "ENV", set_env, err);
}

static int do_label(json_t *config, const char *text, struct err *err)
{
	return pairs(config, text, "LABEL", set_label, err);
}

static int do_cmd(json_t *config, const char *text, struct err *err)
{
	(void)err;
	return json_object_set_new(config, "Cmd", command_of(config, text));
}

/* The command was for the entrypoint before. */
static int do_entrypoint(json_t *config, const char *text, struct err *err)
{
	(void)err;
	json_object_del(config, "Cmd");
	return json_object_set_new(config, "Entrypoint", command_of(config, text));
}

static int do_user(json_t *config, const char *text, struct err *err)
{
	(void)err;
	return json_object_set_new(config, "User", json_string(text));
}

static int do_stopsignal(json_t *config, const char *text, struct err *err)
{
	(void)err;
	return json_object_set_new(config, "StopSignal", json_string(text));
}

static int do_onbuild(json_t *config, const char *text, struct err *err)
{
	json_t *list = json_object_get(config, "OnBuild");

	(void)err;
	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(config, "OnBuild", list) < 0)
			return -1;
	}
	return add_text(list, text);
}

/* Relative to the one before. */
static int do_workdir(json_t *config, const char *text, struct err *err)
{
	const char *before = json_string_value(json_object_get(config, "WorkingDir"));
	cleanup_free char *path =
		text[0] == '/' ? strdup(text) : str_path(before && before[0] ? before : "/", text);

	(void)err;
	return path ? json_object_set_new(config, "WorkingDir", json_string(path)) : -1;
}

static int do_volume(json_t *config, const char *text, struct err *err)
{
	json_t *list = json_list(text), *volumes = object_of(config, "Volumes");
	int r = 0;

	(void)err;
	list = list ? list : words_of(text);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = json_object_set_new(volumes, json_string_value(json_array_get(list, i)),
					json_object());
	json_decref(list);
	return r;
}

/* PORT[-PORT][/PROTOCOL] */
static int expose_one(json_t *ports, const char *word, struct err *err)
{
	char first[16] = "", last[16] = "", protocol[16] = "tcp", key[48];
	int64_t from = 0, to = 0;
	int r = 0;

	if (sscanf(word, "%15[0-9]-%15[0-9]/%15[a-z]", first, last, protocol) < 2) {
		last[0] = '\0';
		(void)sscanf(word, "%15[0-9]/%15[a-z]", first, protocol);
	}
	snprintf(key, sizeof(key), "%s%s%s%s%s", first, last[0] ? "-" : "", last,
		 strchr(word, '/') ? "/" : "", strchr(word, '/') ? protocol : "");
	if (strcmp(key, word) != 0 || str_int_in(first, 1, 65535, &from) < 0 ||
	    str_int_in(last[0] ? last : first, from, 65535, &to) < 0 ||
	    (strcmp(protocol, "tcp") && strcmp(protocol, "udp") && strcmp(protocol, "sctp")))
		return err_set(err, ERR_INVALID, "EXPOSE: \"%.60s\": expected PORT[/PROTOCOL]",
			       word);
	for (; r == 0 && from <= to; from++) {
		snprintf(key, sizeof(key), "%d/%s", (int)from, protocol);
		r = json_object_set_new(ports, key, json_object());
	}
	return r;
}

static int do_expose(json_t *config, const char *text, struct err *err)
{
	json_t *list = words_of(text), *ports = object_of(config, "ExposedPorts");
	int r = list ? 0 : -1;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = expose_one(ports, json_string_value(json_array_get(list, i)), err);
	json_decref(list);
	return r;
}

/* --interval=30s and its kind, in front of CMD. */
static int health_option(json_t *check, const char *word, struct err *err)
{
	static const struct {
		const char *name, *key;
	} options[] = {
		{ "--interval=", "Interval" },
		{ "--timeout=", "Timeout" },
		{ "--start-period=", "StartPeriod" },
		{ "--start-interval=", "StartInterval" },
	};
	int64_t value;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_has_prefix(word, options[i].name) &&
		    str_duration_ns(word + strlen(options[i].name), &value) == 0)
			return json_object_set_new(check, options[i].key, json_integer(value));
	if (str_has_prefix(word, "--retries=") && str_int_in(word + 10, 0, INT32_MAX, &value) == 0)
		return json_object_set_new(check, "Retries", json_integer(value));
	return err_set(err, ERR_INVALID, "HEALTHCHECK: \"%.60s\" is no option of it", word);
}

static int health_test(json_t *check, const char *text, struct err *err)
{
	json_t *test, *list;

	if (strcasecmp(text, "NONE") == 0)
		return json_object_set_new(check, "Test", json_pack("[s]", "NONE"));
	if (strncasecmp(text, "CMD", 3) != 0 || !isspace((unsigned char)text[3]))
		return err_set(err, ERR_INVALID, "HEALTHCHECK: expected CMD or NONE");
	text = skip_blanks(text + 3);
	list = json_list(text);
	test = list ? json_pack("[s]", "CMD") : json_pack("[s, s]", "CMD-SHELL", text);
	if (list)
		json_array_extend(test, list);
	json_decref(list);
	return json_object_set_new(check, "Test", test);
}

static int do_healthcheck(json_t *config, const char *text, struct err *err)
{
	json_t *check = json_object();
	int r = json_object_set_new(config, "Healthcheck", check);

	while (r == 0 && str_has_prefix(text, "--")) {
		long equals;
		cleanup_free char *word = next_word(&text, &equals);

		text = skip_blanks(text);
		r = word ? health_option(check, word, err) : -1;
	}
	return r ? r : health_test(check, text, err);
}

static const struct {
	const char *name;
	int (*apply)(json_t *config, const char *text, struct err *err);
} instructions[] = {
	{ "CMD", do_cmd },         { "ENTRYPOINT", do_entrypoint },   { "ENV", do_env },
	{ "EXPOSE", do_expose },   { "HEALTHCHECK", do_healthcheck }, { "LABEL", do_label },
	{ "ONBUILD", do_onbuild }, { "STOPSIGNAL", do_stopsignal },   { "USER", do_user },
	{ "VOLUME", do_volume },   { "WORKDIR", do_workdir },
};

int changes_apply(json_t *config, const char *line, struct err *err)
{
	const char *word = skip_blanks(line);
	size_t n = strcspn(word, " \t\r\n");
	cleanup_free char *text = strdup(skip_blanks(word + n));

	if (strlen(line) > CHANGES_LINE_MAX)
		return err_set(err, ERR_INVALID, "a change is longer than %d bytes",
			       CHANGES_LINE_MAX);
	for (size_t end = text ? strlen(text) : 0; end && isspace((unsigned char)text[end - 1]);)
		text[--end] = '\0';
	for (size_t i = 0; text && i < ARRAY_LEN(instructions); i++) {
		if (strncasecmp(instructions[i].name, word, n) != 0 || instructions[i].name[n])
			continue;
		if (!text[0])
			return err_set(err, ERR_INVALID, "%s requires at least one argument",
				       instructions[i].name);
		int r = instructions[i].apply(config, text, err);

		return r == -1 ? err_set(err, ERR_INVALID, "%s: not valid UTF-8",
					 instructions[i].name)
			       : r;
	}
	return err_set(err, ERR_INVALID, "\"%.*s\" is not a valid change command",
		       (int)(n < 40 ? n : 40), word);
}
