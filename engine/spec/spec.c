/* SPDX-License-Identifier: Apache-2.0 */
/* The tree is built top-down with jansson's pack; json_pack() of NULL members fails, so one check of the
 * result catches want of memory anywhere below. */
#include "spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "seccomp.h"
#include "seccompprofile.h"
#include "spec_part.h"
#include "str.h"
#include "sysctl.h"
#include "systempaths.h"

static size_t count(const Cleat__V1__StringList *list)
{
	return list ? list->n_values : 0;
}

int spec_arguments(const Cleat__V1__ContainerConfig *config, const Cleat__V1__ImageConfig *image,
		   const char ***arguments, struct err *err)
{
	size_t n_entry = config->entrypoint ? count(config->entrypoint) : image->n_entrypoint;
	char **entry = config->entrypoint ? config->entrypoint->values : image->entrypoint;
	/* An entrypoint given at create drops the image's command (Docker's rule). */
	bool own_command = config->command && count(config->command) > 0;
	size_t n_command = own_command          ? count(config->command)
			   : config->entrypoint ? 0
						: image->n_command;
	char **command = own_command ? config->command->values : image->command;
	const char **all = calloc(n_entry + n_command + 1, sizeof(*all));

	if (!all)
		return err_sys(err, ENOMEM, "arguments");
	if (n_entry > 0)
		memcpy(all, entry, n_entry * sizeof(*all));
	if (n_command > 0)
		memcpy(all + n_entry, command, n_command * sizeof(*all));
	if (n_entry + n_command == 0 || !all[0][0]) {
		free(all);
		return err_reason(err, ERR_INVALID, "NO_COMMAND", "no command specified");
	}
	*arguments = all;
	return 0;
}

static json_t *strings(const char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}

static int add_namespace(json_t *list, const char *type, const char *path)
{
	json_t *ns = path ? json_pack("{s:s, s:s}", "type", type, "path", path)
			  : json_pack("{s:s}", "type", type);

	return json_array_append_new(list, ns) < 0 ? -ENOMEM : 0;
}

/* A kind of namespace: "" and "private" make one, "host" none. */
struct kind {
	const char *type, *field;
	const char *own[3]; /* further words for one of its own */
	const char *expected;
};

static const struct kind pid_kind = { "pid", "pid mode", { NULL }, "host or container:NAME" };
static const struct kind ipc_kind = { "ipc",
				      "ipc mode",
				      { "shareable", "none" },
				      "private, shareable, none, host or container:NAME" };
static const struct kind uts_kind = { "uts", "uts mode", { NULL }, "host" };
static const struct kind cgroup_kind = {
	"cgroup", "cgroup namespace mode", { NULL }, "host or private"
};

static bool is_own(const struct kind *kind, const char *mode)
{
	for (size_t i = 0; kind->own[i]; i++)
		if (strcmp(mode, kind->own[i]) == 0)
			return true;
	return !mode[0] || strcmp(mode, "private") == 0;
}

/* `fd`: the descriptor of the other container's process, 0 = of none. */
static int choose_namespace(json_t *list, const struct kind *kind, const char *mode, int fd,
			    struct err *err)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/ns/%s", fd, kind->type);
	if (fd || is_own(kind, mode))
		return add_namespace(list, kind->type, fd ? path : NULL) < 0
			       ? err_sys(err, ENOMEM, "%s", kind->field)
			       : 0;
	if (strcmp(mode, "host") == 0)
		return 0;
	return err_set(err, ERR_INVALID, "invalid %s: %.80s: expected %s", kind->field, mode,
		       kind->expected);
}

