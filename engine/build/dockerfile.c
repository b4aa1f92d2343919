/* SPDX-License-Identifier: Apache-2.0 */
/* One table says how each instruction's arguments are written, how many there may be and which flags it
 * has; a form that needs more than that has a function of its own. */
#include "dockerfile.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "dockerflag.h"
#include "dockerword.h"
#include "str.h"

struct rule {
	const char *name;
	/* Fills in->words from what is behind the flags. */
	int (*read)(struct instruction *in, const char *rest, char escape, struct err *err);
	size_t least, most; /* words; most 0 = any number */
	struct flag_rule flags[9];
};

/* ---- forms */

static int memory(struct err *err, int r)
{
	return r < 0 ? err_sys(err, r, "read the Dockerfile") : 0;
}

/* The rest as one word. */
static int read_whole(struct instruction *in, const char *rest, char escape, struct err *err)
{
	(void)escape;
	return *rest ? memory(err, strings_append(&in->words, rest)) : 0;
}

static int read_blanks(struct instruction *in, const char *rest, char escape, struct err *err)
{
	(void)escape;
	return memory(err, dockerword_blanks(rest, &in->words));
}

static int read_json(struct instruction *in, const char *rest, struct err *err)
{
	int r = dockerword_json(rest, &in->words);

	in->json = r == 1;
	return r == 1 ? 1 : memory(err, r);
}

/* JSON, or words between blanks. */
static int read_list(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = read_json(in, rest, err);

	return r ? (r < 0 ? r : 0) : read_blanks(in, rest, escape, err);
}

/* JSON, or a line for the shell. */
static int read_command(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = read_json(in, rest, err);

	return r ? (r < 0 ? r : 0) : read_whole(in, rest, escape, err);
}

static int read_shell(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = read_json(in, rest, err);

	(void)escape;
	if (r == 0 && *rest)
		return err_set(err, ERR_INVALID, "SHELL requires the arguments to be in JSON form");
	return r < 0 ? r : 0;
}

static int read_pairs(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = dockerword_pairs(rest, escape, instruction_name(in->kind), &in->words, err);

	for (size_t i = 0; r == 0 && i < in->words.n; i += 2)
		if (!in->words.v[i][0])
			r = err_set(err, ERR_INVALID, "%s names can not be blank",
				    instruction_name(in->kind));
	return r;
}

static int read_args(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = memory(err, dockerword_quoted(rest, escape, &in->words));

	for (size_t i = 0; r == 0 && i < in->words.n; i++)
		if (in->words.v[i][0] == '=')
			r = err_set(err, ERR_INVALID, "ARG names can not be blank");
	return r;
}

/* Names of stages: lower case here, as they are compared without regard to it. */
static int stage_name(char *name, struct err *err)
{
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!islower((unsigned char)*name) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return err_set(err, ERR_INVALID,
			       "invalid name for build stage: \"%.60s\", name can't start with a "
			       "number or contain symbols",
			       name);
	if (strcmp(name, "scratch") == 0 || strcmp(name, "context") == 0)
		return err_set(err, ERR_INVALID, "the name %s is reserved", name);
	return 0;
}

static int read_from(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = read_blanks(in, rest, escape, err);
	struct strings *w = &in->words;

	if (r < 0)
		return r;
	if (w->n == 3 && strcasecmp(w->v[1], "AS") == 0) {
		free(w->v[1]);
		w->v[1] = w->v[2];
		w->n = 2;
		return stage_name(w->v[1], err);
	}
	return w->n == 1 ? 0
			 : err_set(err, ERR_INVALID, "FROM requires either one or three arguments");
}

