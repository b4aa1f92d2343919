/* SPDX-License-Identifier: Apache-2.0 */
/* One table of options, valid before and after the verb alike: the drivers disagree on the order,
 * and no name means two things. Options end at the container's id. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "str.h"

enum kind { STRING, FLAG, NUMBER, ENV, SKIP, SKIP_VALUE };

struct option_def {
	const char *name, *brief;
	enum kind kind;
	size_t offset;
};

#define O(field) offsetof(struct options, field)
static const struct option_def defs[] = {
	{ "--root", NULL, STRING, O(root) },
	{ "--log", NULL, STRING, O(log) },
	{ "--log-format", NULL, STRING, O(log_format) },
	{ "--log-level", NULL, SKIP_VALUE, 0 },
	{ "--debug", NULL, SKIP, 0 },
	{ "--systemd-cgroup", NULL, FLAG, O(systemd_cgroup) },
	{ "--cgroup-manager", NULL, SKIP_VALUE, 0 },
	{ "--rootless", NULL, SKIP_VALUE, 0 },
	{ "--bundle", "-b", STRING, O(bundle) },
	{ "--pid-file", NULL, STRING, O(pid_file) },
	{ "--console-socket", NULL, STRING, O(console_socket) },
	{ "--console-rows", NULL, NUMBER, O(rows) },
	{ "--console-columns", NULL, NUMBER, O(columns) },
	{ "--preserve-fds", NULL, NUMBER, O(preserve) },
	{ "--no-pivot", NULL, FLAG, O(no_pivot) },
	{ "--no-new-keyring", NULL, SKIP, 0 },
	{ "--no-subreaper", NULL, SKIP, 0 },
	{ "--keep", NULL, SKIP, 0 },
	{ "--detach", "-d", FLAG, O(detach) },
	{ "--notify-fd", NULL, NUMBER, O(notify_fd) },
	{ "--runtime", NULL, STRING, O(runtime) },
	{ "--cgroup", NULL, STRING, O(cgroup) },
	{ "--seccomp-cache", NULL, STRING, O(seccomp_cache) },
	{ "--process", "-p", STRING, O(process) },
	{ "--resources", "-r", STRING, O(resources) },
	{ "--tty", "-t", FLAG, O(tty) },
	{ "--user", "-u", STRING, O(user) },
	{ "--cwd", NULL, STRING, O(cwd) },
	{ "--env", "-e", ENV, 0 },
	{ "--no-new-privs", NULL, FLAG, O(no_new_privs) },
	{ "--force", "-f", FLAG, O(force) },
	{ "--all", "-a", FLAG, O(all) },
	{ "--quiet", "-q", FLAG, O(quiet) },
	{ "--format", NULL, SKIP_VALUE, 0 },
	{ "--help", "-h", FLAG, O(help) },
	{ "--version", "-v", FLAG, O(version) },
};
#undef O

static const struct option_def *find(const char *arg, const char **value)
{
	const char *eq = strchr(arg, '=');
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);

	for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
		const struct option_def *d = &defs[i];

		if ((strlen(d->name) == n && !strncmp(d->name, arg, n)) ||
		    (d->brief && strlen(d->brief) == n && !strncmp(d->brief, arg, n))) {
			*value = eq ? eq + 1 : NULL;
			return d;
		}
	}
	return NULL;
}

static int set(struct options *o, const struct option_def *d, const char *value, struct err *err)
{
	char *field = (char *)o + d->offset;
	int64_t n;

	switch (d->kind) {
	case STRING:
		*(const char **)(void *)field = value;
		return 0;
	case FLAG:
		*(bool *)(void *)field = !value || !strcmp(value, "true");
		return 0;
	case NUMBER:
		if (str_int_in(value, 0, 1 << 20, &n))
			return err_set(err, ERR_INVALID, "%s: \"%.40s\" is no number", d->name,
				       value);
		*(int *)(void *)field = (int)n;
		return 0;
	case ENV:
		if (o->n_env == OPTIONS_ENV_MAX)
			return err_set(err, ERR_INVALID, "--env: more than %d", OPTIONS_ENV_MAX);
		o->env[o->n_env++] = value;
		return 0;
	case SKIP:
	case SKIP_VALUE:
		return 0;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	int i = 1;

	memset(o, 0, sizeof(*o));
	o->notify_fd = -1;
	o->root = "/run/cleat-oci";
	for (; i < argc && !o->id; i++) {
		const char *arg = argv[i], *value = NULL;
		const struct option_def *d;
		int r;

		if (arg[0] != '-' || !arg[1]) {
			*(o->verb ? &o->id : &o->verb) = arg;
			continue;
		}
		if (!strcmp(arg, "--"))
			continue;
		d = find(arg, &value);
		if (!d)
			return err_set(err, ERR_INVALID, "unknown option %.60s", arg);
		if (!value && d->kind != FLAG && d->kind != SKIP) {
			if (++i == argc)
				return err_set(err, ERR_INVALID, "%s needs a value", d->name);
			value = argv[i];
		}
		r = set(o, d, value, err);
		if (r)
			return r;
	}
	/* kill ID SIGNAL --all, delete ID --force */
	for (o->rest = argv + i; o->verb && strcmp(o->verb, "exec") != 0 && i < argc; i++) {
		if (!strcmp(argv[i], "--all") || !strcmp(argv[i], "-a"))
			o->all = true;
		else if (!strcmp(argv[i], "--force") || !strcmp(argv[i], "-f"))
			o->force = true;
	}
	if (o->systemd_cgroup)
		return err_set(err, ERR_INVALID,
			       "--systemd-cgroup is not supported: cgroups are "
			       "made directly (cgroupfs)");
	return 0;
}
