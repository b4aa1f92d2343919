/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage needs is known from the text alone, as names of stages are not expanded: its parent, each
 * COPY --from and each RUN --mount=from=. They are all above it, so one walk upwards from the target
 * marks what is needed. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dockervar.h"
#include "str.h"

struct planner {
	const struct dockerfile *file;
	const struct scope *args, *builtin;
	struct plan *plan;
};

static const char *lookup(void *ctx, const char *name)
{
	const struct planner *p = ctx;
	const char *value = scope_get(&p->plan->global, name);

	return value ? value : scope_get(p->builtin, name);
}

static int expand(struct planner *p, const char *text, char **out, struct err *err)
{
	const struct dockervar vars = { p->file->escape, lookup, p, false };

	return dockervar_word(&vars, text, out, err);
}

/* One "NAME" or "NAME=default" of an ARG above the first FROM. */
static int global_arg(struct planner *p, const char *word, struct err *err)
{
	size_t n = strcspn(word, "=");
	cleanup_free char *name = strndup(word, n), *value = NULL;
	const char *given = name ? scope_get(p->args, name) : NULL;
	int r = name ? 0 : err_sys(err, ENOMEM, "plan");

	if (r == 0 && !given && word[n])
		r = expand(p, word + n + 1, &value, err);
	if (r == 0 && (given || value) &&
	    scope_set(&p->plan->global, name, given ? given : value) < 0)
		r = err_sys(err, ENOMEM, "plan");
	return r;
}

static int begin_stage(struct planner *p, size_t at, struct err *err)
{
	const struct instruction *in = &p->file->v[at];
	const char *platform = instruction_flag(in, "platform", 0);
	struct plan *plan = p->plan;
	struct stage *s = &plan->v[plan->n];
	cleanup_free char *image = NULL;
	int r = expand(p, in->words.v[0], &image, err);

	if (r == 0 && plan->n == PLAN_STAGES_MAX)
		r = err_set(err, ERR_INVALID, "more than %d stages", PLAN_STAGES_MAX);
	if (r == 0 && !image[0])
		r = err_set(err, ERR_INVALID, "base name (%.60s) should not be blank",
			    in->words.v[0]);
	if (r < 0)
		return r;
	*s = (struct stage){ .first = at, .end = at + 1 };
	s->name = in->words.n > 1 ? in->words.v[1] : NULL;
	s->parent = plan_find(plan, image, plan->n);
	if (s->parent == PLAN_NONE)
		s->image = steal(&image);
	plan->n++;
	return platform ? expand(p, platform, &s->platform, err) : 0;
}

static int add_instruction(struct planner *p, size_t at, struct err *err)
{
	const struct instruction *in = &p->file->v[at];
	int r = 0;

	if (in->kind == INSTRUCTION_FROM)
		return begin_stage(p, at, err);
	if (p->plan->n) {
		p->plan->v[p->plan->n - 1].end = at + 1;
		return 0;
	}
	if (in->kind != INSTRUCTION_ARG)
		return err_set(err, ERR_INVALID, "no build stage in current context");
	for (size_t i = 0; r == 0 && i < in->words.n; i++)
		r = global_arg(p, in->words.v[i], err);
	return r;
}

int plan_find(const struct plan *plan, const char *name, size_t before)
{
	uint64_t number;

	for (size_t i = before; i-- > 0;)
		if (plan->v[i].name && strcasecmp(plan->v[i].name, name) == 0)
			return (int)i;
	return str_u64(name, &number) == 0 && number < before ? (int)number : PLAN_NONE;
}

/* The value of from= among a mount's options. */
static const char *mount_from(const char *mount, size_t *len)
{
	for (const char *p = mount; *p; p += strcspn(p, ","), p += *p == ',')
		if (str_has_prefix(p, "from=")) {
			*len = strcspn(p + 5, ",");
			return p + 5;
		}
	return NULL;
}

