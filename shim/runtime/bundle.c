/* SPDX-License-Identifier: Apache-2.0 */
/* The document is parsed once by jansson and read in one pass into struct plan; what is unknown is
 * ignored, as the specification demands, what is known is checked. Numbers beyond 63 bits (an
 * "unlimited" rlimit written as 18446744073709551615) make jansson fail, and only then is the
 * text parsed again with integers as reals. */
#include "bundle.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "bundle_parts.h"
#include "str.h"

const struct plan_ns_kind plan_ns_kinds[NS_COUNT] = {
	[NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
	[NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[NS_NET] = { "network", "net", CLONE_NEWNET },
	[NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NS_USER] = { "user", "user", CLONE_NEWUSER },
	[NS_TIME] = { "time", "time", CLONE_NEWTIME },
};

struct plan_chunk {
	struct plan_chunk *next;
	max_align_t data[];
};

void *plan_alloc(struct plan *p, size_t n)
{
	struct plan_chunk *c = calloc(1, sizeof(*c) + n);

	if (!c)
		return NULL;
	c->next = p->chunks;
	p->chunks = c;
	return c->data;
}

void plan_free(struct plan *p)
{
	while (p->chunks) {
		struct plan_chunk *c = p->chunks;

		p->chunks = c->next;
		free(c);
	}
	json_decref(p->json);
	memset(p, 0, sizeof(*p));
}

int bundle_array(struct plan *p, const struct jval *v, size_t size, void *out, size_t *n,
		 struct err *err)
{
	size_t count;
	int r = j_array(v, &count, err);

	if (r)
		return r;
	if (count > BUNDLE_LIST_MAX)
		return j_fail(v, err, "has more than %d elements", BUNDLE_LIST_MAX);
	*n = count;
	if (!count)
		return 0;
	*(void **)out = plan_alloc(p, count * size);
	return *(void **)out ? 0 : err_sys(err, ENOMEM, "read the bundle");
}

int bundle_strings(struct plan *p, const struct jval *v, struct plan_strings *out, struct err *err)
{
	size_t n;
	int r = j_array(v, &n, err);

	if (r)
		return r;
	if (n > BUNDLE_LIST_MAX)
		return j_fail(v, err, "has more than %d elements", BUNDLE_LIST_MAX);
	out->item = plan_alloc(p, (n + 1) * sizeof(*out->item));
	if (!out->item)
		return err_sys(err, ENOMEM, "read the bundle");
	for (size_t i = 0; i < n; i++) {
		struct jval e = j_at(v, i);

		if (!e.v || !json_is_string(e.v))
			return j_fail(&e, err, "expected a string");
		out->item[i] = json_string_value(e.v);
	}
	out->n = n;
	return 0;
}

int bundle_pairs(struct plan *p, const struct jval *v, struct plan_pair **out, size_t *n,
		 struct err *err)
{
	const char *key;
	json_t *value;
	size_t i = 0;
	int r = j_object(v, err);

	if (r || !v->v)
		return r;
	*out = plan_alloc(p, (json_object_size(v->v) + 1) * sizeof(**out));
	if (!*out)
		return err_sys(err, ENOMEM, "read the bundle");
	json_object_foreach(v->v, key, value)
	{
		struct jval m = j_get(v, key);

		r = j_need_string(&m, &(*out)[i].value, err);
		if (r)
			return r;
		(*out)[i++].key = key;
	}
	*n = i;
	return 0;
}

static int parse_mount_options(struct plan *p, const struct jval *m, struct plan_mount *out,
			       struct err *err)
{
	cleanup(buf_deinit) struct buf data = BUF_NULL;
	struct jval options = j_get(m, "options");
	struct plan_strings words = { 0 };
	char *copy;
	int r = bundle_strings(p, &options, &words, err);

	for (size_t i = 0; !r && i < words.n; i++) {
		struct jval e = j_at(&options, i);

		r = mountopt_add(&out->opt, words.item[i], &data);
		if (r == -EOPNOTSUPP)
			return j_fail(&e, err, "\"%s\" is not supported", words.item[i]);
	}
	if (r || !data.len)
		return r;
	copy = plan_alloc(p, data.len + 1);
	if (!copy)
		return err_sys(err, ENOMEM, "read the bundle");
	memcpy(copy, data.data, data.len);
	out->data = copy;
	return 0;
}

/* A mount of its own maps is mapped, whatever its options say. */
static int parse_maps(struct plan *p, const struct jval *m, struct plan_mount *out, struct err *err)
{
	int r = bundle_idmap(p, m, "uidMappings", &out->uid_map, err);

	r = r ? r : bundle_idmap(p, m, "gidMappings", &out->gid_map, err);
	if (!r && !out->uid_map.n != !out->gid_map.n)
		return j_fail(m, err, "needs both uidMappings and gidMappings, or neither");
	out->opt.idmap |= out->uid_map.n > 0;
	if (!r && out->opt.idmap && !out->opt.bind)
		return j_fail(m, err, "only a bind mount can have its ids mapped");
	return r;
}

/* "a\nb\nc" to three strings; the copy lives in the arena. */
static int split_lines(struct plan *p, const char *text, struct plan_strings *out, struct err *err)
{
	size_t len = strlen(text), n = 1;
	char *copy = plan_alloc(p, len + 1), *save = NULL;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	out->item = plan_alloc(p, (n + 1) * sizeof(*out->item));
	if (!copy || !out->item)
		return err_sys(err, ENOMEM, "read the bundle");
	memcpy(copy, text, len);
	for (char *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		out->item[out->n++] = s;
	return 0;
}

/* They are mounted outside, where all of the host's file systems can be had, and others have them too: nobody writes
 * there, whatever the options say. */
static int parse_layers(struct plan *p, const struct jval *m, struct plan_mount *out,
			struct err *err)
{
	if (!str_equal(out->type, PLAN_MOUNT_LAYERS))
		return 0;

	int r = out->source ? split_lines(p, out->source, &out->layers, err) : 0;

	if (!r && out->opt.bind)
		return j_fail(m, err, "takes no option \"bind\"");
	if (!r && out->layers.n < 2)
		return j_fail(m, err, "needs two layers at least");
	if (!r && out->data && !str_has_prefix(out->data, PLAN_MOUNT_SUBPATH))
		return j_fail(m, err, "takes no option \"%.80s\"", out->data);
	out->opt.attr_set |= MOUNT_ATTR_RDONLY;
	out->opt.attr_clr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return r;
}

static int parse_mount(struct plan *p, const struct jval *m, struct plan_mount *out,
		       struct err *err)
{
	struct jval dest = j_get(m, "destination"), type = j_get(m, "type");
	struct jval source = j_get(m, "source");
	int r = j_object(m, err);

	r = r ? r : j_need_string(&dest, &out->dest, err);
	r = r ? r : j_string(&type, &out->type, err);
	r = r ? r : j_string(&source, &out->source, err);
	r = r ? r : parse_mount_options(p, m, out, err);
	if (r)
		return r;
	if (str_equal(out->type, "bind"))
		out->opt.bind = true;
	if (out->opt.bind && !out->source)
		return j_fail(&source, err, "is missing");
	if (!out->opt.bind && !out->type)
		return j_fail(&type, err, "is missing");
	r = parse_layers(p, m, out, err);
	return r ? r : parse_maps(p, m, out, err);
}

static int parse_mounts(struct plan *p, const struct jval *doc, struct err *err)
{
	struct jval mounts = j_get(doc, "mounts");
	int r = bundle_array(p, &mounts, sizeof(*p->mounts), &p->mounts, &p->n_mounts, err);

	for (size_t i = 0; !r && i < p->n_mounts; i++) {
		struct jval m = j_at(&mounts, i);

		r = parse_mount(p, &m, &p->mounts[i], err);
	}
	return r;
}

static int parse_root(struct plan *p, const struct jval *doc, struct err *err)
{
	struct jval root = j_get(doc, "root");
	struct jval path = j_get(&root, "path"), readonly = j_get(&root, "readonly");
	int r = j_object(&root, err);

	r = r ? r : j_need_string(&path, &p->root, err);
	return r ? r : j_bool(&readonly, &p->root_readonly, err);
}

static int parse_hook(struct plan *p, const struct jval *v, struct plan_hook_entry *h,
		      struct err *err)
{
	struct jval path = j_get(v, "path"), args = j_get(v, "args"), env = j_get(v, "env");
	struct jval timeout = j_get(v, "timeout");
	int r = j_object(v, err);

	r = r ? r : j_need_string(&path, &h->path, err);
	r = r ? r : bundle_strings(p, &args, &h->args, err);
	r = r ? r : bundle_strings(p, &env, &h->env, err);
	r = r ? r : j_int(&timeout, 1, INT32_MAX, &h->timeout_s, err);
	if (!r && h->path[0] != '/')
		return j_fail(&path, err, "\"%s\" is not absolute", h->path);
	return r;
}

static int parse_hooks(struct plan *p, const struct jval *doc, struct err *err)
{
	static const char *const names[HOOK_COUNT] = {
		[HOOK_PRESTART] = "prestart",
		[HOOK_CREATE_RUNTIME] = "createRuntime",
		[HOOK_CREATE_CONTAINER] = "createContainer",
		[HOOK_START_CONTAINER] = "startContainer",
		[HOOK_POSTSTART] = "poststart",
		[HOOK_POSTSTOP] = "poststop",
	};
	struct jval hooks = j_get(doc, "hooks");
	int r = j_object(&hooks, err);

	for (size_t k = 0; !r && hooks.v && k < HOOK_COUNT; k++) {
		struct jval list = j_get(&hooks, names[k]);
		struct plan_hooks *out = &p->hooks[k];

		r = bundle_array(p, &list, sizeof(*out->item), &out->item, &out->n, err);
		for (size_t i = 0; !r && i < out->n; i++) {
			struct jval h = j_at(&list, i);

			r = parse_hook(p, &h, &out->item[i], err);
		}
	}
	return r;
}

static int parse_annotations(struct plan *p, const struct jval *doc, struct err *err)
{
	struct jval a = j_get(doc, "annotations");
	struct jval lower = j_get(&a, "dev.cleat.overlay.lower");
	struct jval upper = j_get(&a, "dev.cleat.overlay.upper");
	struct jval work = j_get(&a, "dev.cleat.overlay.work"), init = j_get(&a, "dev.cleat.init");
	struct jval is_volatile = j_get(&a, "dev.cleat.overlay.volatile");
	const char *text = NULL, *init_flag = "", *volatile_flag = "";
	int r = j_object(&a, err);

	p->annotations = a.v;
	r = r ? r : j_string(&lower, &text, err);
	r = r ? r : j_string(&upper, &p->overlay.upper, err);
	r = r ? r : j_string(&work, &p->overlay.work, err);
	r = r ? r : j_string(&is_volatile, &volatile_flag, err);
	r = r ? r : j_string(&init, &init_flag, err);
	if (r)
		return r;
	p->init = !strcmp(init_flag, "true");
	p->overlay.is_volatile = !strcmp(volatile_flag, "true");
	if (!p->overlay.upper != !p->overlay.work)
		return j_fail(&a, err, "overlay needs both upper and work, or neither");
	return text ? split_lines(p, text, &p->overlay.lower, err) : 0;
}

static int read_document(struct plan *p, const struct jval *doc, struct err *err)
{
	struct jval version = j_get(doc, "ociVersion"), hostname = j_get(doc, "hostname");
	struct jval domain = j_get(doc, "domainname"), process = j_get(doc, "process");
	struct jval linux_ = j_get(doc, "linux");
	int r = doc->v && json_is_object(doc->v) ? 0 : j_fail(doc, err, "expected an object");

	r = r ? r : j_need_string(&version, &p->version, err);
	if (!r && strncmp(p->version, "1.", 2) != 0)
		return j_fail(&version, err, "%.40s is not supported, only 1.x is", p->version);
	r = r ? r : parse_root(p, doc, err);
	r = r ? r : j_string(&hostname, &p->hostname, err);
	r = r ? r : j_string(&domain, &p->domainname, err);
	r = r ? r : parse_mounts(p, doc, err);
	r = r ? r : parse_hooks(p, doc, err);
	r = r ? r : parse_annotations(p, doc, err);
	r = r ? r : bundle_process(p, &process, err);
	r = r ? r : bundle_linux(p, &linux_, err);
	if (r)
		return r;
	if (!(p->ns_new & 1u << NS_MOUNT) && !p->ns_path[NS_MOUNT])
		return j_fail(&linux_, err,
			      "namespaces: a container without a mount namespace "
			      "is not supported");
	if (p->hostname && !(p->ns_new & 1u << NS_UTS) && !p->ns_path[NS_UTS])
		return j_fail(&hostname, err, "needs a uts namespace");
	return 0;
}

static json_t *load(const char *text, size_t n, struct err *err)
{
	json_error_t e;
	json_t *v = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);

	if (!v && json_error_code(&e) == json_error_numeric_overflow)
		v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
	if (!v)
		err_set(err, ERR_INVALID, "line %d column %d: %s", e.line, e.column, e.text);
	return v;
}

static int parse(struct plan *plan, const char *text, size_t n, struct err *err,
		 int (*read)(struct plan *, const struct jval *, struct err *))
{
	struct jval doc = { 0 };
	int r;

	memset(plan, 0, sizeof(*plan));
	plan->json = load(text, n, err);
	if (!plan->json)
		return -EINVAL;
	doc.v = plan->json;
	r = read(plan, &doc, err);
	if (r)
		plan_free(plan);
	return r;
}

int bundle_parse(struct plan *plan, const char *text, size_t n, struct err *err)
{
	int r = parse(plan, text, n, err, read_document);

	return r ? err_wrap(err, r, "config.json") : 0;
}

int bundle_parse_process(struct plan *plan, const char *text, size_t n, struct err *err)
{
	int r = parse(plan, text, n, err, bundle_process);

	return r ? err_wrap(err, r, "process") : 0;
}

int bundle_parse_resources(struct plan *plan, const char *text, size_t n, struct err *err)
{
	int r = parse(plan, text, n, err, bundle_resources);

	return r ? err_wrap(err, r, "resources") : 0;
}