static int read_health(struct instruction *in, const char *rest, char escape, struct err *err)
{
	size_t n = strcspn(rest, " \t\v\f\r");
	cleanup_free char *type = strndup(rest, n);

	if (!type || !*type)
		return type ? 0 : memory(err, -ENOMEM);
	for (char *c = type; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	int r = memory(err, strings_append(&in->words, type));

	rest += n + strspn(rest + n, " \t\v\f\r");
	if (r < 0)
		return r;
	if (strcmp(type, "NONE") == 0)
		return *rest ? err_set(err, ERR_INVALID, "HEALTHCHECK NONE takes no arguments") : 0;
	if (strcmp(type, "CMD") != 0)
		return err_set(err, ERR_INVALID, "Unknown type \"%.40s\" in HEALTHCHECK (try CMD)",
			       type);
	r = read_command(in, rest, escape, err);
	return r == 0 && in->words.n == 1
		       ? err_set(err, ERR_INVALID, "Missing command after HEALTHCHECK CMD")
		       : r;
}

/* What a trigger may be is known when it is parsed; it is kept as text, here-documents included. */
static int read_trigger(struct instruction *in, const char *rest, char escape, struct err *err)
{
	static const char *const refused[] = { "ONBUILD", "FROM", "MAINTAINER" };
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup(dockerfile_deinit) struct dockerfile trigger = DOCKERFILE_NULL;
	size_t n = strcspn(rest, " \t\v\f\r");

	(void)escape;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (n == strlen(refused[i]) && strncasecmp(rest, refused[i], n) == 0)
			return i == 0 ? err_set(err, ERR_INVALID,
						"Chaining ONBUILD via `ONBUILD ONBUILD` isn't "
						"allowed")
				      : err_set(err, ERR_INVALID,
						"%s isn't allowed as an ONBUILD trigger",
						refused[i]);
	buf_puts(&text, rest);
	for (size_t i = 0; i < in->n_docs; i++)
		buf_printf(&text, "\n%s%s", in->docs[i].body, in->docs[i].name);
	if (text.len == 0 || text.error)
		return memory(err, text.error);
	int r = dockerfile_parse(text.data, text.len, &trigger, err);

	return r ? r : memory(err, strings_append(&in->words, text.data));
}

static int read_copy(struct instruction *in, const char *rest, char escape, struct err *err)
{
	int r = read_list(in, rest, escape, err);

	if (r == 0 && in->words.n == 1)
		return err_set(err, ERR_INVALID,
			       "%s requires at least two arguments, but only one was provided. "
			       "Destination could not be determined",
			       instruction_name(in->kind));
	return r;
}

#define COPY_FLAGS                                                                       \
	{ .name = "chown" }, { .name = "chmod" }, { .name = "link", .is_switch = true }, \
	{                                                                                \
		.name = "exclude", .repeated = true                                      \
	}

static const struct rule rules[N_INSTRUCTIONS] = {
	[INSTRUCTION_ADD] = { "ADD",
			      read_copy,
			      2,
			      0,
			      { COPY_FLAGS,
				{ .name = "checksum" },
				{ .name = "keep-git-dir", .is_switch = true },
				{ .name = "unpack", .is_switch = true } } },
	[INSTRUCTION_ARG] = { "ARG", read_args, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_CMD] = { "CMD", read_command, 0, 0, { { .name = NULL } } },
	[INSTRUCTION_COPY] = { "COPY",
			       read_copy,
			       2,
			       0,
			       { COPY_FLAGS,
				 { .name = "from" },
				 { .name = "parents", .is_switch = true } } },
	[INSTRUCTION_ENTRYPOINT] = { "ENTRYPOINT", read_command, 0, 0, { { .name = NULL } } },
	[INSTRUCTION_ENV] = { "ENV", read_pairs, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_EXPOSE] = { "EXPOSE", read_blanks, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_FROM] = { "FROM", read_from, 0, 0, { { .name = "platform" } } },
	[INSTRUCTION_HEALTHCHECK] = { "HEALTHCHECK",
				      read_health,
				      1,
				      0,
				      { { .name = "interval" },
					{ .name = "timeout" },
					{ .name = "start-period" },
					{ .name = "start-interval" },
					{ .name = "retries" } } },
	[INSTRUCTION_LABEL] = { "LABEL", read_pairs, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_MAINTAINER] = { "MAINTAINER", read_whole, 1, 1, { { .name = NULL } } },
	[INSTRUCTION_ONBUILD] = { "ONBUILD", read_trigger, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_RUN] = { "RUN",
			      read_command,
			      1,
			      0,
			      { { .name = "mount", .repeated = true },
				{ .name = "network" },
				{ .name = "security" } } },
	[INSTRUCTION_SHELL] = { "SHELL", read_shell, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_STOPSIGNAL] = { "STOPSIGNAL", read_whole, 1, 1, { { .name = NULL } } },
	[INSTRUCTION_USER] = { "USER", read_whole, 1, 1, { { .name = NULL } } },
	[INSTRUCTION_VOLUME] = { "VOLUME", read_list, 1, 0, { { .name = NULL } } },
	[INSTRUCTION_WORKDIR] = { "WORKDIR", read_whole, 1, 1, { { .name = NULL } } },
};

const char *instruction_name(enum instruction_kind kind)
{
	return rules[kind].name;
}

/* ---- flags */

const char *instruction_flag(const struct instruction *in, const char *name, size_t nth)
{
	for (size_t i = 0; i + 1 < in->flags.n; i += 2)
		if (strcmp(in->flags.v[i], name) == 0 && nth-- == 0)
			return in->flags.v[i + 1];
	return NULL;
}

bool instruction_switch(const struct instruction *in, const char *name)
{
	return str_equal(instruction_flag(in, name, 0), "true");
}

const struct heredoc *instruction_heredoc(const struct instruction *in, const char *word)
{
	bool expand, chomp;
	cleanup_free char *name = heredoc_name(word, strlen(word), &expand, &chomp);

	for (size_t i = 0; name && i < in->n_docs; i++)
		if (strcmp(in->docs[i].name, name) == 0)
			return &in->docs[i];
	return NULL;
}

/* ---- instructions */

static int find_kind(const char *text, size_t n)
{
	for (int i = 0; i < N_INSTRUCTIONS; i++)
		if (strlen(rules[i].name) == n && strncasecmp(rules[i].name, text, n) == 0)
			return i;
	return -1;
}

static int check_count(const struct instruction *in, struct err *err)
{
	static const char *const numbers[] = { "", "one argument", "two arguments" };
	const struct rule *rule = &rules[in->kind];

	if (in->words.n < rule->least)
		return err_set(err, ERR_INVALID, "%s requires %s %s", rule->name,
			       rule->most ? "exactly" : "at least", numbers[rule->least]);
	return 0;
}

/* What comes into configs and histories, which are JSON. COPY's here-documents are files' bytes. */
static bool is_text(const struct instruction *in)
{
	bool text_docs = in->kind == INSTRUCTION_RUN || in->kind == INSTRUCTION_ONBUILD;
	bool ok = str_is_utf8(in->text);

	for (size_t i = 0; text_docs && i < in->n_docs; i++)
		ok = ok && str_is_utf8(in->docs[i].body);
	return ok;
}

static int read_instruction(struct instruction *in, char escape, struct err *err)
{
	size_t n = strcspn(in->text, " \t\v\f\r");
	int kind = find_kind(in->text, n);
	const char *rest = in->text + n;

	if (kind < 0)
		return err_set(err, ERR_INVALID, "unknown instruction: %.*s",
			       (int)(n > 60 ? 60 : n), in->text);
	in->kind = (enum instruction_kind)kind;
	if (!is_text(in))
		return err_set(err, ERR_INVALID, "the text is not UTF-8");
	int r = dockerflag_read(in, rules[kind].flags, &rest, escape, err);

	r = r ? r : rules[kind].read(in, rest, escape, err);
	return r ? r : check_count(in, err);
}

/* Takes what the line owns. */
static void take_line(struct instruction *in, struct dockerline *line)
{
	*in = (struct instruction){
		.first = line->first,
		.last = line->last,
		.text = steal(&line->text),
		.docs = steal(&line->docs),
		.n_docs = line->n_docs,
	};
	line->n_docs = 0;
}

int dockerfile_parse(const char *text, size_t len, struct dockerfile *out, struct err *err)
{
	cleanup(dockerlines_deinit) struct dockerlines lines = DOCKERLINES_NULL;
	int r = dockerlines_parse(text, len, &lines, err);

	*out = DOCKERFILE_NULL;
	if (r == 0 && lines.n == 0)
		return err_set(err, ERR_INVALID, "file with no instructions");
	if (r < 0)
		return r;
	out->escape = lines.escape;
	out->v = calloc(lines.n, sizeof(*out->v));
	if (!out->v)
		return memory(err, -ENOMEM);
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		take_line(&out->v[out->n++], &lines.v[i]);
		r = read_instruction(&out->v[i], out->escape, err);
		if (r < 0)
			r = err_wrap(err, r, "dockerfile parse error on line %u", out->v[i].first);
	}
	if (r < 0)
		dockerfile_deinit(out);
	return r;
}

void dockerfile_deinit(struct dockerfile *file)
{
	for (size_t i = 0; i < file->n; i++) {
		struct instruction *in = &file->v[i];

		for (size_t k = 0; k < in->n_docs; k++) {
			free(in->docs[k].name);
			free(in->docs[k].body);
		}
		free(in->docs);
		free(in->text);
		strings_deinit(&in->flags);
		strings_deinit(&in->words);
	}
	free(file->v);
	*file = DOCKERFILE_NULL;
}