const char *plan_from(const struct instruction *in, size_t nth, size_t *len)
{
	const char *flag;

	if (in->kind == INSTRUCTION_COPY) {
		flag = nth == 0 ? instruction_flag(in, "from", 0) : NULL;
		*len = flag ? strlen(flag) : 0;
		return flag;
	}
	for (size_t i = 0; in->kind == INSTRUCTION_RUN; i++) {
		flag = instruction_flag(in, "mount", i);
		if (!flag)
			break;
		const char *from = mount_from(flag, len);

		if (from && nth-- == 0)
			return from;
	}
	return NULL;
}

/* A number is a stage's and never an image's, and no stage can wait for itself. */
static int refuse_source(const struct plan *plan, const char *name, size_t stage, struct err *err)
{
	const char *own = plan->v[stage].name;
	uint64_t number;

	if (own && strcasecmp(own, name) == 0)
		return err_set(err, ERR_INVALID, "circular dependency detected on stage: %.80s",
			       own);
	return str_u64(name, &number) == 0
		       ? err_set(err, ERR_INVALID, "invalid stage index %.80s", name)
		       : 0;
}

static int mark_sources(struct plan *plan, const struct instruction *in, size_t stage,
			struct err *err)
{
	const char *from;
	size_t len;

	for (size_t nth = 0; (from = plan_from(in, nth, &len)); nth++) {
		cleanup_free char *name = strndup(from, len);
		int source = name ? plan_find(plan, name, stage) : PLAN_NONE;

		if (!name)
			return err_sys(err, ENOMEM, "plan");
		if (source != PLAN_NONE)
			plan->v[stage].needs[source] = plan->v[source].needed = true;
		else if (refuse_source(plan, name, stage, err) < 0)
			return err_wrap(err, -EINVAL, "dockerfile parse error on line %u",
					in->first);
	}
	return 0;
}

static int mark(struct plan *plan, const struct dockerfile *file, struct err *err)
{
	int r = 0;

	plan->v[plan->target].needed = true;
	for (size_t i = plan->target + 1; i-- > 0 && r == 0;) {
		struct stage *s = &plan->v[i];

		if (!s->needed)
			continue;
		if (s->parent != PLAN_NONE)
			s->needs[s->parent] = plan->v[s->parent].needed = true;
		for (size_t k = s->first; r == 0 && k < s->end; k++)
			r = mark_sources(plan, &file->v[k], i, err);
	}
	return r;
}

static int find_target(struct plan *plan, const char *target, struct err *err)
{
	int found = target[0] ? plan_find(plan, target, plan->n) : (int)plan->n - 1;

	if (found == PLAN_NONE)
		return err_set(err, ERR_INVALID, "target stage \"%.80s\" could not be found",
			       target);
	plan->target = (size_t)found;
	return 0;
}

int plan_make(const struct dockerfile *file, const struct scope *args, const struct scope *builtin,
	      const char *target, struct plan *out, struct err *err)
{
	struct planner p = { file, args, builtin, out };
	int r = 0;

	*out = PLAN_NULL;
	out->v = calloc(PLAN_STAGES_MAX + 1, sizeof(*out->v));
	if (!out->v)
		return err_sys(err, ENOMEM, "plan");
	for (size_t i = 0; r == 0 && i < file->n; i++) {
		r = add_instruction(&p, i, err);
		if (r < 0)
			err_wrap(err, r, "dockerfile parse error on line %u", file->v[i].first);
	}
	if (r == 0 && out->n == 0)
		r = err_set(err, ERR_INVALID, "no build stage in current context");
	r = r ? r : find_target(out, target, err);
	r = r ? r : mark(out, file, err);
	if (r < 0)
		plan_deinit(out);
	return r;
}

void plan_deinit(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		free(plan->v[i].image);
		free(plan->v[i].platform);
	}
	free(plan->v);
	scope_deinit(&plan->global);
	*plan = PLAN_NULL;
}
