/* SPDX-License-Identifier: Apache-2.0 */
/* Each instruction expands its words with the variables as they were before it, changes the config, and
 * says what it did as `docker history` shows it. */
#include "meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "signame.h"
#include "str.h"

typedef int apply_fn(struct meta *m, const struct instruction *in, struct strings *words,
		     struct err *err);

void meta_deinit(struct meta *m)
{
	imagedoc_deinit(&m->image);
	scope_deinit(&m->args);
}

static const char *lookup(void *ctx, const char *name)
{
	const struct meta *m = ctx;
	const char *value = imagedoc_env(&m->image, name);

	if (!value)
		value = scope_get(&m->args, name);
	return value || !scope_is_proxy(name) ? value : scope_get(m->given, name);
}

struct dockervar meta_vars(struct meta *m)
{
	return (struct dockervar){ m->escape, lookup, m, false };
}

static int memory(int r, struct err *err)
{
	return r < 0 ? err_sys(err, r, "build") : 0;
}

int meta_shell(const struct meta *m, const char *line, struct strings *out)
{
	int r = imagedoc_list(&m->image, "Shell", out);

	if (r == 0 && out->n == 0)
		r = strings_append(out, "/bin/sh") < 0 ? -ENOMEM : strings_append(out, "-c");
	return r ? r : strings_append(out, line);
}

/* Appends the parts of `path` to out[0..len), "." and ".." taken out. */
static size_t add_parts(const char *path, char *out, size_t len)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len && out[--len] != '/')
				;
		} else if (n && !(n == 1 && *path == '.')) {
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n + (path[n] == '/');
	}
	return len;
}

char *meta_path(const struct meta *m, const char *path)
{
	const char *dir = path[0] == '/' ? "" : imagedoc_text(&m->image, "WorkingDir");
	char *out = malloc(strlen(dir) + strlen(path) + 3);
	size_t len;

	if (!out)
		return NULL;
	len = add_parts(path, out, add_parts(dir, out, 0));
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}

/* ---- instructions */

/* "NAME" or "NAME=default": the user's value, the default, or what the file's head says. */
static int declare(struct meta *m, const char *word, struct err *err)
{
	const struct dockervar vars = meta_vars(m);
	size_t n = strcspn(word, "=");
	cleanup_free char *name = strndup(word, n), *owned = NULL;
	const char *value = name ? scope_get(m->given, name) : NULL;

	if (!name)
		return memory(-ENOMEM, err);
	if (!value && word[n]) {
		int r = dockervar_word(&vars, word + n + 1, &owned, err);

		if (r < 0)
			return r;
		value = owned;
	}
	value = value ? value : scope_get(m->global, name);
	value = value ? value : scope_get(m->builtin, name);
	return value ? memory(scope_set(&m->args, name, value), err) : 0;
}

static int apply_arg(struct meta *m, const struct instruction *in, struct strings *words,
		     struct err *err)
{
	int r = 0;

	(void)words;
	for (size_t i = 0; r == 0 && i < in->words.n; i++)
		r = declare(m, in->words.v[i], err);
	return r;
}

static int apply_env(struct meta *m, const struct instruction *in, struct strings *words,
		     struct err *err)
{
	int r = 0;

	(void)in;
	for (size_t i = 0; r == 0 && i + 1 < words->n; i += 2)
		r = imagedoc_set_env(&m->image, words->v[i], words->v[i + 1]);
	return memory(r, err);
}

static int apply_label(struct meta *m, const struct instruction *in, struct strings *words,
		       struct err *err)
{
	int r = 0;

	(void)in;
	for (size_t i = 0; r == 0 && i + 1 < words->n; i += 2)
		r = imagedoc_set_entry(&m->image, "Labels", words->v[i], words->v[i + 1]);
	return memory(r, err);
}

/* The words of a command: as they are, or the shell's. */
static int set_command(struct meta *m, const struct instruction *in, const char *key,
		       struct err *err)
{
	cleanup(strings_deinit) struct strings line = { 0 };
	int r = 0;

	if (in->json || in->words.n == 0)
		r = imagedoc_set_list(&m->image, key, in->words.v, in->words.n);
	else
		r = meta_shell(m, in->words.v[0], &line);
	if (r == 0 && line.n)
		r = imagedoc_set_list(&m->image, key, line.v, line.n);
	return memory(r, err);
}