static int network_namespace(const struct spec_input *in, json_t *list, struct err *err)
{
	char path[32];

	if (!in->netns_fd && strcmp(in->config->network_mode, "host") == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", in->netns_fd);
	return add_namespace(list, "network", in->netns_fd ? path : NULL) < 0
		       ? err_sys(err, ENOMEM, "network mode")
		       : 0;
}

/* That of its network namespace, which has to be owned by the container to be the container's to configure. */
static int user_namespace(const struct spec_input *in, json_t *list, struct err *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", in->netns_fd);
	return add_namespace(list, "user", in->netns_fd ? path : NULL) < 0
		       ? err_sys(err, ENOMEM, "userns mode")
		       : 0;
}

static json_t *id_map(const struct idrange *ids)
{
	return json_pack("[{s:i, s:I, s:I}]", "containerID", 0, "hostID", (json_int_t)ids->first,
			 "size", (json_int_t)ids->n);
}

static int namespaces(const struct spec_input *in, json_t *list, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	int r = add_namespace(list, "mount", NULL) < 0 ? err_sys(err, ENOMEM, "namespaces") : 0;

	if (r == 0)
		r = network_namespace(in, list, err);
	if (r == 0 && in->ids.n)
		r = user_namespace(in, list, err);
	if (r == 0)
		r = choose_namespace(list, &pid_kind, c->pid_mode, in->pid_fd, err);
	if (r == 0)
		r = choose_namespace(list, &ipc_kind, c->ipc_mode, in->ipc_fd, err);
	if (r == 0 && strcmp(c->uts_mode, "host") == 0 && c->hostname[0])
		r = err_set(err, ERR_INVALID, "conflicting options: hostname and the UTS mode");
	if (r == 0)
		r = choose_namespace(list, &uts_kind, c->uts_mode, 0, err);
	if (r == 0)
		r = choose_namespace(list, &cgroup_kind, c->cgroupns_mode, 0, err);
	return r;
}

static int add_seccomp(const struct spec_input *in, const char *profile, json_t *linux_,
		       struct err *err)
{
	struct seccomp_host host = { .kernel = in->kernel[0], .minor = in->kernel[1] };
	json_t *filter = NULL;
	int r = spec_caps(in->config, &host.caps, err);

	if (r == 0 && profile)
		r = seccomp_profile(profile, &host, &filter, err);
	if (r < 0)
		return r;
	return json_object_set_new(linux_, "seccomp",
				   profile ? filter : seccomp_default(host.caps)) < 0
		       ? err_sys(err, ENOMEM, "seccomp profile")
		       : 0;
}

static void set_paths(json_t *linux_, const char *key, const Cleat__V1__StringList *own,
		      const char *const *usual)
{
	size_t n = 0;

	while (usual[n])
		n++;
	if (own)
		json_object_set_new(linux_, key,
				    strings((const char *const *)own->values, own->n_values));
	else
		json_object_set_new(linux_, key, strings(usual, n));
}

static void set_protected(const Cleat__V1__ContainerConfig *c, json_t *linux_)
{
	set_paths(linux_, "maskedPaths", c->masked_case ? c->masked_paths : NULL,
		  systempaths_masked);
	set_paths(linux_, "readonlyPaths", c->readonly_case ? c->readonly_paths : NULL,
		  systempaths_readonly);
}

/* One that is not in a namespace of the container's own is the host's. */
static int check_sysctl(const struct spec_input *in, const char *name, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	const char *const modes[] = { [SYSCTL_IPC] = c->ipc_mode,
				      [SYSCTL_NETWORK] = c->network_mode,
				      [SYSCTL_UTS] = c->uts_mode };
	enum sysctl_space space = sysctl_space(name);

	if (space == SYSCTL_HOST)
		return err_set(err, ERR_INVALID,
			       "sysctl '%.80s' is not allowed: it is not in a namespace of the "
			       "container",
			       name);
	if (strcmp(modes[space], "host") == 0)
		return err_set(err, ERR_INVALID,
			       "sysctl '%.80s' is not allowed in the host's namespace", name);
	return 0;
}

static int check_sysctls(const struct spec_input *in, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->config->n_sysctls; i++)
		r = check_sysctl(in, in->config->sysctls[i]->key, err);
	return r;
}

static json_t *sysctls(const Cleat__V1__ContainerConfig *c)
{
	json_t *map = json_object();

	for (size_t i = 0; i < c->n_sysctls; i++)
		json_object_set_new(map, c->sysctls[i]->key, json_string(c->sysctls[i]->value));
	return map;
}

