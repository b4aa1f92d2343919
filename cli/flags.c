/* SPDX-License-Identifier: Apache-2.0 */
/* Flags are kept as a list of uses in the order given, with values borrowed from argv: tables are
 * short and a command asks for each flag once or twice, so nothing is indexed. */
#include "flags.h"

#include <errno.h>
#include <string.h>

static const struct flag *find_name(const struct flag *table, const char *name, size_t n)
{
	for (; table->name; table++)
		if (strncmp(table->name, name, n) == 0 && table->name[n] == '\0')
			return table;
	return NULL;
}

static const struct flag *find_letter(const struct flag *table, char letter)
{
	for (; table->name; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

static bool is_bool(const char *text, bool *value)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		*value = strcmp(text, yes[i]) == 0;
		if (*value || strcmp(text, no[i]) == 0)
			return true;
	}
	return false;
}

static int add_use(struct flags *f, const struct flag *flag, const char *value, struct err *err)
{
	bool on;

	if (flag->kind == FLAG_SWITCH && !is_bool(value, &on))
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"--%s\" flag: not a boolean", value,
			       flag->name);
	f->uses[f->n_uses++] = (struct flag_use){ flag, value };
	return 0;
}

/* --name, --name=value, --name value. *i is the index of the word. */
static int parse_long(struct flags *f, const struct flag *table, size_t argc, char *const *argv,
		      size_t *i, struct err *err)
{
	const char *name = argv[*i] + 2;
	size_t n = strcspn(name, "=");
	const struct flag *flag = find_name(table, name, n);

	if (!flag || n == 0)
		return err_set(err, ERR_INVALID, "unknown flag: --%.*s", (int)n, name);
	if (name[n] == '=')
		return add_use(f, flag, name + n + 1, err);
	if (flag->kind == FLAG_SWITCH)
		return add_use(f, flag, "true", err);
	if (*i + 1 >= argc)
		return err_set(err, ERR_INVALID, "flag needs an argument: --%s", flag->name);
	return add_use(f, flag, argv[++*i], err);
}

/* -abc, -n value, -nvalue, -n=value. */
static int parse_short(struct flags *f, const struct flag *table, size_t argc, char *const *argv,
		       size_t *i, struct err *err)
{
	const char *word = argv[*i];

	for (const char *p = word + 1; *p; p++) {
		const struct flag *flag = find_letter(table, *p);
		int r;

		if (!flag)
			return err_set(err, ERR_INVALID, "unknown shorthand flag: '%c' in %s", *p,
				       word);
		if (p[1] == '=')
			return add_use(f, flag, p + 2, err);
		if (flag->kind == FLAG_SWITCH) {
			r = add_use(f, flag, "true", err);
			if (r < 0)
				return r;
			continue;
		}
		if (p[1])
			return add_use(f, flag, p + 1, err);
		if (*i + 1 >= argc)
			return err_set(err, ERR_INVALID, "flag needs an argument: '%c' in %s", *p,
				       word);
		return add_use(f, flag, argv[++*i], err);
	}
	return 0;
}

static int parse_words(struct flags *f, const struct flag *table, size_t argc, char *const *argv,
		       bool stop_early, struct err *err)
{
	bool done = false;

	for (size_t i = 0; i < argc; i++) {
		const char *word = argv[i];
		int r = 0;

		if (done || word[0] != '-' || word[1] == '\0') {
			f->args[f->n_args++] = word;
			done = done || stop_early;
		} else if (strcmp(word, "--") == 0) {
			done = true;
		} else if (word[1] == '-') {
			r = parse_long(f, table, argc, argv, &i, err);
		} else {
			r = parse_short(f, table, argc, argv, &i, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int flags_parse(struct flags *f, const struct flag *table, size_t argc, char *const *argv,
		bool stop_early, struct err *err)
{
	size_t most = 1;

	/* a word holds at most as many flags as letters */
	for (size_t i = 0; i < argc; i++)
		most += strlen(argv[i]) + 1;
	*f = (struct flags){ .uses = calloc(most, sizeof(*f->uses)),
			     .args = calloc(argc + 1, sizeof(*f->args)) };
	if (!f->uses || !f->args)
		return err_sys(err, ENOMEM, "command line");
	return parse_words(f, table, argc, argv, stop_early, err);
}

void flags_deinit(struct flags *f)
{
	free(f->uses);
	free(f->args);
	*f = (struct flags){ 0 };
}

const char *flags_text(const struct flags *f, const char *name)
{
	for (size_t i = f->n_uses; i-- > 0;)
		if (strcmp(f->uses[i].flag->name, name) == 0)
			return f->uses[i].value;
	return NULL;
}

bool flags_given(const struct flags *f, const char *name)
{
	return flags_text(f, name) != NULL;
}

bool flags_switch(const struct flags *f, const char *name)
{
	const char *text = flags_text(f, name);
	bool on = false;

	return text && is_bool(text, &on) && on;
}

const char *flags_nth(const struct flags *f, const char *name, size_t i)
{
	for (size_t k = 0; k < f->n_uses; k++)
		if (strcmp(f->uses[k].flag->name, name) == 0 && i-- == 0)
			return f->uses[k].value;
	return NULL;
}
