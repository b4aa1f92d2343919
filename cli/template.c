/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering walks the text once per execution, without a tree: `block` copies text, executes actions,
 * and recurses for if, range and with; with `live` false it only looks for the matching end. A loop
 * body is walked again for each item. Depth and output are bounded, so a template cannot do more than
 * fill its buffer. */
#include "template.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "tplvalue.h"

enum { NAME_MAX_BYTES = 64, VARS_MAX = 16, ARGS_MAX = 16 };

struct variable {
	char name[NAME_MAX_BYTES];
	json_t *value; /* owned */
};

struct run {
	struct buf *out;
	struct err *err;
	json_t *root;
	bool strict;
	int depth;
	struct variable vars[VARS_MAX];
	size_t n_vars;
};

/* One {{action}}: its inside without blanks and trim marks, and where the text goes on. */
struct action {
	const char *text, *end;
	const char *next;
	bool trim_next;
};

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static int bad(struct run *run, const char *what, const char *text, const char *end)
{
	return err_set(run->err, ERR_INVALID, "template: %s near \"%.*s\"", what,
		       (int)(end - text > 40 ? 40 : end - text), text);
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

static size_t word_length(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && (isalnum((unsigned char)p[n]) || p[n] == '_'))
		n++;
	return n;
}

static bool is_word(const char *p, const char *end, const char *word)
{
	size_t n = word_length(p, end);

	return n == strlen(word) && memcmp(p, word, n) == 0;
}

/* ---- expressions */

static int pipeline(struct run *run, const char **pp, const char *end, json_t *dot, json_t **value);

/* .a.b.c behind a value: replaces *value. */
static int fields(struct run *run, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp;

	while (p + 1 < end && p[0] == '.' && word_length(p + 1, end) > 0) {
		size_t n = word_length(p + 1, end);
		char name[NAME_MAX_BYTES];
		json_t *inner;

		if (n >= sizeof(name))
			return bad(run, "name too long", p, end);
		memcpy(name, p + 1, n);
		name[n] = '\0';
		inner = json_object_get(*value, name);
		if (!inner && (run->strict || !(json_is_object(*value) || json_is_null(*value))))
			return err_set(run->err, ERR_INVALID, "template: can't evaluate field %s",
				       name);
		inner = inner ? json_incref(inner) : json_null();
		json_decref(*value);
		*value = inner;
		p += 1 + n;
	}
	*pp = p;
	return 0;
}

static int string_operand(struct run *run, const char **pp, const char *end, json_t **value)
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
		return bad(run, "unterminated string", *pp, end);
	*pp = p + 1;
	*value = json_stringn_nocheck(b.data ? b.data : "", b.len);
	return *value ? 0 : -ENOMEM;
}

static int number_operand(struct run *run, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp;
	bool minus = *p == '-';
	json_int_t n = 0;

	for (p += minus; p < end && isdigit((unsigned char)*p); p++) {
		if (n > 1000000000000)
			return bad(run, "number too large", *pp, end);
		n = n * 10 + (*p - '0');
	}
	*pp = p;
	*value = json_integer(minus ? -n : n);
	return *value ? 0 : -ENOMEM;
}

static int variable_operand(struct run *run, const char **pp, const char *end, json_t **value)
{
	const char *p = *pp + 1;
	size_t n = word_length(p, end);

	*pp = p + n;
	if (n == 0) {
		*value = json_incref(run->root);
		return 0;
	}
	for (size_t i = run->n_vars; i-- > 0;)
		if (strncmp(run->vars[i].name, p, n) == 0 && run->vars[i].name[n] == '\0') {
			*value = json_incref(run->vars[i].value);
			return 0;
		}
	return bad(run, "undefined variable", p - 1, end);
}

static int paren_operand(struct run *run, const char **pp, const char *end, json_t *dot,
			 json_t **value)
{
	const char *p = *pp + 1;
	int r;

	if (++run->depth > TEMPLATE_DEPTH)
		return bad(run, "nested too deep", p, end);
	r = pipeline(run, &p, end, dot, value);
	run->depth--;
	if (r < 0)
		return r;
	p = skip_blanks(p, end);
	if (p == end || *p != ')') {
		json_decref(steal(value));
		return bad(run, "missing )", *pp, end);
	}
	*pp = p + 1;
	return 0;
}