static int build_linux(const struct spec_input *in, json_t *linux_, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	json_t *list = json_array();
	json_t *resources = json_object();
	struct spec_security security;
	int r = namespaces(in, list, err);

	json_object_set_new(linux_, "namespaces", list);
	json_object_set_new(linux_, "resources", resources);
	if (r == 0)
		r = spec_devices(in, linux_, resources, err);
	if (r == 0)
		r = spec_security(c, &security, err);
	if (r == 0)
		r = spec_resources(in, resources, err);
	if (r == 0)
		r = check_sysctls(in, err);
	if (r < 0)
		return r;
	if (in->ids.n) {
		json_object_set_new(linux_, "uidMappings", id_map(&in->ids));
		json_object_set_new(linux_, "gidMappings", id_map(&in->ids));
	}
	json_object_set_new(linux_, "cgroupsPath", json_string(in->cgroup_path));
	json_object_set_new(linux_, "sysctl", sysctls(c));
	if (c->privileged)
		return 0;
	if (!security.paths_unconfined)
		set_protected(c, linux_);
	return security.seccomp_unconfined ? 0 : add_seccomp(in, security.seccomp, linux_, err);
}

/* What only cleat-oci reads: the overlay, mounted inside the container's own mount namespace. */
static json_t *annotations(const struct spec_input *in)
{
	cleanup(buf_deinit) struct buf lower = BUF_NULL;
	json_t *map = json_object();

	for (size_t i = 0; i < in->n_lower; i++)
		buf_printf(&lower, "%s%s", i ? "\n" : "", in->lower[i]);
	if (lower.error) {
		json_decref(map);
		return NULL;
	}
	for (size_t i = 0; i < in->config->n_annotations; i++)
		json_object_set_new(map, in->config->annotations[i]->key,
				    json_string(in->config->annotations[i]->value));
	json_object_set_new(map, "dev.cleat.overlay.lower",
			    json_string(lower.data ? lower.data : ""));
	json_object_set_new(map, "dev.cleat.overlay.upper", json_sprintf("%s/upper", in->dir));
	json_object_set_new(map, "dev.cleat.overlay.work", json_sprintf("%s/work", in->dir));
	/* Gone with the container, and a container that a crash of the host ended is removed. */
	json_object_set_new(map, "dev.cleat.overlay.volatile",
			    json_string(in->config->auto_remove ? "true" : "false"));
	/* in another pid namespace orphans are not its children */
	if (in->config->init && is_own(&pid_kind, in->config->pid_mode))
		json_object_set_new(map, "dev.cleat.init", json_string("true"));
	return map;
}

static json_t *root_of(const struct spec_input *in)
{
	return json_pack("{s:s, s:b}", "path", in->root, "readonly", in->config->read_only_root);
}

static int build_tree(const struct spec_input *in, json_t *spec, struct err *err)
{
	const char *hostname = in->config->hostname;
	json_t *process = json_object(), *mounts = json_array(), *linux_ = json_object();
	int r;

	json_object_set_new(spec, "process", process);
	json_object_set_new(spec, "mounts", mounts);
	json_object_set_new(spec, "linux", linux_);
	r = spec_process(in, process, err);
	if (r == 0)
		r = spec_mounts(in, mounts, err);
	if (r == 0)
		r = build_linux(in, linux_, err);
	if (r < 0)
		return r;
	json_object_set_new(spec, "root", root_of(in));
	json_object_set_new(spec, "annotations", annotations(in));
	if (strcmp(in->config->uts_mode, "host") != 0)
		json_object_set_new(spec, "hostname",
				    hostname[0] ? json_string(hostname) : json_stringn(in->id, 12));
	if (in->config->domain_name[0])
		json_object_set_new(spec, "domainname", json_string(in->config->domain_name));
	return 0;
}

int spec_build(const struct spec_input *in, char **json, struct err *err)
{
	json_t *spec = json_pack("{s:s}", "ociVersion", "1.1.0");
	int r = spec ? build_tree(in, spec, err) : err_sys(err, ENOMEM, "config.json");

	if (r == 0) {
		*json = json_dumps(spec, JSON_COMPACT);
		if (!*json)
			r = err_set(err, ERR_INVALID, "the configuration is not valid UTF-8");
	}
	json_decref(spec);
	return r;
}
