/* SPDX-License-Identifier: Apache-2.0 */
/* COPY, ADD and WORKDIR. What the sources are is hashed first; only when no build has put the same to the
 * same place before are they copied, into an overlay over the stage's files (over nothing with --link), whose
 * upper directory becomes the layer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copymode.h"
#include "copysource.h"
#include "copytree.h"
#include "dirs.h"
#include "listtree.h"
#include "str.h"
#include "user.h"
#include "work.h"

struct copying {
	struct work *w;
	const struct instruction *in;
	struct strings words; /* expanded; the last one is the destination */
	struct copy_sources sources;
	struct copy_rules rules;
	struct ignore exclude;
	char *mode;
	char *to;  /* absolute and clean */
	bool into; /* `to` is a directory that takes the sources */
	struct key key;
	struct buf history;
};

static void copying_deinit(struct copying *c)
{
	copysource_deinit(&c->sources);
	strings_deinit(&c->words);
	ignore_deinit(&c->exclude);
	key_deinit(&c->key);
	buf_deinit(&c->history);
	free(c->to);
	free(c->mode);
}

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

/* ---- what is asked for */

static int expand_words(struct copying *c, struct err *err)
{
	const struct dockervar vars = meta_vars(&c->w->meta);
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->in->words.n; i++) {
		cleanup_free char *word = NULL;

		if (instruction_heredoc(c->in, c->in->words.v[i]))
			r = strings_append(&c->words, c->in->words.v[i]) < 0 ? no_memory(err) : 0;
		else
			r = dockervar_word(&vars, c->in->words.v[i], &word, err);
		if (r == 0 && word && strings_append(&c->words, word) < 0)
			r = no_memory(err);
	}
	return r;
}

static int expand_flag(struct copying *c, const char *name, char **out, struct err *err)
{
	const struct dockervar vars = meta_vars(&c->w->meta);
	const char *value = instruction_flag(c->in, name, 0);

	return value ? dockervar_word(&vars, value, out, err) : 0;
}

static int read_mode(struct copying *c, struct err *err)
{
	int r = expand_flag(c, "chmod", &c->mode, err);

	if (r < 0 || !c->mode)
		return r;
	if (!copymode_is_valid(c->mode))
		return err_set(err, ERR_INVALID,
			       "invalid chmod parameter: '%.40s'. it should be octal string "
			       "between 0 and 07777, or changes like u+x,go=rX",
			       c->mode);
	c->rules.mode = c->mode;
	return 0;
}

/* Names are those of the stage. A user alone is its own group. */
static int read_owner(struct copying *c, struct err *err)
{
	cleanup_free struct passwd_user *user = calloc(1, sizeof(*user));
	cleanup_free char *text = NULL;
	int r = user ? expand_flag(c, "chown", &text, err) : no_memory(err);

	if (r < 0 || !text)
		return r;
	cleanup_fd int root = stack_root(&c->w->stack, err);

	r = root < 0 ? root : user_of_root(root, text, NULL, 0, user, err);
	c->rules.uid = user->uid;
	c->rules.gid = strchr(text, ':') ? user->gid : user->uid;
	return r;
}

static int read_excludes(struct copying *c, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	const char *pattern;

	for (size_t i = 0; (pattern = instruction_flag(c->in, "exclude", i)); i++)
		buf_printf(&text, "%s\n", pattern);
	if (text.len == 0)
		return 0;
	c->rules.exclude = &c->exclude;
	return text.error ? no_memory(err) : ignore_parse(text.data, text.len, &c->exclude, err);
}

static int refuse_many(const struct copying *c, struct err *err)
{
	return err_set(err, ERR_INVALID,
		       "When using %s with more than one source file, the destination must be a "
		       "directory and end with a /",
		       instruction_name(c->in->kind));
}

/* The destination, and whether it must be a directory. */
static int read_destination(struct copying *c, struct err *err)
{
	const char *word = c->words.v[c->words.n - 1];

	c->to = meta_path(&c->w->meta, word);
	if (!c->to)
		return no_memory(err);
	c->into = !word[0] || str_has_suffix(word, "/") || strcmp(word, ".") == 0 ||
		  str_has_suffix(word, "/.") || strcmp(c->to, "/") == 0;
	return c->words.n > 2 && !c->into ? refuse_many(c, err) : 0;
}