static int apply_cmd(struct meta *m, const struct instruction *in, struct strings *words,
		     struct err *err)
{
	(void)words;
	m->has_command = true;
	return set_command(m, in, "Cmd", err);
}

/* A base's command is for its entrypoint. */
static int apply_entrypoint(struct meta *m, const struct instruction *in, struct strings *words,
			    struct err *err)
{
	(void)words;
	if (!m->has_command)
		imagedoc_drop(&m->image, "Cmd");
	if (in->words.n == 0) {
		imagedoc_drop(&m->image, "Entrypoint");
		return 0;
	}
	return set_command(m, in, "Entrypoint", err);
}

/* 80, 80/udp, 8000-8010/TCP; *proto is in lower case. */
static int check_port(const char *word, unsigned int *low, unsigned int *high, const char **proto)
{
	static const char *const protocols[] = { "tcp", "udp", "sctp" };
	const char *slash = strchr(word, '/');
	int used = 0;

	*proto = slash && slash[1] ? slash + 1 : protocols[0];
	if (sscanf(word, "%5u%n-%5u%n", low, &used, high, &used) < 2)
		*high = *low;
	if (used == 0 || (word[used] && word[used] != '/') || *low == 0 || *high < *low ||
	    *high > 65535)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcasecmp(protocols[i], *proto) == 0) {
			*proto = protocols[i];
			return 0;
		}
	return -EINVAL;
}

static int expose(struct meta *m, const char *word, struct err *err)
{
	unsigned int low = 0, high = 0;
	const char *proto;
	int r = 0;

	if (check_port(word, &low, &high, &proto) < 0)
		return err_set(err, ERR_INVALID, "invalid containerPort: %.80s", word);
	for (unsigned int port = low; r == 0 && port <= high; port++) {
		char text[24];

		(void)snprintf(text, sizeof(text), "%u/%.8s", port, proto);
		r = imagedoc_set_entry(&m->image, "ExposedPorts", text, NULL);
	}
	return memory(r, err);
}

static int apply_expose(struct meta *m, const struct instruction *in, struct strings *words,
			struct err *err)
{
	int r = 0;

	(void)in;
	for (size_t i = 0; r == 0 && i < words->n; i++)
		r = expose(m, words->v[i], err);
	return r;
}

static int apply_volume(struct meta *m, const struct instruction *in, struct strings *words,
			struct err *err)
{
	int r = 0;

	(void)in;
	for (size_t i = 0; r == 0 && i < words->n; i++) {
		if (!words->v[i][0])
			return err_set(err, ERR_INVALID,
				       "VOLUME specified can not be an empty string");
		r = imagedoc_set_entry(&m->image, "Volumes", words->v[i], NULL);
	}
	return memory(r, err);
}

static int apply_user(struct meta *m, const struct instruction *in, struct strings *words,
		      struct err *err)
{
	(void)in;
	return memory(imagedoc_set_text(&m->image, "User", words->v[0]), err);
}

static int apply_workdir(struct meta *m, const struct instruction *in, struct strings *words,
			 struct err *err)
{
	cleanup_free char *path = NULL;

	(void)in;
	if (!words->v[0][0])
		return err_set(err, ERR_INVALID, "cannot normalize nothing");
	path = meta_path(m, words->v[0]);
	return memory(path ? imagedoc_set_text(&m->image, "WorkingDir", path) : -ENOMEM, err);
}

static int apply_stopsignal(struct meta *m, const struct instruction *in, struct strings *words,
			    struct err *err)
{
	int number;

	(void)in;
	if (signame_number(words->v[0], &number) < 0)
		return err_set(err, ERR_INVALID, "invalid signal: %.60s", words->v[0]);
	return memory(imagedoc_set_text(&m->image, "StopSignal", words->v[0]), err);
}

static int apply_shell(struct meta *m, const struct instruction *in, struct strings *words,
		       struct err *err)
{
	(void)words;
	return memory(imagedoc_set_list(&m->image, "Shell", in->words.v, in->words.n), err);
}

/* It is read again on its own, and with it what it needs to mean the same. */
static int apply_onbuild(struct meta *m, const struct instruction *in, struct strings *words,
			 struct err *err)
{
	const char *text = in->words.v[0];
	bool own = m->escape != DOCKERFILE_NULL.escape && strpbrk(text, "\\`");
	cleanup_free char *line = own ? str_printf("# escape=%c\n%s", m->escape, text) : NULL;

