/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: what the cgroup limits. */
#include <errno.h>
#include <string.h>

#include "bundle_parts.h"

struct limit_place {
	const char *section, *key;
	enum plan_limit limit;
};

static const struct limit_place places[] = {
	{ "memory", "limit", LIMIT_MEMORY },
	{ "memory", "reservation", LIMIT_MEMORY_RESERVATION },
	{ "memory", "swap", LIMIT_MEMORY_SWAP },
	{ "memory", "swappiness", LIMIT_SWAPPINESS },
	{ "pids", "limit", LIMIT_PIDS },
	{ "cpu", "shares", LIMIT_CPU_SHARES },
	{ "cpu", "quota", LIMIT_CPU_QUOTA },
	{ "cpu", "period", LIMIT_CPU_PERIOD },
	{ "cpu", "idle", LIMIT_CPU_IDLE },
	{ "blockIO", "weight", LIMIT_BLKIO_WEIGHT },
};

static int read_limits(struct plan_resources *out, const struct jval *v, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_LEN(places); i++) {
		struct jval section = j_get(v, places[i].section);
		struct jval value = j_get(&section, places[i].key);

		r = j_object(&section, err);
		r = r ? r : j_int(&value, -1, INT64_MAX, &out->limit[places[i].limit], err);
		out->set[places[i].limit] = value.v != NULL;
	}
	return r;
}

static int read_rule(const struct jval *v, struct plan_device_rule *out, struct err *err)
{
	struct jval allow = j_get(v, "allow"), type = j_get(v, "type"), major = j_get(v, "major");
	struct jval minor = j_get(v, "minor"), access = j_get(v, "access");
	const char *kind = "a", *acc = "rwm";
	int r = j_bool(&allow, &out->allow, err);

	out->major = out->minor = -1;
	r = r ? r : j_string(&type, &kind, err);
	r = r ? r : j_int(&major, -1, UINT32_MAX, &out->major, err);
	r = r ? r : j_int(&minor, -1, UINT32_MAX, &out->minor, err);
	r = r ? r : j_string(&access, &acc, err);
	if (r)
		return r;
	if (strlen(kind) > 1 || (kind[0] && !strchr("abcu", kind[0])))
		return j_fail(&type, err, "\"%.20s\" is none of a, b, c, u", kind);
	if (!*acc || strlen(acc) > 3 || strspn(acc, "rwm") != strlen(acc))
		return j_fail(&access, err, "\"%.20s\" is not made of r, w, m", acc);
	out->type = kind[0] == 'u' ? 'c' : kind[0] ? kind[0] : 'a';
	memcpy(out->access, acc, strlen(acc) + 1);
	return 0;
}

static int read_rules(struct plan *p, const struct jval *v, struct err *err)
{
	struct plan_resources *out = &p->res;
	struct jval list = j_get(v, "devices");
	int r = bundle_array(p, &list, sizeof(*out->devices), &out->devices, &out->n_devices, err);

	for (size_t i = 0; !r && i < out->n_devices; i++) {
		struct jval e = j_at(&list, i);

		r = read_rule(&e, &out->devices[i], err);
	}
	return r;
}

static const char *const throttle_keys[THROTTLE_COUNT] = {
	[THROTTLE_RBPS] = "throttleReadBpsDevice",   [THROTTLE_WBPS] = "throttleWriteBpsDevice",
	[THROTTLE_RIOPS] = "throttleReadIOPSDevice", [THROTTLE_WIOPS] = "throttleWriteIOPSDevice",
	[THROTTLE_WEIGHT] = "weightDevice",
};

static int read_throttle_list(struct plan *p, const struct jval *list, enum plan_throttle kind,
			      struct err *err)
{
	struct plan_throttle_rule *all;
	struct plan_resources *out = &p->res;
	size_t n = 0;
	int r = j_array(list, &n, err);

	if (r || !n)
		return r;
	if (n > BUNDLE_THROTTLE_MAX)
		return j_fail(list, err, "has more than %d elements", BUNDLE_THROTTLE_MAX);
	all = plan_alloc(p, (out->n_throttle + n) * sizeof(*all));
	if (!all)
		return err_sys(err, ENOMEM, "read the bundle");
	if (out->n_throttle)
		memcpy(all, out->throttle, out->n_throttle * sizeof(*all));
	out->throttle = all;
	for (size_t i = 0; !r && i < n; i++) {
		struct plan_throttle_rule *t = &all[out->n_throttle++];
		struct jval e = j_at(list, i), major = j_get(&e, "major");
		struct jval minor = j_get(&e, "minor");
		struct jval rate = j_get(&e, kind == THROTTLE_WEIGHT ? "weight" : "rate");

		t->kind = kind;
		r = j_u32(&major, &t->major, err);
		r = r ? r : j_u32(&minor, &t->minor, err);
		r = r ? r : j_u64(&rate, &t->rate, err);
	}
	return r;
}

int bundle_resources(struct plan *p, const struct jval *v, struct err *err)
{
	struct jval cpu = j_get(v, "cpu"), cpus = j_get(&cpu, "cpus"), mems = j_get(&cpu, "mems");
	struct jval memory = j_get(v, "memory"), oom = j_get(&memory, "disableOOMKiller");
	struct jval unified = j_get(v, "unified"), blockio = j_get(v, "blockIO");
	bool no_oom = false;
	int r = j_object(v, err);

	r = r ? r : read_limits(&p->res, v, err);
	r = r ? r : j_string(&cpus, &p->res.cpus, err);
	r = r ? r : j_string(&mems, &p->res.mems, err);
	r = r ? r : j_bool(&oom, &no_oom, err);
	p->res.set[LIMIT_OOM_DISABLE] = no_oom;
	p->res.limit[LIMIT_OOM_DISABLE] = no_oom;
	r = r ? r : read_rules(p, v, err);
	r = r ? r : bundle_pairs(p, &unified, &p->res.unified, &p->res.n_unified, err);
	for (size_t k = 0; !r && k < THROTTLE_COUNT; k++) {
		struct jval list = j_get(&blockio, throttle_keys[k]);

		r = read_throttle_list(p, &list, (enum plan_throttle)k, err);
	}
	return r;
}
