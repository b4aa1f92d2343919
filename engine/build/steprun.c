/* SPDX-License-Identifier: Apache-2.0 */
/* RUN: a container of the stage's files runs the command, and what it left in its upper directory is the
 * layer. What it can see of the world outside decides the key: the files below, the words, the environment,
 * user, directory and network, and what is mounted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dockerword.h"
#include "fault.h"
#include "runbinds.h"
#include "sandbox.h"
#include "str.h"
#include "work.h"

#define SCRIPT_DIR "/dev/pipes/"

struct running {
	struct work *w;
	const struct instruction *in;
	struct strings words, env;
	const char *script; /* of a here-document that names its own interpreter; NULL = none */
	char *script_path;
	const char *network;
	struct runbinds binds;
	struct key key;
	struct buf history;
};

static void running_deinit(struct running *run)
{
	strings_deinit(&run->words);
	strings_deinit(&run->env);
	runbinds_deinit(&run->binds);
	key_deinit(&run->key);
	buf_deinit(&run->history);
	free(run->script_path);
}

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

/* ---- the command */

/* The here-document that is all there is to run; NULL when the line has more. */
static const struct heredoc *lone_heredoc(const struct instruction *in)
{
	cleanup(strings_deinit) struct strings words = { 0 };

	if (in->n_docs != 1 || dockerword_quoted(in->words.v[0], '\\', &words) < 0 || words.n != 1)
		return NULL;
	return instruction_heredoc(in, words.v[0]);
}

/* The shell reads here-documents itself: they follow the line. */
static int shell_words(struct running *run, struct err *err)
{
	const struct heredoc *lone = lone_heredoc(run->in);
	cleanup(buf_deinit) struct buf line = BUF_NULL;

	if (lone && str_has_prefix(lone->body, "#!")) {
		run->script = lone->body;
		run->script_path = str_printf(SCRIPT_DIR "%s", lone->name);
		return run->script_path && strings_append(&run->words, run->script_path) == 0
			       ? 0
			       : no_memory(err);
	}
	buf_puts(&line, lone ? lone->body : run->in->words.v[0]);
	for (size_t i = 0; !lone && i < run->in->n_docs; i++)
		buf_printf(&line, "\n%s%s", run->in->docs[i].body, run->in->docs[i].name);
	return line.error || meta_shell(&run->w->meta, line.data, &run->words) < 0 ? no_memory(err)
										   : 0;
}

static int read_words(struct running *run, struct err *err)
{
	const struct strings *words = &run->in->words;

	if (!run->in->json)
		return shell_words(run, err);
	for (size_t i = 0; i < words->n; i++)
		if (strings_append(&run->words, words->v[i]) < 0)
			return no_memory(err);
	return 0;
}

static int add_env(struct running *run, const char *name, const char *value)
{
	cleanup_free char *word = str_printf("%s=%s", name, value);

	return word ? strings_append(&run->env, word) : -ENOMEM;
}

/* The image's environment, and arguments it does not set. */
static int read_env(struct running *run, struct err *err)
{
	const struct meta *m = &run->w->meta;
	const struct strings *args = &m->args.pairs, *given = &m->given->pairs;
	int r = imagedoc_list(&m->image, "Env", &run->env);

	for (size_t i = 0; r == 0 && i + 1 < args->n; i += 2)
		if (!imagedoc_env(&m->image, args->v[i]))
			r = add_env(run, args->v[i], args->v[i + 1]);
	key_add_list(&run->key, "env", run->env.v, run->env.n);
	for (size_t i = 0; r == 0 && i + 1 < given->n; i += 2)
		if (scope_is_proxy(given->v[i]) && !imagedoc_env(&m->image, given->v[i]) &&
		    !scope_get(&m->args, given->v[i]))
			r = add_env(run, given->v[i], given->v[i + 1]);
	return r < 0 ? no_memory(err) : 0;
}

/* RUN |1 A=b /bin/sh -c make */
static int write_history(struct running *run, struct err *err)
{
	const struct strings *args = &run->w->meta.args.pairs;

	buf_puts(&run->history, "RUN");
	if (args->n)
		buf_printf(&run->history, " |%zu", args->n / 2);
	for (size_t i = 0; i + 1 < args->n; i += 2)
		buf_printf(&run->history, " %s=%s", args->v[i], args->v[i + 1]);
	for (size_t i = 0; i < run->words.n; i++)
		buf_printf(&run->history, " %s", run->words.v[i]);
	return run->history.error ? no_memory(err) : 0;
}

static int read_network(struct running *run, struct err *err)
{
	static const char *const known[] = { "default", "none", "host" };
	const char *flag = instruction_flag(run->in, "network", 0);
	const char *security = instruction_flag(run->in, "security", 0);

	run->network = str_or_empty(run->w->build->options->request->network_mode);
	if (security && strcmp(security, "sandbox") != 0)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "RUN --security=%.40s: not supported by this release", security);
	for (size_t i = 0; flag && i < ARRAY_LEN(known); i++)
		if (strcmp(flag, known[i]) == 0) {
			run->network = i ? known[i] : run->network;
			return 0;
		}
	return flag ? err_set(err, ERR_INVALID, "invalid network mode: %.60s", flag) : 0;
}

