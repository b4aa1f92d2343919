/* SPDX-License-Identifier: Apache-2.0 */
#include "stagework.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "baseimage.h"
#include "cancel.h"
#include "distribution.h"
#include "str.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

static const char *host_architecture(void)
{
	struct utsname name;

	return uname(&name) == 0 && strcmp(name.machine, "aarch64") == 0 ? "arm64" : "amd64";
}

int stagework_builtin(struct build *b, struct err *err)
{
	const Cleat__V1__Platform *p = b->options->request->platform;
	struct platform word = { .os = "" };
	bool one_word = p && p->os[0] && !p->architecture[0];

	if (one_word && platform_parse(p->os, &word, err) < 0)
		return -EINVAL;
	const char *os = one_word ? word.os : p && p->os[0] ? p->os : "linux";
	const char *arch = one_word ? word.architecture : p ? p->architecture : "";

	arch = arch[0] ? arch : host_architecture();
	const char *variant = p ? str_or_empty(p->variant) : "";
	cleanup_free char *target =
		str_printf("%s/%s%s%s", os, arch, variant[0] ? "/" : "", variant);
	cleanup_free char *host = str_printf("linux/%s", host_architecture());
	const char *const values[][2] = {
		{ "TARGETPLATFORM", target },
		{ "TARGETOS", os },
		{ "TARGETARCH", arch },
		{ "TARGETVARIANT", variant },
		{ "BUILDPLATFORM", host },
		{ "BUILDOS", "linux" },
		{ "BUILDARCH", host_architecture() },
		{ "BUILDVARIANT", "" },
	};
	int r = target && host ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(values); i++)
		r = scope_set(&b->builtin, values[i][0], values[i][1]);
	return r < 0 ? no_memory(err) : 0;
}

void stagework_deinit(struct work *w)
{
	meta_deinit(&w->meta);
	stack_deinit(&w->stack);
}

/* ---- FROM */

static int begin_as_stage(struct work *w, size_t parent, struct err *err)
{
	const struct work *from = &w->build->stages[parent];
	int r = imagedoc_copy(&w->meta.image, &from->meta.image);

	r = r ? r : scope_add(&w->meta.args, &from->meta.args);
	r = r < 0 ? no_memory(err)
		  : stack_open(&w->stack, w->build->engine, w->build->lease.path,
			       &from->stack.layers, from->stack.size_bytes, err);
	w->stack.created_ns = from->stack.created_ns;
	w->changed = from->changed;
	return r;
}

static int step_from(struct work *w, const struct instruction *in, struct err *err)
{
	const struct stage *stage = &w->build->plan.v[w->number];
	const Cleat__V1__Platform *p = w->build->options->request->platform;
	const char *platform = stage->platform;

	if (!platform && p && (p->os[0] || p->architecture[0]))
		platform = scope_get(&w->build->builtin, "TARGETPLATFORM");
	told_begin(w, in->text);
	return stage->parent != PLAN_NONE ? begin_as_stage(w, (size_t)stage->parent, err)
					  : baseimage_open(w->build, stage->image, platform,
							   &w->meta.image, &w->stack, err);
}

/* ---- instructions */

static bool is_step(enum instruction_kind kind)
{
	return kind == INSTRUCTION_FROM || kind == INSTRUCTION_RUN || kind == INSTRUCTION_COPY ||
	       kind == INSTRUCTION_ADD || kind == INSTRUCTION_WORKDIR;
}

static int do_meta(struct work *w, const struct instruction *in, struct err *err)
{
	cleanup(buf_deinit) struct buf history = BUF_NULL;
	int r = meta_apply(&w->meta, in, &history, err);

	if (r < 0)
		return err_wrap(err, r, "dockerfile line %u: %s", in->first,
				instruction_name(in->kind));
	return buildlayer_empty(w, history.data, err);
}

static int (*const steps[N_INSTRUCTIONS])(struct work *w, const struct instruction *in,
					  struct err *err) = {
	[INSTRUCTION_ADD] = step_copy,        [INSTRUCTION_COPY] = step_copy,
	[INSTRUCTION_FROM] = step_from,       [INSTRUCTION_RUN] = step_run,
	[INSTRUCTION_WORKDIR] = step_workdir,
};

static int do_instruction(struct work *w, const struct instruction *in, struct err *err)
{
	int (*step)(struct work *, const struct instruction *, struct err *) = steps[in->kind];
	int r = cancel_check(w->build->cancel_fds, "the build", err);

	if (r < 0)
		return r;
	if (!step)
		return do_meta(w, in, err);
	if (in->kind != INSTRUCTION_FROM)
		told_begin(w, in->text);
	r = step(w, in, err);
	told(w, r ? BUILD_FAILED : BUILD_DONE);
	return r;
}

static int do_trigger(struct work *w, const char *text, struct err *err)
{
	cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;
	int r = dockerfile_parse(text, strlen(text), &file, err);

	w->meta.escape = file.escape; /* its own, whatever this Dockerfile's is */
	for (size_t i = 0; r == 0 && i < file.n; i++) {
		w->steps += is_step(file.v[i].kind);
		r = do_instruction(w, &file.v[i], err);
	}
	w->meta.escape = w->build->file.escape;
	return r < 0 ? err_wrap(err, r, "ONBUILD trigger of the base") : 0;
}

/* What a base wants done in who builds on it, once. */
static int do_triggers(struct work *w, struct err *err)
{
	cleanup(strings_deinit) struct strings triggers = { 0 };
	int r = imagedoc_list(&w->meta.image, "OnBuild", &triggers) < 0 ? no_memory(err) : 0;

	imagedoc_drop(&w->meta.image, "OnBuild");
	for (size_t i = 0; r == 0 && i < triggers.n; i++)
		r = do_trigger(w, triggers.v[i], err);
	return r;
}

static size_t count_steps(const struct build *b, const struct stage *stage)
{
	size_t n = 0;

	for (size_t i = stage->first; i < stage->end; i++)
		n += is_step(b->file.v[i].kind);
	return n;
}

int stagework_make(struct work *w, struct build *b, size_t number, struct err *err)
{
	const struct stage *stage = &b->plan.v[number];
	int r = 0;

	w->build = b;
	w->number = number;
	w->steps = count_steps(b, stage);
	w->meta.escape = b->file.escape;
	w->meta.given = &b->args;
	w->meta.global = &b->plan.global;
	w->meta.builtin = &b->builtin;
	for (size_t i = stage->first; r == 0 && i < stage->end; i++) {
		r = do_instruction(w, &b->file.v[i], err);
		if (r == 0 && i == stage->first)
			r = do_triggers(w, err);
	}
	return r;
}
