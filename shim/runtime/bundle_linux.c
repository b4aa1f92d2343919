/* SPDX-License-Identifier: Apache-2.0 */
/* The linux section but for resources: namespaces, id maps, devices, paths, sysctls. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "bundle_parts.h"
#include "sysctl.h"

static int read_namespace(struct plan *p, const struct jval *v, struct err *err)
{
	struct jval type = j_get(v, "type"), path = j_get(v, "path");
	const char *word = "", *file = NULL;
	int r = j_need_string(&type, &word, err);

	r = r ? r : j_string(&path, &file, err);
	for (size_t k = 0; !r && k < NS_COUNT; k++) {
		if (strcmp(plan_ns_kinds[k].word, word) != 0)
			continue;
		if (p->ns_new & 1u << k || p->ns_path[k])
			return j_fail(&type, err, "\"%s\" is there twice", word);
		if (file && *file)
			p->ns_path[k] = file;
		else
			p->ns_new |= 1u << k;
		return 0;
	}
	return r ? r : j_fail(&type, err, "\"%.40s\" is no known namespace", word);
}

static int read_namespaces(struct plan *p, const struct jval *v, struct err *err)
{
	struct jval list = j_get(v, "namespaces");
	size_t n = 0;
	int r = j_array(&list, &n, err);

	for (size_t i = 0; !r && i < n; i++) {
		struct jval e = j_at(&list, i);

		r = read_namespace(p, &e, err);
	}
	return r;
}

int bundle_idmap(struct plan *p, const struct jval *v, const char *key, struct plan_idmaps *out,
		 struct err *err)
{
	struct jval list = j_get(v, key);
	int r = bundle_array(p, &list, sizeof(*out->item), &out->item, &out->n, err);

	for (size_t i = 0; !r && i < out->n; i++) {
		struct jval e = j_at(&list, i), c = j_get(&e, "containerID");
		struct jval h = j_get(&e, "hostID"), s = j_get(&e, "size");

		r = j_u32(&c, &out->item[i].container, err);
		r = r ? r : j_u32(&h, &out->item[i].host, err);
		r = r ? r : j_u32(&s, &out->item[i].size, err);
		if (!r && !out->item[i].size)
			return j_fail(&s, err, "must not be 0");
	}
	return r;
}

static int read_device(const struct jval *v, struct plan_device *out, struct err *err)
{
	struct jval path = j_get(v, "path"), type = j_get(v, "type"), major = j_get(v, "major");
	struct jval minor = j_get(v, "minor"), mode = j_get(v, "fileMode");
	struct jval uid = j_get(v, "uid"), gid = j_get(v, "gid");
	const char *kind = "";
	int64_t maj = 0, min = 0, perm = 0666;
	int r = j_need_string(&path, &out->path, err);

	r = r ? r : j_need_string(&type, &kind, err);
	r = r ? r : j_int(&major, 0, 0xfff, &maj, err);
	r = r ? r : j_int(&minor, 0, 0xfffff, &min, err);
	r = r ? r : j_int(&mode, 0, 0777777, &perm, err);
	r = r ? r : j_u32(&uid, &out->uid, err);
	r = r ? r : j_u32(&gid, &out->gid, err);
	if (r)
		return r;
	if (strlen(kind) != 1 || !strchr("bcup", kind[0]))
		return j_fail(&type, err, "\"%.20s\" is none of b, c, u, p", kind);
	out->mode = (mode_t)(perm & 07777) | (kind[0] == 'b'   ? S_IFBLK
					      : kind[0] == 'p' ? S_IFIFO
							       : S_IFCHR);
	out->major = (unsigned)maj;
	out->minor = (unsigned)min;
	return out->path[0] == '/' ? 0 : j_fail(&path, err, "is not absolute");
}

static int read_devices(struct plan *p, const struct jval *v, struct err *err)
{
	struct jval list = j_get(v, "devices");
	int r = bundle_array(p, &list, sizeof(*p->devices), &p->devices, &p->n_devices, err);

	for (size_t i = 0; !r && i < p->n_devices; i++) {
		struct jval e = j_at(&list, i);

		r = read_device(&e, &p->devices[i], err);
	}
	return r;
}

static int read_propagation(struct plan *p, const struct jval *v, struct err *err)
{
	cleanup(buf_deinit) struct buf data = BUF_NULL;
	struct jval word = j_get(v, "rootfsPropagation");
	struct mountopt o = { 0 };
	const char *text = "";
	int r = j_string(&word, &text, err);

	if (r || !*text)
		return r;
	if (mountopt_add(&o, text, &data) || !o.propagation)
		return j_fail(&word, err, "\"%.40s\" is no propagation", text);
	p->propagation = o.propagation | MS_REC;
	return 0;
}

enum plan_ns plan_sysctl_ns(const char *name)
{
	static const enum plan_ns kinds[] = { [SYSCTL_HOST] = NS_COUNT,
					      [SYSCTL_IPC] = NS_IPC,
					      [SYSCTL_NETWORK] = NS_NET,
					      [SYSCTL_UTS] = NS_UTS };

	return kinds[sysctl_space(name)];
}

/* The file is there in the container's /proc whose ever it is: what is not in a namespace of the container's
 * own would be changed for the host. */