	(void)words;
	if (own && !line)
		return memory(-ENOMEM, err);
	return memory(imagedoc_add_word(&m->image, "OnBuild", own ? line : text), err);
}

static int apply_maintainer(struct meta *m, const struct instruction *in, struct strings *words,
			    struct err *err)
{
	(void)words;
	return memory(imagedoc_set_author(&m->image, in->words.v[0]), err);
}

static int apply_health(struct meta *m, const struct instruction *in, struct strings *words,
			struct err *err)
{
	(void)words;
	return meta_health(m, in, err);
}

/* ---- the table */

enum expansion { AS_IS, WORDWISE, SPLIT };

static const struct {
	apply_fn *apply;
	enum expansion expansion;
} table[N_INSTRUCTIONS] = {
	[INSTRUCTION_ARG] = { apply_arg, AS_IS },
	[INSTRUCTION_CMD] = { apply_cmd, AS_IS },
	[INSTRUCTION_ENTRYPOINT] = { apply_entrypoint, AS_IS },
	[INSTRUCTION_ENV] = { apply_env, WORDWISE },
	[INSTRUCTION_EXPOSE] = { apply_expose, SPLIT },
	[INSTRUCTION_HEALTHCHECK] = { apply_health, AS_IS },
	[INSTRUCTION_LABEL] = { apply_label, WORDWISE },
	[INSTRUCTION_MAINTAINER] = { apply_maintainer, AS_IS },
	[INSTRUCTION_ONBUILD] = { apply_onbuild, AS_IS },
	[INSTRUCTION_SHELL] = { apply_shell, AS_IS },
	[INSTRUCTION_STOPSIGNAL] = { apply_stopsignal, WORDWISE },
	[INSTRUCTION_USER] = { apply_user, WORDWISE },
	[INSTRUCTION_VOLUME] = { apply_volume, WORDWISE },
	[INSTRUCTION_WORKDIR] = { apply_workdir, WORDWISE },
};

bool meta_applies(enum instruction_kind kind)
{
	return table[kind].apply != NULL;
}

static int expand(struct meta *m, const struct instruction *in, struct strings *out,
		  struct err *err)
{
	const struct dockervar vars = meta_vars(m);
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->words.n; i++) {
		cleanup_free char *word = NULL;

		if (table[in->kind].expansion == SPLIT) {
			r = dockervar_words(&vars, in->words.v[i], out, err);
			continue;
		}
		if (table[in->kind].expansion == WORDWISE)
			r = dockervar_word(&vars, in->words.v[i], &word, err);
		if (r == 0)
			r = memory(strings_append(out, word ? word : in->words.v[i]), err);
	}
	return r;
}

/* ENV a=b c=d, CMD ["x" "y"], EXPOSE 80/tcp. */
static void tell(const struct instruction *in, const struct strings *words, struct buf *out)
{
	bool pairs = in->kind == INSTRUCTION_ENV || in->kind == INSTRUCTION_LABEL;

	buf_puts(out, instruction_name(in->kind));
	for (size_t i = 0; i + 1 < in->flags.n; i += 2)
		buf_printf(out, " --%s=%s", in->flags.v[i], in->flags.v[i + 1]);
	if (in->json)
		buf_puts(out, " [");
	for (size_t i = 0; i < words->n; i++) {
		if (!in->json || i)
			buf_putc(out, pairs && i % 2 ? '=' : ' ');
		if (in->json)
			buf_json_string(out, words->v[i], strlen(words->v[i]));
		else
			buf_puts(out, words->v[i]);
	}
	if (in->json)
		buf_putc(out, ']');
}

int meta_apply(struct meta *m, const struct instruction *in, struct buf *history, struct err *err)
{
	cleanup(strings_deinit) struct strings words = { 0 };
	int r = expand(m, in, &words, err);

	if (r == 0 && words.n == 0 && in->words.n)
		r = err_set(err, ERR_INVALID, "%s requires at least one argument",
			    instruction_name(in->kind));
	r = r ? r : table[in->kind].apply(m, in, &words, err);
	if (r == 0)
		tell(in, &words, history);
	return r ? r : memory(history->error, err);
}
