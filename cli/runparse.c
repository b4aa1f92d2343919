/* SPDX-License-Identifier: Apache-2.0 */
/* One function a flag, in a table. */
#include "runparse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "platformmsg.h"
#include "str.h"

int runparse_bad(struct err *err, const char *flag, const char *text, const char *wanted)
{
	return err_set(err, ERR_INVALID, "invalid argument \"%s\" for \"--%s\" flag: expected %s",
		       text, flag, wanted);
}

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "command line");
}

static int restart(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	size_t n = strcspn(text, ":");
	int64_t most = 0;

	c->restart_policy = c->restart_policy ? c->restart_policy
					      : msg_new(&cleat__v1__restart_policy__descriptor);
	if (!c->restart_policy || !msg_set(&c->restart_policy->name, text))
		return no_memory(err);
	if (strcmp(text, "no") == 0 || strcmp(text, "always") == 0 ||
	    strcmp(text, "unless-stopped") == 0 || text[0] == '\0')
		return 0;
	if (n != strlen("on-failure") || strncmp(text, "on-failure", n) != 0 ||
	    (text[n] && str_int_in(text + n + 1, 0, INT32_MAX, &most) < 0))
		return runparse_bad(err, "restart", text,
				    "no, always, unless-stopped or on-failure[:count]");
	c->restart_policy->name[n] = '\0';
	c->restart_policy->maximum_retry_count = (uint32_t)most;
	return 0;
}

static int stop_timeout(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int64_t n;

	if (str_int_in(text, -1, INT32_MAX, &n) < 0)
		return runparse_bad(err, "stop-timeout", text, "seconds, or -1");
	c->stop_timeout_case = CLEAT__V1__CONTAINER_CONFIG__STOP_TIMEOUT_STOP_TIMEOUT_SECONDS;
	c->stop_timeout_seconds = (int32_t)n;
	return 0;
}

static int oom_score(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int64_t n;

	if (str_int_in(text, -1000, 1000, &n) < 0)
		return runparse_bad(err, "oom-score-adj", text, "-1000 to 1000");
	c->oom_score_case = CLEAT__V1__CONTAINER_CONFIG__OOM_SCORE_OOM_SCORE_ADJ;
	c->oom_score_adj = (int32_t)n;
	return 0;
}

static int swappiness(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int64_t n;

	if (str_int_in(text, -1, 100, &n) < 0)
		return runparse_bad(err, "memory-swappiness", text, "0 to 100");
	c->resources->swappiness_case = CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS;
	c->resources->memory_swappiness = n;
	return 0;
}

static int blkio_weight(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int64_t n;

	if (str_int_in(text, 0, 1000, &n) < 0 || (n > 0 && n < 10))
		return runparse_bad(err, "blkio-weight", text, "10 to 1000");
	c->resources->blkio_weight = (uint32_t)n;
	return 0;
}

/* A decimal number of CPUs, exactly, in 1e-9. */
static int cpus(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int64_t nano = 0, scale = 1000000000;
	const char *p = text;
	bool point = false, digit = false;

	for (; *p; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' || nano > INT64_MAX / 100 || (point && scale == 1))
			return runparse_bad(err, "cpus", text, "a number of CPUs like 1.5");
		nano = nano * 10 + (*p - '0');
		digit = true;
		if (point)
			scale /= 10;
	}
	if (!digit || nano > INT64_MAX / scale)
		return runparse_bad(err, "cpus", text, "a number of CPUs like 1.5");
	c->resources->nano_cpus = nano * scale;
	return 0;
}

static int log_driver(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	c->log = c->log ? c->log : msg_new(&cleat__v1__log_config__descriptor);
	return c->log && msg_set(&c->log->driver, text) ? 0 : no_memory(err);
}

/* KEY=value into a map. */
static int pair(const char *flag, const char *text, void *list, size_t *n,
		const ProtobufCMessageDescriptor *type, struct err *err)
{
	size_t key = strcspn(text, "=");

	if (key == 0 || text[key] != '=')
		return runparse_bad(err, flag, text, "KEY=value");
	return msg_map_set(list, n, type, text, key, text + key + 1) ? 0 : no_memory(err);
}

static int log_opt(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	c->log = c->log ? c->log : msg_new(&cleat__v1__log_config__descriptor);
	if (!c->log)
		return no_memory(err);
	return pair("log-opt", text, &c->log->options, &c->log->n_options,
		    &cleat__v1__log_config__options_entry__descriptor, err);
}

static int sysctl(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	return pair("sysctl", text, &c->sysctls, &c->n_sysctls,
		    &cleat__v1__container_config__sysctls_entry__descriptor, err);
}

static int annotation(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	return pair("annotation", text, &c->annotations, &c->n_annotations,
		    &cleat__v1__container_config__annotations_entry__descriptor, err);
}

static int storage_opt(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	return pair("storage-opt", text, &c->storage_options, &c->n_storage_options,
		    &cleat__v1__container_config__storage_options_entry__descriptor, err);
}