/* ---- what it depends on */

static int add_digest(struct copying *c, const struct copy_source *s, struct err *err)
{
	const struct contents *contents = c->w->build->options->contents;

	return s->listed ? listtree_digest(contents_listing(contents), s->file, &c->rules,
					   c->key.digest, err)
			 : copytree_digest(s->dir_fd, s->name, &c->rules, c->key.digest, err);
}

static int copy_to(const struct copying *c, const struct copy_source *s, int to_fd, const char *to,
		   struct err *err)
{
	return s->listed ? listtree_copy(c->w->build->options->contents, s->file, to_fd, to,
					 &c->rules, err)
			 : copytree_copy(s->dir_fd, s->name, to_fd, to, &c->rules, err);
}

static int add_sources(struct copying *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->sources.n; i++) {
		const struct copy_source *s = &c->sources.v[i];

		key_add(&c->key, "target", s->target);
		key_add(&c->key, "base", s->directory ? "" : s->base);
		key_add(&c->key, "archive", s->archive ? "yes" : "no");
		r = add_digest(c, s, err);
	}
	return r;
}

static int make_key(struct copying *c, char hex[65], struct err *err)
{
	bool link = instruction_switch(c->in, "link");

	key_add(&c->key, "to", c->to);
	key_add(&c->key, "into", c->into ? "yes" : "no");
	if (!link)
		key_add_stage(&c->key, c->w);
	int r = add_sources(c, err);

	return r ? r : key_finish(&c->key, hex, err);
}

/* ---- the copy */

/* Where a source goes: its name in a directory, or the destination itself. */
static char *target_of(const struct copying *c, const struct copy_source *s, int root_fd)
{
	if (s->target[0])
		return str_path(c->to, s->target);
	if (s->directory)
		return strdup(c->to);
	cleanup_fd int dir = dirs_open(root_fd, c->to);

	return c->into || dir >= 0 ? str_path(c->to, s->base) : strdup(c->to);
}

static int copy_one(const struct copying *c, const struct copy_source *s, int root_fd,
		    struct err *err)
{
	uid_t uid = c->rules.uid > 0 ? (uid_t)c->rules.uid : 0;
	gid_t gid = c->rules.gid > 0 ? (gid_t)c->rules.gid : 0;
	cleanup_free char *target = target_of(c, s, root_fd);
	const char *name;

	if (!target)
		return no_memory(err);
	if (c->sources.n > 1 && !s->directory && strcmp(target, c->to) == 0)
		return refuse_many(c, err);
	cleanup_fd int there = s->directory ? dirs_open(root_fd, target) : -1;

	if (there >= 0) {
		cleanup_fd int dir = openat(there, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		return dir < 0 ? err_sys(err, errno, "open \"%.120s\"", target)
			       : copy_to(c, s, dir, ".", err);
	}
	cleanup_fd int parent = dirs_make_parent(root_fd, target, uid, gid, &name, err);

	return parent < 0 ? parent : copy_to(c, s, parent, name, err);
}

static int need_all(struct copying *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->sources.n; i++)
		if (c->sources.v[i].listed)
			r = listtree_need(c->w->build, c->sources.v[i].file, &c->rules, err);
	return r;
}

static int copy_all(struct copying *c, const char *key, struct err *err)
{
	cleanup(scratch_deinit) struct scratch s = SCRATCH_NULL;
	int r = need_all(c, err);

	r = r ? r : image_packer_start(c->w->packer, c->w->build->engine, err);
	r = r ? r : scratch_open(&s, c->w, instruction_switch(c->in, "link"), err);

	for (size_t i = 0; r == 0 && i < c->sources.n; i++)
		r = c->sources.v[i].archive ? copysource_unpack(c->w->build, &c->sources.v[i],
								s.root_fd, c->to, err)
					    : copy_one(c, &c->sources.v[i], s.root_fd, err);
	closep(&s.root_fd);
	s.root_fd = -1;
	return r ? r : buildlayer_commit(c->w, s.upper_fd, key, c->history.data, err);
}

