/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline is commands behind pipes; a command is a function or one operand; an operand is a
 * literal, a variable, the dot or a pipeline in parentheses, each with fields behind it. Recursive
 * descent over the text, every value a counted JSON value that the caller of a function owns. */
#include "tplexpr.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "template.h"
#include "tplvalue.h"

enum { ARGS_MAX = 16 };

int tplexpr_bad(struct tplexpr *scope, const char *what, const char *text, const char *end)
{
	return err_set(scope->err, ERR_INVALID, "template: %s near \"%.*s\"", what,
		       (int)(end - text > 40 ? 40 : end - text), text);
}

const char *tplexpr_blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

size_t tplexpr_word(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && (isalnum((unsigned char)p[n]) || p[n] == '_'))
		n++;
	return n;
}

bool tplexpr_is_word(const char *p, const char *end, const char *word)
{
	size_t n = tplexpr_word(p, end);

	return n == strlen(word) && memcmp(p, word, n) == 0;
}

static int pipeline(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
		    json_t **value);

static json_t *find_field(const struct tplexpr *scope, const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	const char *key;

	if (!value && strcmp(name, "Label") == 0)
		value = json_object_get(object, TEMPLATE_LABELS);
	if (value || scope->strict)
		return value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return value;
	}
	return NULL;
}

/* .a.b.c behind a value: replaces *value. */
static int fields(struct tplexpr *scope, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp;

	while (p + 1 < end && p[0] == '.' && tplexpr_word(p + 1, end) > 0) {
		size_t n = tplexpr_word(p + 1, end);
		char name[TPLEXPR_NAME_MAX];
		json_t *inner;

		if (n >= sizeof(name))
			return tplexpr_bad(scope, "name too long", p, end);
		memcpy(name, p + 1, n);
		name[n] = '\0';
		inner = find_field(scope, *value, name);
		if (!inner && (scope->strict || !(json_is_object(*value) || json_is_null(*value))))
			return err_set(scope->err, ERR_INVALID, "template: can't evaluate field %s",
				       name);
		inner = inner ? json_incref(inner) : json_null();
		json_decref(*value);
		*value = inner;
		p += 1 + n;
	}
	*pp = p;
	return 0;
}

static int string_operand(struct tplexpr *scope, const char **pp, const char *end, json_t **value)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	const char *p = *pp;
	char quote = *p++;

	for (; p < end && *p != quote; p++) {
		if (*p == '\\' && quote == '"' && p + 1 < end) {
			p++;
			buf_putc(&b, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
		} else {
			buf_putc(&b, *p);
		}
	}
	if (p == end)
		return tplexpr_bad(scope, "unterminated string", *pp, end);
	*pp = p + 1;
	*value = json_stringn_nocheck(b.data ? b.data : "", b.len);
	return *value ? 0 : -ENOMEM;
}

static int number_operand(struct tplexpr *scope, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp;
	bool minus = *p == '-';
	json_int_t n = 0;

	for (p += minus; p < end && isdigit((unsigned char)*p); p++) {
		if (n > 1000000000000)
			return tplexpr_bad(scope, "number too large", *pp, end);
		n = n * 10 + (*p - '0');
	}
	*pp = p;
	*value = json_integer(minus ? -n : n);
	return *value ? 0 : -ENOMEM;
}

static int variable_operand(struct tplexpr *scope, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp + 1;
	size_t n = tplexpr_word(p, end);

	*pp = p + n;
	if (n == 0) {
		*value = json_incref(scope->root);
		return 0;
	}
	for (size_t i = scope->n_vars; i-- > 0;)
		if (strncmp(scope->vars[i].name, p, n) == 0 && scope->vars[i].name[n] == '\0') {
			*value = json_incref(scope->vars[i].value);
			return 0;
		}
	return tplexpr_bad(scope, "undefined variable", p - 1, end);
}

static int paren_operand(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
			 json_t **value)
{
	const char *p = *pp + 1;
	int r;

	if (++scope->depth > TEMPLATE_DEPTH)
		return tplexpr_bad(scope, "nested too deep", p, end);
	r = pipeline(scope, &p, end, dot, value);
	scope->depth--;
	if (r < 0)
		return r;
	p = tplexpr_blanks(p, end);
	if (p == end || *p != ')') {
		json_decref(steal(value));
		return tplexpr_bad(scope, "missing )", *pp, end);
	}
	*pp = p + 1;
	return 0;
}

