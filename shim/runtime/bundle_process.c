/* SPDX-License-Identifier: Apache-2.0 */
/* The process section: who runs, with what, and what it may. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "bundle_parts.h"
#include "caps.h"

struct rlimit_name {
	const char *name;
	int resource;
};

static const struct rlimit_name rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

static int read_rlimit(const struct jval *v, struct plan_rlimit *out, struct err *err)
{
	struct jval type = j_get(v, "type"), soft = j_get(v, "soft"), hard = j_get(v, "hard");
	int r = j_need_string(&type, &out->name, err);

	r = r ? r : j_u64(&soft, &out->soft, err);
	r = r ? r : j_u64(&hard, &out->hard, err);
	if (r)
		return r;
	if (out->soft > out->hard)
		return j_fail(&soft, err, "is above hard");
	for (size_t i = 0; i < ARRAY_LEN(rlimit_names); i++)
		if (!strcmp(rlimit_names[i].name, out->name)) {
			out->resource = rlimit_names[i].resource;
			return 0;
		}
	return j_fail(&type, err, "\"%.40s\" is no known limit", out->name);
}

static int read_rlimits(struct plan *p, const struct jval *v, struct err *err)
{
	struct plan_process *out = &p->process;
	struct jval list = j_get(v, "rlimits");
	int r = bundle_array(p, &list, sizeof(*out->rlimits), &out->rlimits, &out->n_rlimits, err);

	for (size_t i = 0; !r && i < out->n_rlimits; i++) {
		struct jval e = j_at(&list, i);

		r = read_rlimit(&e, &out->rlimits[i], err);
	}
	return r;
}

static int read_capset(const struct jval *list, uint64_t *mask, struct err *err)
{
	size_t n;
	int r = j_array(list, &n, err);

	for (size_t i = 0; !r && i < n; i++) {
		struct jval e = j_at(list, i);
		const char *name = "";
		int number;

		r = j_need_string(&e, &name, err);
		number = r ? -1 : caps_number(name);
		if (!r && number < 0)
			return j_fail(&e, err, "\"%.40s\" is no known capability", name);
		if (!r)
			*mask |= UINT64_C(1) << number;
	}
	return r;
}

static int read_caps(struct plan_process *out, const struct jval *v, struct err *err)
{
	static const char *const sets[CAPSET_COUNT] = {
		[CAP_BOUNDING_] = "bounding",   [CAP_EFFECTIVE_] = "effective",
		[CAP_PERMITTED_] = "permitted", [CAP_INHERITABLE_] = "inheritable",
		[CAP_AMBIENT_] = "ambient",
	};
	struct jval caps = j_get(v, "capabilities");
	int r = j_object(&caps, err);

	out->has_caps = caps.v != NULL;
	for (size_t i = 0; !r && caps.v && i < CAPSET_COUNT; i++) {
		struct jval list = j_get(&caps, sets[i]);

		r = read_capset(&list, &out->caps[i], err);
	}
	return r;
}

static int read_user(struct plan *p, const struct jval *v, struct err *err)
{
	struct plan_process *out = &p->process;
	struct jval user = j_get(v, "user"), gids = j_get(&user, "additionalGids");
	struct jval uid = j_get(&user, "uid"), gid = j_get(&user, "gid");
	struct jval mask = j_get(&user, "umask");
	int64_t umask_value = -1;
	int r = j_object(&user, err);

	r = r ? r : j_u32(&uid, &out->uid, err);
	r = r ? r : j_u32(&gid, &out->gid, err);
	r = r ? r : j_int(&mask, 0, 0777, &umask_value, err);
	out->umask = (int)umask_value;
	r = r ? r : bundle_array(p, &gids, sizeof(*out->gids), &out->gids, &out->n_gids, err);
	for (size_t i = 0; !r && i < out->n_gids; i++) {
		struct jval e = j_at(&gids, i);

		r = j_u32(&e, &out->gids[i], err);
	}
	return r;
}

static int read_console(struct plan_process *out, const struct jval *v, struct err *err)
{
	struct jval terminal = j_get(v, "terminal"), size = j_get(v, "consoleSize");
	struct jval height = j_get(&size, "height"), width = j_get(&size, "width");
	int64_t rows = 0, cols = 0;
	int r = j_bool(&terminal, &out->terminal, err);

	r = r ? r : j_object(&size, err);
	r = r ? r : j_int(&height, 0, UINT16_MAX, &rows, err);
	r = r ? r : j_int(&width, 0, UINT16_MAX, &cols, err);
	out->rows = (uint16_t)rows;
	out->cols = (uint16_t)cols;
	return r;
}

static int read_oom(struct plan_process *out, const struct jval *v, struct err *err)
{
	struct jval adj = j_get(v, "oomScoreAdj");
	int64_t n = 0;
	int r = j_int(&adj, -1000, 1000, &n, err);

	out->has_oom = adj.v != NULL;
	out->oom_score_adj = (int)n;
	return r;
}

int bundle_process(struct plan *p, const struct jval *v, struct err *err)
{
	struct plan_process *out = &p->process;
	struct jval args = j_get(v, "args"), env = j_get(v, "env"), cwd = j_get(v, "cwd");
	struct jval nnp = j_get(v, "noNewPrivileges"), apparmor = j_get(v, "apparmorProfile");
	int r = j_object(v, err);

	p->has_process = v->v != NULL;
	if (r || !v->v)
		return r;
	r = bundle_strings(p, &args, &out->args, err);
	if (!r && !out->args.n)
		return j_fail(&args, err, "needs at least the program");
	r = r ? r : bundle_strings(p, &env, &out->env, err);
	r = r ? r : j_need_string(&cwd, &out->cwd, err);
	if (!r && out->cwd[0] != '/')
		return j_fail(&cwd, err, "\"%.80s\" is not absolute", out->cwd);
	r = r ? r : read_console(out, v, err);
	r = r ? r : read_user(p, v, err);
	r = r ? r : read_caps(out, v, err);
	r = r ? r : read_rlimits(p, v, err);
	r = r ? r : j_bool(&nnp, &out->no_new_privileges, err);
	r = r ? r : j_string(&apparmor, &out->apparmor, err);
	return r ? r : read_oom(out, v, err);
}