static int prepare(struct copying *c, struct err *err)
{
	bool stage = c->in->kind == INSTRUCTION_COPY && instruction_flag(c->in, "from", 0);
	int r = expand_words(c, err);

	c->rules = (struct copy_rules){ .uid = stage ? -1 : 0,
					.gid = stage ? -1 : 0,
					.devices = stage,
					.cancel_fds = c->w->build->cancel_fds };
	buf_printf(&c->history, "%s", instruction_name(c->in->kind));
	for (size_t i = 0; i + 1 < c->in->flags.n; i += 2)
		buf_printf(&c->history, " --%s=%s", c->in->flags.v[i], c->in->flags.v[i + 1]);
	for (size_t i = 0; i < c->words.n; i++)
		buf_printf(&c->history, " %s", c->words.v[i]);
	r = r ? r : read_destination(c, err);
	r = r ? r : read_mode(c, err);
	r = r ? r : read_owner(c, err);
	r = r ? r : read_excludes(c, err);
	return r == 0 && c->history.error ? no_memory(err) : r;
}

static int find_sources(struct copying *c, struct err *err)
{
	int r = copysource_find(&c->sources, c->w, c->in, &c->words, &c->key, err);

	return r < 0 ? err_wrap(err, r, "%s failed", instruction_name(c->in->kind)) : 0;
}

int step_copy(struct work *w, const struct instruction *in, struct err *err)
{
	cleanup(copying_deinit) struct copying c = { .w = w, .in = in };
	char key[65];
	int r = key_open(&c.key, "copy", err);

	r = r ? r : prepare(&c, err);
	r = r ? r : find_sources(&c, err);
	r = r ? r : make_key(&c, key, err);
	r = r ? r : buildlayer_recall(w, key, c.history.data, err);
	if (r == 1)
		told(w, BUILD_CACHED);
	return r ? (r < 0 ? r : 0) : copy_all(&c, key, err);
}

/* ---- WORKDIR */

/* A new directory is that of the user who will be in it. */
static int make_workdir(struct work *w, int root_fd, struct err *err)
{
	cleanup_free struct passwd_user *user = calloc(1, sizeof(*user));
	const char *name = imagedoc_text(&w->meta.image, "User");
	int r = user ? user_of_root(root_fd, name, NULL, 0, user, err) : no_memory(err);

	if (r < 0)
		return r;
	cleanup_fd int dir = dirs_make(root_fd, imagedoc_text(&w->meta.image, "WorkingDir"),
				       user->uid, user->gid, err);

	return dir < 0 ? dir : 0;
}

static int add_workdir(struct work *w, const char *key, const char *history, struct err *err)
{
	cleanup(scratch_deinit) struct scratch s = SCRATCH_NULL;
	int r = image_packer_start(w->packer, w->build->engine, err);

	r = r ? r : scratch_open(&s, w, false, err);
	r = r ? r : make_workdir(w, s.root_fd, err);
	closep(&s.root_fd);
	s.root_fd = -1;
	return r ? r : buildlayer_commit(w, s.upper_fd, key, history, err);
}

int step_workdir(struct work *w, const struct instruction *in, struct err *err)
{
	cleanup(key_deinit) struct key key = { 0 };
	cleanup(buf_deinit) struct buf history = BUF_NULL;
	char hex[65];
	int r = meta_apply(&w->meta, in, &history, err);

	r = r ? r : key_open(&key, "workdir", err);
	if (r < 0)
		return r;
	key_add(&key, "path", imagedoc_text(&w->meta.image, "WorkingDir"));
	key_add(&key, "user", imagedoc_text(&w->meta.image, "User"));
	key_add_stage(&key, w);
	r = key_finish(&key, hex, err);
	r = r ? r : buildlayer_recall(w, hex, history.data, err);
	if (r == 1)
		told(w, BUILD_CACHED);
	return r ? (r < 0 ? r : 0) : add_workdir(w, hex, history.data, err);
}