int runparse_ulimit(const char *text, Cleat__V1__Ulimit ***list, size_t *n, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Ulimit *u = msg_new(&cleat__v1__ulimit__descriptor);
	cleanup_free char *copy = strdup(text);
	char *equals = copy ? strchr(copy, '=') : NULL, *colon;

	if (!u || !copy)
		return no_memory(err);
	if (!equals || equals == copy)
		return runparse_bad(err, "ulimit", text, "name=soft[:hard]");
	*equals = '\0';
	colon = strchr(equals + 1, ':');
	if (colon)
		*colon = '\0';
	if (str_i64(equals + 1, &u->soft) < 0 ||
	    str_i64(colon ? colon + 1 : equals + 1, &u->hard) < 0 || u->soft < -1 || u->hard < -1)
		return runparse_bad(err, "ulimit", text, "name=soft[:hard]");
	if (u->hard != -1 && (u->soft == -1 || u->soft > u->hard))
		return runparse_bad(err, "ulimit", text, "a soft limit not above the hard one");
	if (!msg_set(&u->name, copy) || !msg_push(list, n, u))
		return no_memory(err);
	u = NULL;
	return 0;
}

static int ulimit(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	return runparse_ulimit(text, &c->ulimits, &c->n_ulimits, err);
}

static bool is_permissions(const char *text)
{
	return text[0] && text[strspn(text, "rwm")] == '\0';
}

/* host[:container[:permissions]] or host:permissions */
static int device(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Device *d = msg_new(&cleat__v1__device__descriptor);
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part[3] = { NULL };
	size_t n = 0;

	if (!d || !copy)
		return no_memory(err);
	while (rest && n < 3)
		part[n++] = strsep(&rest, ":");
	if (n == 2 && is_permissions(part[1])) {
		part[2] = part[1];
		part[1] = NULL;
	}
	if (rest || part[0][0] == '\0' || (part[1] && part[1][0] != '/') ||
	    (part[2] && !is_permissions(part[2])))
		return runparse_bad(err, "device", text, "host[:container[:rwm]]");
	if (!msg_set(&d->host_path, part[0]) ||
	    !msg_set(&d->container_path, part[1] ? part[1] : part[0]) ||
	    !msg_set(&d->permissions, part[2] ? part[2] : "rwm") ||
	    !msg_push(&c->devices, &c->n_devices, d))
		return no_memory(err);
	d = NULL;
	return 0;
}

static int expose(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	size_t digits = strspn(text, "0123456789-");
	cleanup_free char *whole = NULL;

	if (digits == 0 || text[0] == '-' ||
	    (text[digits] && strcmp(text + digits, "/tcp") != 0 &&
	     strcmp(text + digits, "/udp") != 0 && strcmp(text + digits, "/sctp") != 0))
		return runparse_bad(err, "expose", text, "port[-port][/protocol]");
	whole = str_printf("%s%s", text, text[digits] ? "" : "/tcp");
	return whole && msg_add(&c->exposed_ports, &c->n_exposed_ports, whole) ? 0 : no_memory(err);
}

/* A name, or name=,alias=,ip=,... */
static int network(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__EndpointConfig *e =
		msg_new(&cleat__v1__endpoint_config__descriptor);
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part;
	bool ok = e && copy;

	while (ok && strchr(text, '=') && (part = strsep(&rest, ","))) {
		char *value = strchr(part, '=');

		if (!value)
			return runparse_bad(err, "network", text, "key=value,...");
		*value++ = '\0';
		if (strcmp(part, "name") == 0)
			ok = msg_set(&e->network, value);
		else if (strcmp(part, "alias") == 0)
			ok = msg_add(&e->aliases, &e->n_aliases, value);
		else if (strcmp(part, "ip") == 0)
			ok = msg_set(&e->ipv4_address, value);
		else if (strcmp(part, "ip6") == 0)
			ok = msg_set(&e->ipv6_address, value);
		else if (strcmp(part, "mac-address") == 0)
			ok = msg_set(&e->mac_address, value);
		else if (strcmp(part, "gw-priority") == 0) {
			int64_t number;

			if (str_int_in(value, INT32_MIN, INT32_MAX, &number) < 0)
				return runparse_bad(err, "network", text, "gw-priority=NUMBER");
			e->gateway_priority = (int32_t)number;
		} else
			return runparse_bad(err, "network", text,
					    "name, alias, ip, ip6, mac-address or gw-priority");
	}
	if (ok && !strchr(text, '='))
		ok = msg_set(&e->network, text);
	if (ok && c->n_endpoints == 0)
		ok = msg_set(&c->network_mode, e->network);
	if (!ok || !msg_push(&c->endpoints, &c->n_endpoints, e))
		return no_memory(err);
	e = NULL;
	return 0;
}

