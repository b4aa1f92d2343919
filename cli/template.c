/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering walks the text once per execution, without a tree: `block` copies text, executes actions,
 * and recurses for if, range and with; with `live` false it only looks for the matching end. A loop
 * body is walked again for each item. What an action computes is tplexpr.c's. Depth and output are
 * bounded, so a template cannot do more than fill its buffer. */
#include "template.h"

#include <ctype.h>
#include <string.h>

#include "tplexpr.h"
#include "tplvalue.h"

struct run {
	struct buf *out;
	struct tplexpr scope;
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
	return tplexpr_bad(&run->scope, what, text, end);
}

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
	a->text = tplexpr_blanks(p, end);
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

	p += tplexpr_word(p, a->end);
	if (live) {
		r = tplexpr_eval(&run->scope, p, a->end, dot, &value);
		if (r < 0)
			return r;
		taken = tplvalue_true(value);
	}
	r = block(run, pp, with && taken ? value : dot, live && taken, &at_else, &closing);
	while (r == 0 && at_else) {
		const char *rest = tplexpr_blanks(closing.text + 4, closing.end);

		if (rest == closing.end) {
			at_else = false;
			r = block(run, pp, dot, live && !taken, &at_else, &closing);
			return r == 0 && at_else
				       ? bad(run, "two {{else}}", closing.text, closing.end)
				       : r;
		}
		/* else if: one more condition of the same block */
		if (!tplexpr_is_word(rest, closing.end, "if"))
			return bad(run, "unexpected text", rest, closing.end);
		a = &(struct action){ .text = rest, .end = closing.end };
		return do_if(run, pp, a, dot, live && !taken, false);
	}
	return r;
}

/* The names of "$k, $v :=" at *pp, which moves behind them. */
static void range_names(const char **pp, const char *end, const char *name[2], size_t n[2])
{
	const char *p = tplexpr_blanks(*pp, end), *assign = p;

	n[0] = n[1] = 0;
	while (assign + 1 < end && !(assign[0] == ':' && assign[1] == '='))
		assign++;
	if (p == end || *p != '$' || assign + 1 >= end)
		return;
	for (size_t i = 0; i < 2 && p < assign && *p == '$'; i++) {
		name[i] = p + 1;
		n[i] = tplexpr_word(p + 1, assign);
		p = tplexpr_blanks(p + 1 + n[i], assign);
		if (p < assign && *p == ',')
			p = tplexpr_blanks(p + 1, assign);
	}
	*pp = assign + 2;
}

static int range_item(struct run *run, const char *body, const char **after, const char *name[2],
		      const size_t n[2], json_t *key, json_t *item, bool *at_else,
		      struct action *closing)
{
	size_t keep = run->scope.n_vars;
	int r = 0;

	if (n[1]) {
		r = tplexpr_set(&run->scope, name[0], n[0], key);
		if (r == 0)
			r = tplexpr_set(&run->scope, name[1], n[1], item);
	} else if (n[0]) {
		r = tplexpr_set(&run->scope, name[0], n[0], item);
	}
	*after = body;
	if (r == 0)
		r = block(run, after, item, true, at_else, closing);
	tplexpr_drop(&run->scope, keep);
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
		r = tplexpr_eval(&run->scope, p, a->end, dot, &value);
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
	*at_else = tplexpr_is_word(a->text, a->end, "else");
	*done = *at_else || tplexpr_is_word(a->text, a->end, "end");
	if (*done)
		return 0;
	if (tplexpr_is_word(a->text, a->end, "if"))
		return do_if(run, pp, a, dot, live, false);
	if (tplexpr_is_word(a->text, a->end, "with"))
		return do_if(run, pp, a, dot, live, true);
	if (tplexpr_is_word(a->text, a->end, "range"))
		return do_range(run, pp, a, dot, live);
	if (!live)
		return 0;
	r = tplexpr_eval(&run->scope, a->text, a->end, dot, &value);
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

	if (++run->scope.depth > TEMPLATE_DEPTH)
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
			return err_set(run->scope.err, ERR_EXHAUSTED, "template: output too large");
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
	run->scope.depth--;
	if (r == 0 && !done && run->scope.depth > 0)
		return bad(run, "missing {{end}}", *pp, *pp);
	if (r == 0 && done && run->scope.depth == 0)
		return bad(run, "unexpected {{end}} or {{else}}", closing->text, closing->end);
	return r;
}

int template_render(const char *text, json_t *data, bool strict, struct buf *out, struct err *err)
{
	struct run run = {
		.out = out,
		.scope = { .err = err, .root = data, .strict = strict },
	};
	struct action closing;
	bool at_else = false;
	int r;

	if (out->max == 0)
		out->max = TEMPLATE_OUTPUT_MAX;
	r = block(&run, &text, data, true, &at_else, &closing);
	tplexpr_drop(&run.scope, 0);
	if (r == 0 && out->error)
		return err_set(err, ERR_EXHAUSTED, "template: output too large");
	return r;
}