static int check_sysctls(const struct plan *p, const struct jval *v, struct err *err)
{
	for (size_t i = 0; i < p->n_sysctl; i++) {
		enum plan_ns kind = plan_sysctl_ns(p->sysctl[i].key);

		if (kind == NS_COUNT)
			return j_fail(v, err, "%.80s is not in a separate namespace",
				      p->sysctl[i].key);
		if (!(p->ns_new & 1u << kind) && !p->ns_path[kind])
			return j_fail(v, err, "%.80s is not allowed in the host's namespace",
				      p->sysctl[i].key);
	}
	return 0;
}

/* A mount that is to be mapped needs to be told how. */
static int check_mapped(const struct plan *p, const struct jval *v, struct err *err)
{
	bool user = p->ns_new & 1u << NS_USER || p->ns_path[NS_USER];

	for (size_t i = 0; !user && i < p->n_mounts; i++)
		if (p->mounts[i].opt.idmap && !p->mounts[i].uid_map.n)
			return j_fail(v, err,
				      "the mount on %.80s is to be mapped: that needs a user "
				      "namespace, or uidMappings and gidMappings of its own",
				      p->mounts[i].dest);
	return 0;
}

int bundle_linux(struct plan *p, const struct jval *v, struct err *err)
{
	struct jval masked = j_get(v, "maskedPaths"), readonly = j_get(v, "readonlyPaths");
	struct jval sysctl = j_get(v, "sysctl"), cgroup = j_get(v, "cgroupsPath");
	struct jval resources = j_get(v, "resources"), seccomp = j_get(v, "seccomp");
	int r = j_object(v, err);

	r = r ? r : read_namespaces(p, v, err);
	r = r ? r : bundle_idmap(p, v, "uidMappings", &p->uid_map, err);
	r = r ? r : bundle_idmap(p, v, "gidMappings", &p->gid_map, err);
	r = r ? r : read_devices(p, v, err);
	r = r ? r : read_propagation(p, v, err);
	r = r ? r : bundle_strings(p, &masked, &p->masked, err);
	r = r ? r : bundle_strings(p, &readonly, &p->readonly, err);
	r = r ? r : bundle_pairs(p, &sysctl, &p->sysctl, &p->n_sysctl, err);
	r = r ? r : check_sysctls(p, &sysctl, err);
	r = r ? r : j_string(&cgroup, &p->cgroup, err);
	r = r ? r : j_object(&seccomp, err);
	r = r ? r : bundle_resources(p, &resources, err);
	if (r)
		return r;
	p->seccomp = seccomp.v;
	if (p->ns_new & 1u << NS_USER && (!p->uid_map.n || !p->gid_map.n))
		return j_fail(v, err, "a new user namespace needs uidMappings and gidMappings");
	return check_mapped(p, v, err);
}