static int make_key(struct running *run, char hex[65], struct err *err)
{
	const struct imagedoc *image = &run->w->meta.image;

	key_add_list(&run->key, "word", run->words.v, run->words.n);
	key_add(&run->key, "script", run->script ? run->script : "");
	key_add(&run->key, "user", imagedoc_text(image, "User"));
	key_add(&run->key, "directory", imagedoc_text(image, "WorkingDir"));
	key_add(&run->key, "network", run->network);
	key_add_stage(&run->key, run->w);
	return key_finish(&run->key, hex, err);
}

/* ---- the container */

static int output(void *ctx, int stream, const void *data, size_t n, struct err *err)
{
	return told_output(ctx, stream, data, n, err);
}

static int failed(const struct running *run, int code, struct err *err)
{
	cleanup(buf_deinit) struct buf words = BUF_NULL;

	for (size_t i = 0; i < run->words.n; i++)
		buf_printf(&words, "%s%s", i ? " " : "", run->words.v[i]);
	return err_set(err, ERR_UNKNOWN, "The command '%.150s' returned a non-zero code: %d",
		       str_or_empty(words.data), code);
}

static int commit(struct running *run, const struct sandbox *s, const char *key, struct err *err)
{
	cleanup_fd int upper = sandbox_upper(s, err);

	if (upper < 0)
		return upper;
	runbinds_clean(&run->binds, upper);
	return buildlayer_commit(run->w, upper, key, run->history.data, err);
}

static void fill_config(struct running *run, Cleat__V1__ContainerConfig *config)
{
	const Cleat__V1__BuildRequest__Options *o = run->w->build->options->request;
	const struct imagedoc *image = &run->w->meta.image;

	config->image = run->w->stack.id;
	config->env = run->env.v;
	config->n_env = run->env.n;
	config->user = (char *)(uintptr_t)imagedoc_text(image, "User");
	config->working_dir = (char *)(uintptr_t)imagedoc_text(image, "WorkingDir");
	config->network_mode = (char *)(uintptr_t)run->network;
	config->extra_hosts = o->extra_hosts;
	config->n_extra_hosts = o->n_extra_hosts;
	config->resources = o->resources;
	config->shm_size_bytes = o->shm_size_bytes;
	config->ulimits = o->ulimits;
	config->n_ulimits = o->n_ulimits;
}

static int make_sandbox(struct running *run, struct sandbox *s, struct err *err)
{
	Cleat__V1__CreateContainerRequest request = CLEAT__V1__CREATE_CONTAINER_REQUEST__INIT;
	Cleat__V1__ContainerConfig config = CLEAT__V1__CONTAINER_CONFIG__INIT;
	Cleat__V1__StringList command = CLEAT__V1__STRING_LIST__INIT;
	Cleat__V1__StringList entrypoint = CLEAT__V1__STRING_LIST__INIT;
	Cleat__V1__LogConfig log = CLEAT__V1__LOG_CONFIG__INIT;
	cleanup_free Cleat__V1__Mount **mounts = calloc(run->binds.n + 1, sizeof(*mounts));

	if (!mounts)
		return no_memory(err);
	for (size_t i = 0; i < run->binds.n; i++)
		mounts[i] = &run->binds.mounts[i];
	fill_config(run, &config);
	command.values = run->words.v;
	command.n_values = run->words.n;
	log.driver = (char *)(uintptr_t) "none";
	config.command = &command;
	config.entrypoint = &entrypoint;
	config.log = &log;
	config.mounts = mounts;
	config.n_mounts = run->binds.n;
	request.config = &config;
	return sandbox_open(s, run->w->build->engine, &request, err);
}

static int prepare_files(struct running *run, struct err *err)
{
	int r = runbinds_make(&run->binds, run->w, err);

	for (size_t i = 0; r == 0 && i < run->binds.env.n; i++)
		if (strings_append(&run->env, run->binds.env.v[i]) < 0)
			r = no_memory(err);
	if (r == 0 && run->script)
		r = runbinds_add_script(&run->binds, run->w, run->script_path, run->script, err);
	return r;
}

static int execute(struct running *run, const char *key, struct err *err)
{
	cleanup(sandbox_deinit) struct sandbox s = SANDBOX_NULL;
	int code = 0, r = prepare_files(run, err);

	r = r ? r : make_sandbox(run, &s, err);
	fault_point(FAULT_BUILD_CONTAINER_MADE);
	r = r ? r : image_packer_start(run->w->packer, s.engine, err);
	r = r ? r : sandbox_run(&s, output, run->w, run->w->build->cancel_fds, &code, err);
	fault_point(FAULT_BUILD_CONTAINER_ENDED);
	if (r < 0) {
		if (err)
			err->reason[0] = '\0'; /* it speaks of a container, and this was a build */
		return r;
	}
	return code ? failed(run, code, err) : commit(run, &s, key, err);
}

int step_run(struct work *w, const struct instruction *in, struct err *err)
{
	cleanup(running_deinit) struct running run = { .w = w, .in = in, .binds = RUNBINDS_NULL };
	char key[65];
	int r = key_open(&run.key, "run", err);

	r = r ? r : read_words(&run, err);
	r = r ? r : read_env(&run, err);
	r = r ? r : read_network(&run, err);
	r = r ? r : runbinds_read(&run.binds, w, in, &run.key, err);
	r = r ? r : write_history(&run, err);
	r = r ? r : make_key(&run, key, err);
	r = r ? r : buildlayer_recall(w, key, run.history.data, err);
	if (r == 1)
		told(w, BUILD_CACHED);
	return r ? (r < 0 ? r : 0) : execute(&run, key, err);
}