/* name:address or name=address; one of IPv6 may stand in brackets. */
static int add_host(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	size_t n = strcspn(text, ":=");
	const char *address = text[n] ? text + n + 1 : "";
	size_t len = strlen(address);
	cleanup_free char *plain = NULL;

	if (n == 0 || len == 0)
		return runparse_bad(err, "add-host", text, "name:address");
	if (address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	plain = str_printf("%.*s:%.*s", (int)n, text, (int)len, address);
	return plain && msg_add(&c->extra_hosts, &c->n_extra_hosts, plain) ? 0 : no_memory(err);
}

static const struct {
	const char *flag;
	int (*apply)(const char *text, Cleat__V1__ContainerConfig *c, struct err *err);
} parsers[] = {
	{ "add-host", add_host },
	{ "restart", restart },
	{ "stop-timeout", stop_timeout },
	{ "oom-score-adj", oom_score },
	{ "memory-swappiness", swappiness },
	{ "blkio-weight", blkio_weight },
	{ "blkio-weight-device", runrate_weight },
	{ "device-read-bps", runrate_read_bps },
	{ "device-write-bps", runrate_write_bps },
	{ "device-read-iops", runrate_read_iops },
	{ "device-write-iops", runrate_write_iops },
	{ "cpus", cpus },
	{ "log-driver", log_driver },
	{ "log-opt", log_opt },
	{ "sysctl", sysctl },
	{ "annotation", annotation },
	{ "storage-opt", storage_opt },
	{ "ulimit", ulimit },
	{ "device", device },
	{ "expose", expose },
	{ "network", network },
	{ "net", network },
	{ "publish", runport_publish },
	{ "volume", runmount_volume },
	{ "mount", runmount_mount },
	{ "tmpfs", runmount_tmpfs },
};

/* seccomp=FILE is read here, because the engine does not see the client's files. NULL with *err set. */
static char *seccomp_of_file(const char *text, const struct runflags_source *source,
			     struct err *err)
{
	size_t n;
	cleanup_free char *content =
		source && source->file ? source->file(text + strlen("seccomp="), &n, err) : NULL;
	const char *profile = content ? content + strspn(content, " \t\r\n") : NULL;
	char *whole = NULL;

	if (!profile)
		(void)!runparse_bad(err, "security-opt", text, "a readable profile");
	else if (profile[0] != '{')
		(void)!runparse_bad(err, "security-opt", text,
				    "unconfined, builtin or a profile in JSON");
	else if (!(whole = str_printf("seccomp=%s", profile)))
		(void)!no_memory(err);
	return whole;
}

static int security(const struct flags *flags, Cleat__V1__ContainerConfig *c,
		    const struct runflags_source *source, struct err *err)
{
	const char *text;

	for (size_t i = 0; (text = flags_nth(flags, "security-opt", i)); i++) {
		cleanup_free char *whole = NULL;

		if (str_has_prefix(text, "seccomp=") && strcmp(text + 8, "unconfined") != 0 &&
		    strcmp(text + 8, "builtin") != 0) {
			whole = seccomp_of_file(text, source, err);
			if (!whole)
				return -EINVAL;
			text = whole;
		}
		if (!msg_add(&c->security_options, &c->n_security_options, text))
			return no_memory(err);
	}
	return 0;
}

/* --network-alias, --ip and --ip6 belong to the first network. */
static int first_endpoint(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	const char *ip = flags_text(flags, "ip"), *ip6 = flags_text(flags, "ip6"), *alias;
	int r = 0;

	if (!ip && !ip6 && !flags_given(flags, "network-alias") && !flags_given(flags, "net-alias"))
		return 0;
	if (c->n_endpoints == 0)
		r = network("default", c, err);
	if (r < 0)
		return r;
	for (size_t i = 0; (alias = flags_nth(flags, "network-alias", i)); i++)
		if (!msg_add(&c->endpoints[0]->aliases, &c->endpoints[0]->n_aliases, alias))
			return no_memory(err);
	for (size_t i = 0; (alias = flags_nth(flags, "net-alias", i)); i++)
		if (!msg_add(&c->endpoints[0]->aliases, &c->endpoints[0]->n_aliases, alias))
			return no_memory(err);
	if ((ip && !msg_set(&c->endpoints[0]->ipv4_address, ip)) ||
	    (ip6 && !msg_set(&c->endpoints[0]->ipv6_address, ip6)))
		return no_memory(err);
	return 0;
}

int runparse_each(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	const char *text;
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(parsers); k++)
		for (size_t i = 0; r == 0 && (text = flags_nth(flags, parsers[k].flag, i)); i++)
			r = parsers[k].apply(text, c, err);
	return r;
}

int runparse_apply(const struct flags *flags, Cleat__V1__CreateContainerRequest *req,
		   const struct runflags_source *source, struct err *err)
{
	Cleat__V1__ContainerConfig *c = req->config;
	int r = runparse_each(flags, c, err);

	if (r == 0)
		r = runhealth_apply(flags, c, err);
	if (r == 0)
		r = security(flags, c, source, err);
	if (r == 0)
		r = first_endpoint(flags, c, err);
	if (r == 0)
		r = platformmsg_new(flags_text(flags, "platform"), &req->platform, err);
	if (r == 0 && c->auto_remove && c->restart_policy && c->restart_policy->name[0] &&
	    strcmp(c->restart_policy->name, "no") != 0)
		r = err_set(err, ERR_INVALID,
			    "conflicting options: cannot specify both --restart and --rm");
	return r;
}
