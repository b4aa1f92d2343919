/* SPDX-License-Identifier: Apache-2.0 */
/* Environment as Docker makes it: PATH, HOSTNAME, TERM and HOME as defaults, the image's, the request's;
 * a later one of the same key replaces an earlier one, a request of "KEY" alone removes it. */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "spec_part.h"
#include "str.h"

static const char *const cap_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

#define ALL_CAPS ((UINT64_C(1) << ARRAY_LEN(cap_names)) - 1)

/* Docker's default set. */
#define BIT(cap) (UINT64_C(1) << (cap))
#define DEFAULT_CAPS                                                                             \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |            \
	 BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) |                 \
	 BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) | \
	 BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE))

int spec_cap_number(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (size_t k = 0; k < ARRAY_LEN(cap_names); k++)
		if (strcasecmp(name, cap_names[k]) == 0)
			return (int)k;
	return -1;
}

static int parse_caps(char **names, size_t n, uint64_t *caps, struct err *err)
{
	*caps = 0;
	for (size_t i = 0; i < n; i++) {
		int number = spec_cap_number(names[i]);

		if (strcasecmp(names[i], "ALL") == 0)
			*caps |= ALL_CAPS;
		else if (number < 0)
			return err_set(err, ERR_INVALID, "unknown capability: %s", names[i]);
		else
			*caps |= UINT64_C(1) << number;
	}
	return 0;
}

int spec_caps(const Cleat__V1__ContainerConfig *config, uint64_t *caps, struct err *err)
{
	uint64_t add, drop;
	int r = parse_caps(config->cap_add, config->n_cap_add, &add, err);

	if (r == 0)
		r = parse_caps(config->cap_drop, config->n_cap_drop, &drop, err);
	if (r < 0)
		return r;
	if (config->privileged)
		*caps = ALL_CAPS;
	else if (drop == ALL_CAPS)
		*caps = add;
	else
		*caps = ((add == ALL_CAPS ? ALL_CAPS : DEFAULT_CAPS) & ~drop) | (add & ~drop);
	return 0;
}

/* Bounding, permitted and effective alike; only root's process has them after exec, so a user other
 * than root gets them in the bounding set alone. */
static int add_caps(const struct spec_input *in, json_t *process, struct err *err)
{
	json_t *names = json_array(), *own, *caps;
	uint64_t bits = 0;
	int r = spec_caps(in->config, &bits, err);

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(cap_names); k++)
		if (bits >> k & 1)
			json_array_append_new(names, json_sprintf("CAP_%s", cap_names[k]));
	own = in->user.uid == 0 ? json_incref(names) : json_array();
	caps = json_pack("{s:O, s:O, s:O}", "bounding", names, "permitted", own, "effective", own);
	json_decref(names);
	json_decref(own);
	json_object_set_new(process, "capabilities", caps);
	return r;
}

static size_t key_length(const char *entry)
{
	return strcspn(entry, "=");
}

static void remove_key(json_t *env, const char *entry)
{
	size_t n = key_length(entry);

	for (size_t i = json_array_size(env); i-- > 0;) {
		const char *have = json_string_value(json_array_get(env, i));

		if (key_length(have) == n && strncmp(have, entry, n) == 0)
			json_array_remove(env, i);
	}
}

static void set_env(json_t *env, json_t *entry)
{
	const char *text = json_string_value(entry);

	if (text) {
		remove_key(env, text);
		if (text[key_length(text)] == '=') {
			json_array_append_new(env, entry);
			return;
		}
	}
	json_decref(entry);
}

static json_t *environment(const struct spec_input *in)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	json_t *env = json_array();

	set_env(env,
		json_string("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	if (c->hostname[0])
		set_env(env, json_sprintf("HOSTNAME=%s", c->hostname));
	else
		set_env(env, json_sprintf("HOSTNAME=%.12s", in->id));
	if (c->tty)
		set_env(env, json_string("TERM=xterm"));
	set_env(env,
		json_sprintf("HOME=%s", in->user.home && in->user.home[0] ? in->user.home : "/"));
	for (size_t i = 0; i < in->image->n_env; i++)
		set_env(env, json_string(in->image->env[i]));
	for (size_t i = 0; i < c->n_env; i++)
		set_env(env, json_string(c->env[i]));
	return env;
}

static json_t *user_of(const struct spec_input *in)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < in->user.n_groups; i++)
		json_array_append_new(groups, json_integer(in->user.groups[i]));
	return json_pack("{s:I, s:I, s:o}", "uid", (json_int_t)in->user.uid, "gid",
			 (json_int_t)in->user.gid, "additionalGids", groups);
}

static bool is_ulimit(const char *name)
{
	static const char known[][12] = { "as",     "core",   "cpu",        "data",
					  "fsize",  "locks",  "memlock",    "msgqueue",
					  "nice",   "nofile", "nproc",      "rss",
					  "rtprio", "rttime", "sigpending", "stack" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], name))
			return true;
	return false;
}

static int add_rlimits(const Cleat__V1__ContainerConfig *c, json_t *process, struct err *err)
{
	json_t *list = json_array();

	json_object_set_new(process, "rlimits", list);
	for (size_t i = 0; i < c->n_ulimits; i++) {
		const Cleat__V1__Ulimit *u = c->ulimits[i];
		char name[32] = "RLIMIT_";
		size_t n = strlen(name);

		if (!is_ulimit(u->name))
			return err_set(err, ERR_INVALID, "invalid ulimit type: %.80s", u->name);
		for (const char *p = u->name; *p && n < sizeof(name) - 1; p++)
			name[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		name[n] = '\0';
		if (u->hard >= 0 && (u->soft < 0 || u->soft > u->hard))
			return err_set(err, ERR_INVALID,
				       "ulimit %s: soft limit above the hard limit", u->name);
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:I}", "type", name, "soft",
						(json_int_t)u->soft, "hard", (json_int_t)u->hard));
	}
	return 0;
}

int spec_process(const struct spec_input *in, json_t *process, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	const char *cwd = c->working_dir[0]           ? c->working_dir
			  : in->image->working_dir[0] ? in->image->working_dir
						      : "/";
	const char **arguments = NULL;
	struct spec_security security;
	json_t *args = json_array();
	int r = spec_arguments(c, in->image, &arguments, err);

	for (size_t i = 0; r == 0 && arguments[i]; i++)
		json_array_append_new(args, json_string(arguments[i]));
	free(arguments);
	json_object_set_new(process, "args", args);
	if (r == 0 && cwd[0] != '/')
		r = err_set(
			err, ERR_INVALID,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			cwd);
	if (r == 0)
		r = add_caps(in, process, err);
	if (r == 0)
		r = add_rlimits(c, process, err);
	if (r == 0)
		r = spec_security(c, &security, err);
	if (r < 0)
		return r;
	json_object_set_new(process, "cwd", json_string(cwd));
	json_object_set_new(process, "env", environment(in));
	json_object_set_new(process, "user", user_of(in));
	json_object_set_new(process, "terminal", json_boolean(c->tty));
	json_object_set_new(process, "noNewPrivileges", json_boolean(security.no_new_privileges));
	if (security.apparmor)
		json_object_set_new(process, "apparmorProfile", json_string(security.apparmor));
	if (c->oom_score_case == CLEAT__V1__CONTAINER_CONFIG__OOM_SCORE_OOM_SCORE_ADJ)
		json_object_set_new(process, "oomScoreAdj", json_integer(c->oom_score_adj));
	return 0;
}