/* One operand with its fields; *value is owned, NULL when there is none (a function name). */
static int operand(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
		   json_t **value)
{
	const char *p = *pp;
	int r = 0;

	*value = NULL;
	if (*p == '"' || *p == '`')
		r = string_operand(scope, pp, end, value);
	else if (isdigit((unsigned char)*p) ||
		 (*p == '-' && p + 1 < end && isdigit((unsigned char)p[1])))
		r = number_operand(scope, pp, end, value);
	else if (*p == '$')
		r = variable_operand(scope, pp, end, value);
	else if (*p == '(')
		r = paren_operand(scope, pp, end, dot, value);
	else if (*p == '.') {
		*value = json_incref(dot);
		if (tplexpr_word(p + 1, end) == 0)
			*pp = p + 1;
	} else if (tplexpr_is_word(p, end, "true") || tplexpr_is_word(p, end, "false")) {
		*value = json_boolean(*p == 't');
		*pp = p + tplexpr_word(p, end);
	} else if (tplexpr_is_word(p, end, "nil")) {
		*value = json_null();
		*pp = p + 3;
	} else {
		return 0;
	}
	if (r == 0)
		r = fields(scope, pp, end, value);
	if (r < 0 && *value)
		json_decref(steal(value));
	return r;
}

static void free_args(json_t **args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(args[i]);
}

/* Operands up to a pipe, a parenthesis or the end. */
static int arguments(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
		     json_t **args, size_t *n_args)
{
	for (;;) {
		const char *p = tplexpr_blanks(*pp, end);
		int r;

		*pp = p;
		if (p == end || *p == '|' || *p == ')')
			return 0;
		if (*n_args == ARGS_MAX)
			return tplexpr_bad(scope, "too many arguments", p, end);
		r = operand(scope, pp, end, dot, &args[*n_args]);
		if (r < 0)
			return r;
		if (!args[*n_args]) {
			size_t n = tplexpr_word(p, end);
			char name[TPLEXPR_NAME_MAX] = "";

			if (n == 0 || n >= sizeof(name))
				return tplexpr_bad(scope, "unexpected character", p, end);
			memcpy(name, p, n);
			*pp = p + n;
			r = tplvalue_call(name, NULL, 0, &args[*n_args], scope->err);
			if (r < 0)
				return r;
		}
		(*n_args)++;
	}
}

/* What .Label "key" gives: "" when there is none. */
static json_t *label(const json_t *labels, const char *key)
{
	json_t *value = json_object_get(labels, key);

	return value ? json_incref(value) : json_string("");
}

/* One command of a pipeline; `last` (consumed, may be NULL) becomes its final argument. */
static int command(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
		   json_t *last, json_t **value)
{
	json_t *args[ARGS_MAX + 1] = { NULL };
	char name[TPLEXPR_NAME_MAX] = "";
	const char *p = tplexpr_blanks(*pp, end);
	size_t n = tplexpr_word(p, end), n_args = 0;
	int r;

	if (n > 0 && n < sizeof(name) && !isdigit((unsigned char)*p)) {
		memcpy(name, p, n);
		if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0 ||
		    strcmp(name, "nil") == 0)
			name[0] = '\0';
		else
			p += n;
	}
	*pp = p;
	r = arguments(scope, pp, end, dot, args, &n_args);
	if (last)
		args[n_args++] = last;
	if (r == 0 && name[0])
		r = tplvalue_call(name, args, n_args, value, scope->err);
	else if (r == 0 && n_args == 1)
		*value = json_incref(args[0]);
	else if (r == 0 && n_args == 2 && json_is_object(args[0]) && json_is_string(args[1]))
		*value = label(args[0], json_string_value(args[1]));
	else if (r == 0)
		r = tplexpr_bad(scope, n_args ? "not a function" : "missing value", p, end);
	free_args(args, n_args);
	return r;
}

static int pipeline(struct tplexpr *scope, const char **pp, const char *end, json_t *dot,
		    json_t **value)
{
	json_t *last = NULL;

	for (;;) {
		json_t *made = NULL;
		int r = command(scope, pp, end, dot, last, &made);

		if (r < 0)
			return r;
		last = made;
		*pp = tplexpr_blanks(*pp, end);
		if (*pp == end || **pp != '|')
			break;
		(*pp)++;
	}
	*value = last;
	return 0;
}

int tplexpr_eval(struct tplexpr *scope, const char *p, const char *end, json_t *dot, json_t **value)
{
	int r = pipeline(scope, &p, end, dot, value);

	if (r == 0 && p != end) {
		json_decref(steal(value));
		return tplexpr_bad(scope, "unexpected text", p, end);
	}
	return r;
}

int tplexpr_set(struct tplexpr *scope, const char *name, size_t n, json_t *value)
{
	struct tplexpr_variable *v = &scope->vars[scope->n_vars];

	if (scope->n_vars == TPLEXPR_VARS_MAX || n == 0 || n >= sizeof(v->name))
		return tplexpr_bad(scope, "bad or too many variables", name, name + n);
	memcpy(v->name, name, n);
	v->name[n] = '\0';
	v->value = json_incref(value);
	scope->n_vars++;
	return 0;
}

void tplexpr_drop(struct tplexpr *scope, size_t keep)
{
	while (scope->n_vars > keep)
		json_decref(scope->vars[--scope->n_vars].value);
}