/* One operand with its fields; *value is owned, NULL when there is none (a function name). */
static int operand(struct run *run, const char **pp, const char *end, json_t *dot, json_t **value)
{
	const char *p = *pp;
	int r = 0;

	*value = NULL;
	if (*p == '"' || *p == '`')
		r = string_operand(run, pp, end, value);
	else if (isdigit((unsigned char)*p) ||
		 (*p == '-' && p + 1 < end && isdigit((unsigned char)p[1])))
		r = number_operand(run, pp, end, value);
	else if (*p == '$')
		r = variable_operand(run, pp, end, value);
	else if (*p == '(')
		r = paren_operand(run, pp, end, dot, value);
	else if (*p == '.') {
		*value = json_incref(dot);
		if (word_length(p + 1, end) == 0)
			*pp = p + 1;
	} else if (is_word(p, end, "true") || is_word(p, end, "false")) {
		*value = json_boolean(*p == 't');
		*pp = p + word_length(p, end);
	} else if (is_word(p, end, "nil")) {
		*value = json_null();
		*pp = p + 3;
	} else {
		return 0;
	}
	if (r == 0)
		r = fields(run, pp, end, value);
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
static int arguments(struct run *run, const char **pp, const char *end, json_t *dot, json_t **args,
		     size_t *n_args)
{
	for (;;) {
		const char *p = skip_blanks(*pp, end);
		int r;

		*pp = p;
		if (p == end || *p == '|' || *p == ')')
			return 0;
		if (*n_args == ARGS_MAX)
			return bad(run, "too many arguments", p, end);
		r = operand(run, pp, end, dot, &args[*n_args]);
		if (r < 0)
			return r;
		if (!args[*n_args]) {
			size_t n = word_length(p, end);
			char name[NAME_MAX_BYTES] = "";

			if (n == 0 || n >= sizeof(name))
				return bad(run, "unexpected character", p, end);
			memcpy(name, p, n);
			*pp = p + n;
			r = tplvalue_call(name, NULL, 0, &args[*n_args], run->err);
			if (r < 0)
				return r;
		}
		(*n_args)++;
	}
}

/* One command of a pipeline; `last` (consumed, may be NULL) becomes its final argument. */
static int command(struct run *run, const char **pp, const char *end, json_t *dot, json_t *last,
		   json_t **value)
{
	json_t *args[ARGS_MAX + 1] = { NULL };
	char name[NAME_MAX_BYTES] = "";
	const char *p = skip_blanks(*pp, end);
	size_t n = word_length(p, end), n_args = 0;
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
	r = arguments(run, pp, end, dot, args, &n_args);
	if (last)
		args[n_args++] = last;
	if (r == 0 && name[0])
		r = tplvalue_call(name, args, n_args, value, run->err);
	else if (r == 0 && n_args == 1)
		*value = json_incref(args[0]);
	else if (r == 0)
		r = bad(run, n_args ? "not a function" : "missing value", p, end);
	free_args(args, n_args);
	return r;
}

static int pipeline(struct run *run, const char **pp, const char *end, json_t *dot, json_t **value)
{
	json_t *last = NULL;

	for (;;) {
		json_t *made = NULL;
		int r = command(run, pp, end, dot, last, &made);

		if (r < 0)
			return r;
		last = made;
		*pp = skip_blanks(*pp, end);
		if (*pp == end || **pp != '|')
			break;
		(*pp)++;
	}
	*value = last;
	return 0;
}

/* A pipeline that must use up all of [p, end). */
static int evaluate(struct run *run, const char *p, const char *end, json_t *dot, json_t **value)
{
	int r = pipeline(run, &p, end, dot, value);

	if (r == 0 && p != end) {
		json_decref(steal(value));
		return bad(run, "unexpected text", p, end);
	}
	return r;
}

/* ---- blocks */

static int block(struct run *run, const char **pp, json_t *dot, bool live, bool *at_else,
		 struct action *closing);

static int next_action(struct run *run, const char *open, struct action *a)
{
	const char *p = open + 2, *end;
	char quote = 0;

	if (p[0] == '-' && isspace((unsigned char)p[1]))
		p++;
	for (end = p; *end; end++) {
		if (quote) {
			if (*end == '\\' && quote == '"' && end[1])
				end++;
			else if (*end == quote)
				quote = 0;
		} else if (*end == '"' || *end == '`') {
			quote = *end;
		} else if (end[0] == '}' && end[1] == '}') {
			break;
		}
	}
	if (!*end)
		return bad(run, "unclosed action", open, open + strlen(open));
	a->next = end + 2;
	a->trim_next =
		end > p && end[-1] == '-' && (end - 1 == p || isspace((unsigned char)end[-2]));
	if (a->trim_next)
		end--;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	a->text = skip_blanks(p, end);
	a->end = end;
	if (a->trim_next)
		a->next += strspn(a->next, " \t\r\n");
	return 0;
}

/* if and with: *pp is behind the opening action. */
static int do_if(struct run *run, const char **pp, struct action *a, json_t *dot, bool live,
		 bool with)
{
	cleanup(json_freep) json_t *value = NULL;
	struct action closing;
	bool at_else = false, taken = false;
	const char *p = a->text;
	int r;

	p += word_length(p, a->end);
	if (live) {
		r = evaluate(run, p, a->end, dot, &value);
		if (r < 0)
			return r;
		taken = tplvalue_true(value);
	}
	r = block(run, pp, with && taken ? value : dot, live && taken, &at_else, &closing);
	while (r == 0 && at_else) {
		const char *rest = skip_blanks(closing.text + 4, closing.end);

		if (rest == closing.end) {
			at_else = false;
			r = block(run, pp, dot, live && !taken, &at_else, &closing);
			return r == 0 && at_else
				       ? bad(run, "two {{else}}", closing.text, closing.end)
				       : r;
		}
		/* else if: one more condition of the same block */
		if (!is_word(rest, closing.end, "if"))
			return bad(run, "unexpected text", rest, closing.end);
		a = &(struct action){ .text = rest, .end = closing.end };
		return do_if(run, pp, a, dot, live && !taken, false);
	}
	return r;
}

static int set_variable(struct run *run, const char *name, size_t n, json_t *value)
{
	struct variable *v = &run->vars[run->n_vars];

	if (run->n_vars == VARS_MAX || n == 0 || n >= sizeof(v->name))
		return bad(run, "bad or too many variables", name, name + n);
	memcpy(v->name, name, n);
	v->name[n] = '\0';
	v->value = json_incref(value);
	run->n_vars++;
	return 0;
}

static void drop_variables(struct run *run, size_t keep)
{
	while (run->n_vars > keep)
		json_decref(run->vars[--run->n_vars].value);
}

/* The names of "$k, $v :=" at *pp, which moves behind them. */
static void range_names(const char **pp, const char *end, const char *name[2], size_t n[2])
{
	const char *p = skip_blanks(*pp, end), *assign = p;

	n[0] = n[1] = 0;
	while (assign + 1 < end && !(assign[0] == ':' && assign[1] == '='))
		assign++;
	if (p == end || *p != '$' || assign + 1 >= end)
		return;
	for (size_t i = 0; i < 2 && p < assign && *p == '$'; i++) {
		name[i] = p + 1;
		n[i] = word_length(p + 1, assign);
		p = skip_blanks(p + 1 + n[i], assign);
		if (p < assign && *p == ',')
			p = skip_blanks(p + 1, assign);
	}
	*pp = assign + 2;
}

static int range_item(struct run *run, const char *body, const char **after, const char *name[2],
		      const size_t n[2], json_t *key, json_t *item, bool *at_else,
		      struct action *closing)
{
	size_t keep = run->n_vars;
	int r = 0;

	if (n[1]) {
		r = set_variable(run, name[0], n[0], key);
		if (r == 0)
			r = set_variable(run, name[1], n[1], item);
	} else if (n[0]) {
		r = set_variable(run, name[0], n[0], item);
	}
	*after = body;
	if (r == 0)
		r = block(run, after, item, true, at_else, closing);
	drop_variables(run, keep);
	return r;
}

static int range_items(struct run *run, const char *body, const char **after, json_t *value,
		       const char *name[2], const size_t n[2], bool *at_else,
		       struct action *closing)
{
	const char *key;
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(value, i, item)
	{
		cleanup(json_freep) json_t *k = json_integer((json_int_t)i);

		r = range_item(run, body, after, name, n, k, item, at_else, closing);
		if (r < 0)
			return r;
	}
	json_object_foreach(value, key, item)
	{
		cleanup(json_freep) json_t *k = json_string_nocheck(key);

		r = range_item(run, body, after, name, n, k, item, at_else, closing);
		if (r < 0)
			return r;
	}
	return r;
}

static int do_range(struct run *run, const char **pp, struct action *a, json_t *dot, bool live)
{
	cleanup(json_freep) json_t *value = NULL;
	const char *p = a->text + 5, *name[2] = { NULL, NULL }, *body = *pp;
	struct action closing;
	bool at_else = false, any = false;
	size_t n[2];
	int r;

	if (live) {
		range_names(&p, a->end, name, n);
		r = evaluate(run, p, a->end, dot, &value);
		if (r < 0)
			return r;
		any = json_array_size(value) > 0 || json_object_size(value) > 0;
	}
	if (any)
		r = range_items(run, body, pp, value, name, n, &at_else, &closing);
	else
		r = block(run, pp, dot, false, &at_else, &closing);
	if (r == 0 && at_else)
		r = block(run, pp, dot, live && !any, &at_else, &closing);
	return r;
}

/* Executes one action; *pp is behind it. *done says that it closes the block it is in. */
static int do_action(struct run *run, const char **pp, struct action *a, json_t *dot, bool live,
		     bool *at_else, bool *done)
{
	cleanup(json_freep) json_t *value = NULL;
	int r;

	if (a->end - a->text >= 4 && a->text[0] == '/' && a->text[1] == '*')
		return 0;
	*at_else = is_word(a->text, a->end, "else");
	*done = *at_else || is_word(a->text, a->end, "end");
	if (*done)
		return 0;
	if (is_word(a->text, a->end, "if"))
		return do_if(run, pp, a, dot, live, false);
	if (is_word(a->text, a->end, "with"))
		return do_if(run, pp, a, dot, live, true);
	if (is_word(a->text, a->end, "range"))
		return do_range(run, pp, a, dot, live);
	if (!live)
		return 0;
	r = evaluate(run, a->text, a->end, dot, &value);
	if (r == 0)
		tplvalue_print(run->out, value);
	return r;
}

/* Text and actions from *pp to the matching {{end}} or {{else}}, or at the top to the end. */
static int block(struct run *run, const char **pp, json_t *dot, bool live, bool *at_else,
		 struct action *closing)
{
	bool done = false;
	int r = 0;

	if (++run->depth > TEMPLATE_DEPTH)
		return bad(run, "nested too deep", *pp, *pp + strlen(*pp));
	while (r == 0 && !done) {
		const char *open = strstr(*pp, "{{");
		const char *stop = open ? open : *pp + strlen(*pp);

		if (open && open[2] == '-' && isspace((unsigned char)open[3]))
			while (stop > *pp && isspace((unsigned char)stop[-1]))
				stop--;
		if (live)
			buf_append(run->out, *pp, (size_t)(stop - *pp));
		if (run->out->error)
			return err_set(run->err, ERR_EXHAUSTED, "template: output too large");
		if (!open) {
			*pp = stop;
			break;
		}
		r = next_action(run, open, closing);
		if (r == 0) {
			struct action a = *closing;

			*pp = a.next;
			r = do_action(run, pp, &a, dot, live, at_else, &done);
			*closing = a;
		}
	}
	run->depth--;
	if (r == 0 && !done && run->depth > 0)
		return bad(run, "missing {{end}}", *pp, *pp);
	if (r == 0 && done && run->depth == 0)
		return bad(run, "unexpected {{end}} or {{else}}", closing->text, closing->end);
	return r;
}

int template_render(const char *text, json_t *data, bool strict, struct buf *out, struct err *err)
{
	struct run run = { .out = out, .err = err, .root = data, .strict = strict };
	struct action closing;
	bool at_else = false;
	int r;

	if (out->max == 0)
		out->max = TEMPLATE_OUTPUT_MAX;
	r = block(&run, &text, data, true, &at_else, &closing);
	drop_variables(&run, 0);
	if (r == 0 && out->error)
		return err_set(err, ERR_EXHAUSTED, "template: output too large");
	return r;
}
