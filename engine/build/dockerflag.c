/* SPDX-License-Identifier: Apache-2.0 */
#include "dockerflag.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "str.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "read the Dockerfile");
}

static const struct flag_rule *find_flag(const struct flag_rule *rules, const char *name, size_t n)
{
	for (const struct flag_rule *f = rules; f->name; f++)
		if (strlen(f->name) == n && memcmp(f->name, name, n) == 0)
			return f;
	return NULL;
}

static int check_value(const struct flag_rule *rule, const char **value, struct err *err)
{
	if (!rule->is_switch)
		return *value ? 0
			      : err_set(err, ERR_INVALID, "missing a value on flag: %s",
					rule->name);
	if (!*value || strcasecmp(*value, "true") == 0)
		*value = "true";
	else if (strcasecmp(*value, "false") == 0)
		*value = "false";
	else
		return err_set(err, ERR_INVALID, "expecting boolean value for flag %s, not: %.40s",
			       rule->name, *value);
	return 0;
}

static int add_flag(struct instruction *in, const struct flag_rule *rules, const char *word,
		    struct err *err)
{
	size_t n = strcspn(word, "=");
	const struct flag_rule *rule = find_flag(rules, word, n);
	const char *value = word[n] ? word + n + 1 : NULL;

	if (!rule)
		return err_set(err, ERR_INVALID, "unknown flag: --%.*s", (int)(n > 60 ? 60 : n),
			       word);
	if (!rule->repeated && instruction_flag(in, rule->name, 0))
		return err_set(err, ERR_INVALID, "duplicate flag specified: %s", rule->name);
	int r = check_value(rule, &value, err);

	if (r < 0)
		return r;
	if (strings_append(&in->flags, rule->name) < 0 || strings_append(&in->flags, value) < 0)
		return no_memory(err);
	return 0;
}

/* A flag's word without its quotes; *p is moved behind it. */
static char *flag_word(const char **p, char escape)
{
	cleanup(buf_deinit) struct buf word = BUF_NULL;
	const char *s = *p;
	char quote = 0;

	for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
		if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = quote ? 0 : *s;
			continue;
		}
		if (*s == escape && quote != '\'' && s[1])
			s++;
		buf_putc(&word, *s);
	}
	*p = s;
	return buf_steal(&word);
}

int dockerflag_read(struct instruction *in, const struct flag_rule *rules, const char **rest,
		    char escape, struct err *err)
{
	int r = 0;

	while (r == 0) {
		while (isspace((unsigned char)**rest))
			++*rest;
		if (!rules[0].name || !str_has_prefix(*rest, "--"))
			return 0;
		*rest += 2;
		if (!**rest || isspace((unsigned char)**rest)) { /* "--" ends them */
			*rest += strspn(*rest, " \t\v\f\r");
			return 0;
		}
		cleanup_free char *word = flag_word(rest, escape);

		r = word ? add_flag(in, rules, word, err) : no_memory(err);
	}
	return r;
}
