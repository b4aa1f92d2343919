/* SPDX-License-Identifier: Apache-2.0 */
/* Most flags go into one field as they are: `rules` says which, by offset. The others have a function
 * (runparse.c, runmount.c). The order of rules is the order of work. */
#include "runflags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "envfile.h"
#include "msg.h"
#include "runparse.h"
#include "str.h"

#define RUN_FLAGS                                                                                  \
	{ "add-host", 0, FLAG_LIST, "list", "Add a custom host-to-IP mapping (host:ip)" },         \
		{ "annotation", 0, FLAG_LIST, "map",                                               \
		  "Add an annotation (passed through to the runtime)" },                           \
		{ "attach", 'a', FLAG_LIST, "list", "Attach to STDIN, STDOUT or STDERR" },         \
		{ "blkio-weight", 0, FLAG_TEXT, "uint16", "Block IO weight (10 to 1000)" },        \
		{ "blkio-weight-device", 0, FLAG_LIST, "list",                                     \
		  "Block IO weight of a device (10 to 1000)" },                                    \
		{ "cap-add", 0, FLAG_LIST, "list", "Add Linux capabilities" },                     \
		{ "cap-drop", 0, FLAG_LIST, "list", "Drop Linux capabilities" },                   \
		{ "cgroup-parent", 0, FLAG_TEXT, "string", "Parent cgroup of the container" },     \
		{ "cgroupns", 0, FLAG_TEXT, "string", "Cgroup namespace (host, private)" },        \
		{ "cidfile", 0, FLAG_TEXT, "string", "Write the container ID to the file" },       \
		{ "cpu-period", 0, FLAG_TEXT, "int", "CPU CFS period in microseconds" },           \
		{ "cpu-quota", 0, FLAG_TEXT, "int", "CPU CFS quota in microseconds" },             \
		{ "cpu-rt-period", 0, FLAG_TEXT, "int", "CPU real-time period in microseconds" },  \
		{ "cpu-rt-runtime", 0, FLAG_TEXT, "int",                                           \
		  "CPU real-time runtime in microseconds" },                                       \
		{ "cpu-shares", 'c', FLAG_TEXT, "int", "CPU shares (relative weight)" },           \
		{ "cpus", 0, FLAG_TEXT, "decimal", "Number of CPUs" },                             \
		{ "cpuset-cpus", 0, FLAG_TEXT, "string",                                           \
		  "CPUs in which to allow execution (0-3, 0,1)" },                                 \
		{ "cpuset-mems", 0, FLAG_TEXT, "string",                                           \
		  "Memory nodes in which to allow execution" },                                    \
		{ "device", 0, FLAG_LIST, "list", "Add a host device to the container" },          \
		{ "device-cgroup-rule", 0, FLAG_LIST, "list",                                      \
		  "Add a rule to the allowed devices" },                                           \
		{ "device-read-bps", 0, FLAG_LIST, "list",                                         \
		  "Limit of bytes a second read from a device" },                                  \
		{ "device-read-iops", 0, FLAG_LIST, "list",                                        \
		  "Limit of reads a second from a device" },                                       \
		{ "device-write-bps", 0, FLAG_LIST, "list",                                        \
		  "Limit of bytes a second written to a device" },                                 \
		{ "device-write-iops", 0, FLAG_LIST, "list",                                       \
		  "Limit of writes a second to a device" },                                        \
		{ "dns", 0, FLAG_LIST, "list", "Set custom DNS servers" },                         \
		{ "dns-option", 0, FLAG_LIST, "list", "Set DNS options" },                         \
		{ "dns-opt", 0, FLAG_LIST, "list", NULL },                                         \
		{ "dns-search", 0, FLAG_LIST, "list", "Set custom DNS search domains" },           \
		{ "domainname", 0, FLAG_TEXT, "string", "Container NIS domain name" },             \
		{ "entrypoint", 0, FLAG_TEXT, "string", "Overwrite the ENTRYPOINT of the image" }, \
		{ "env", 'e', FLAG_LIST, "list", "Set environment variables" },                    \
		{ "env-file", 0, FLAG_LIST, "list", "Read in a file of environment variables" },   \
		{ "expose", 0, FLAG_LIST, "list", "Expose a port or a range of ports" },           \
		{ "group-add", 0, FLAG_LIST, "list", "Add additional groups to join" },            \
		{ "health-cmd", 0, FLAG_TEXT, "string", "Command to run to check health" },        \
		{ "health-interval", 0, FLAG_TEXT, "duration", "Time between running the check" }, \
		{ "health-retries", 0, FLAG_TEXT, "int", "Failures needed to report unhealthy" },  \
		{ "health-start-interval", 0, FLAG_TEXT, "duration",                               \
		  "Interval during the start period" },                                            \
		{ "health-start-period", 0, FLAG_TEXT, "duration",                                 \
		  "Time in which failures do not count" },                                         \
		{ "health-timeout", 0, FLAG_TEXT, "duration", "Maximum time of one check" },       \
		{ "hostname", 'h', FLAG_TEXT, "string", "Container host name" },                   \
		{ "init", 0, FLAG_SWITCH, NULL,                                                    \
		  "Run an init that forwards signals and reaps processes" },                       \
		{ "interactive", 'i', FLAG_SWITCH, NULL, "Keep STDIN open even if not attached" }, \
		{ "ip", 0, FLAG_TEXT, "ip", "IPv4 address" },                                      \
		{ "ip6", 0, FLAG_TEXT, "ip", "IPv6 address" },                                     \
		{ "ipc", 0, FLAG_TEXT, "string", "IPC mode to use" },                              \
		{ "isolation", 0, FLAG_TEXT, "string", NULL },                                     \
		{ "kernel-memory", 0, FLAG_TEXT, "bytes", NULL },                                  \
		{ "label", 'l', FLAG_LIST, "list", "Set meta data on a container" },               \
		{ "label-file", 0, FLAG_LIST, "list", "Read in a line delimited file of labels" }, \
		{ "link", 0, FLAG_LIST, "list", "Add link to another container" },                 \
		{ "log-driver", 0, FLAG_TEXT, "string", "Logging driver for the container" },      \
		{ "log-opt", 0, FLAG_LIST, "list", "Log driver options" },                         \
		{ "mac-address", 0, FLAG_TEXT, "string", "Container MAC address" },                \
		{ "memory", 'm', FLAG_TEXT, "bytes", "Memory limit" },                             \
		{ "memory-reservation", 0, FLAG_TEXT, "bytes", "Memory soft limit" },              \
		{ "memory-swap", 0, FLAG_TEXT, "bytes",                                            \
		  "Memory and swap together; -1 is unlimited" },                                   \
		{ "memory-swappiness", 0, FLAG_TEXT, "int", "Memory swappiness (0 to 100)" },      \
		{ "mount", 0, FLAG_LIST, "mount", "Attach a filesystem mount to the container" },  \
		{ "name", 0, FLAG_TEXT, "string", "Assign a name to the container" },              \
		{ "network", 0, FLAG_LIST, "network", "Connect a container to a network" },        \
		{ "net", 0, FLAG_LIST, "network", NULL },                                          \
		{ "network-alias", 0, FLAG_LIST, "list",                                           \
		  "Add network-scoped alias for the container" },                                  \
		{ "net-alias", 0, FLAG_LIST, "list", NULL },                                       \
		{ "no-healthcheck", 0, FLAG_SWITCH, NULL,                                          \
		  "Disable any health check of the image" },                                       \
		{ "oom-kill-disable", 0, FLAG_SWITCH, NULL, "Disable OOM killer" },                \
		{ "oom-score-adj", 0, FLAG_TEXT, "int", "OOM preferences (-1000 to 1000)" },       \
		{ "pid", 0, FLAG_TEXT, "string", "PID namespace to use" },                         \
		{ "pids-limit", 0, FLAG_TEXT, "int", "Limit of processes (-1 for unlimited)" },    \
		{ "platform", 0, FLAG_TEXT, "string", "Platform, os/architecture" },               \
		{ "privileged", 0, FLAG_SWITCH, NULL,                                              \
		  "Give extended privileges to this container" },                                  \
		{ "publish", 'p', FLAG_LIST, "list",                                               \
		  "Publish a container's port(s) to the host" },                                   \
		{ "publish-all", 'P', FLAG_SWITCH, NULL,                                           \
		  "Publish all exposed ports to random ports" },                                   \
		{ "pull", 0, FLAG_TEXT, "string",                                                  \
		  "Pull image before creating (always, missing, never)" },                         \
		{ "quiet", 'q', FLAG_SWITCH, NULL, "Suppress the pull output" },                   \
		{ "read-only", 0, FLAG_SWITCH, NULL, "Mount the root filesystem read only" },      \
		{ "restart", 0, FLAG_TEXT, "string",                                               \
		  "Restart policy to apply when a container exits" },                              \
		{ "restart-delay", 0, FLAG_TEXT, "duration",                                       \
		  "Time before the first restart, doubled each time (default 100ms)" },            \
		{ "restart-delay-max", 0, FLAG_TEXT, "duration",                                   \
		  "Longest time before a restart (default 1m)" },                                  \
		{ "restart-unhealthy", 0, FLAG_SWITCH, NULL,                                       \
		  "Restart the container when its health check fails" },                           \
		{ "rm", 0, FLAG_SWITCH, NULL,                                                      \
		  "Remove the container with its anonymous volumes on exit" },                     \
		{ "runtime", 0, FLAG_TEXT, "string", "Runtime to use for this container" },        \
		{ "security-opt", 0, FLAG_LIST, "list", "Security options" },                      \
		{ "shm-size", 0, FLAG_TEXT, "bytes", "Size of /dev/shm" },                         \
		{ "stop-signal", 0, FLAG_TEXT, "string", "Signal to stop the container" },         \
		{ "stop-timeout", 0, FLAG_TEXT, "int",                                             \
		  "Timeout (in seconds) to stop a container" },                                    \
		{ "storage-opt", 0, FLAG_LIST, "list", "Storage driver options" },                 \
		{ "sysctl", 0, FLAG_LIST, "map", "Sysctl options" },                               \
		{ "tmpfs", 0, FLAG_LIST, "list", "Mount a tmpfs directory" },                      \
		{ "tty", 't', FLAG_SWITCH, NULL, "Allocate a pseudo-TTY" },                        \
		{ "ulimit", 0, FLAG_LIST, "ulimit", "Ulimit options" },                            \
		{ "user", 'u', FLAG_TEXT, "string", "Username or UID (name|uid[:group|gid])" },    \
		{ "userns", 0, FLAG_TEXT, "string", "User namespace: host, auto[:size=N]" },       \
		{ "uts", 0, FLAG_TEXT, "string", "UTS namespace to use" },                         \
		{ "volume", 'v', FLAG_LIST, "list", "Bind mount a volume" },                       \
		{ "volume-driver", 0, FLAG_TEXT, "string", "Volume driver for the container" },    \
		{ "volumes-from", 0, FLAG_LIST, "list", "Mount volumes from another container" },  \
	{                                                                                          \
		"workdir", 'w', FLAG_TEXT, "string", "Working directory inside the container"      \
	}

const struct flag runflags_create[] = { RUN_FLAGS, { 0 } };
const struct flag runflags_run[] = {
	RUN_FLAGS,
	{ "detach", 'd', FLAG_SWITCH, NULL, "Run container in background and print container ID" },
	{ "detach-keys", 0, FLAG_TEXT, "string", "Key sequence for detaching (ctrl-p,ctrl-q)" },
	{ "sig-proxy", 0, FLAG_SWITCH, NULL, "Proxy received signals to the process (default on)" },
	{ 0 },
};

const struct flag runflags_update[] = {
	{ "blkio-weight", 0, FLAG_TEXT, "uint16", "Block IO weight (10 to 1000)" },
	{ "cpu-period", 0, FLAG_TEXT, "int", "CPU CFS period in microseconds" },
	{ "cpu-quota", 0, FLAG_TEXT, "int", "CPU CFS quota in microseconds" },
	{ "cpu-rt-period", 0, FLAG_TEXT, "int", "CPU real-time period in microseconds" },
	{ "cpu-rt-runtime", 0, FLAG_TEXT, "int", "CPU real-time runtime in microseconds" },
	{ "cpu-shares", 'c', FLAG_TEXT, "int", "CPU shares (relative weight)" },
	{ "cpus", 0, FLAG_TEXT, "decimal", "Number of CPUs" },
	{ "cpuset-cpus", 0, FLAG_TEXT, "string", "CPUs in which to allow execution (0-3, 0,1)" },
	{ "cpuset-mems", 0, FLAG_TEXT, "string", "Memory nodes in which to allow execution" },
	{ "kernel-memory", 0, FLAG_TEXT, "bytes", NULL },
	{ "memory", 'm', FLAG_TEXT, "bytes", "Memory limit" },
	{ "memory-reservation", 0, FLAG_TEXT, "bytes", "Memory soft limit" },
	{ "memory-swap", 0, FLAG_TEXT, "bytes", "Memory and swap together; -1 is unlimited" },
	{ "pids-limit", 0, FLAG_TEXT, "int", "Limit of processes (-1 for unlimited)" },
	{ "restart", 0, FLAG_TEXT, "string", "Restart policy to apply when a container exits" },
	{ 0 },
};

enum rule_kind { TEXT, SWITCH, LIST, INTEGER, SIGNED_SIZE, SIZE };

struct rule {
	const char *flag;
	enum rule_kind kind;
	size_t offset, n_offset; /* in ContainerConfig; n_offset of lists */
};

#define AT(field)     offsetof(Cleat__V1__ContainerConfig, field)
#define LISTED(field) LIST, AT(field), AT(n_##field)
#define LIMIT(field)  offsetof(Cleat__V1__Resources, field)

static const struct rule config_rules[] = {
	{ "workdir", TEXT, AT(working_dir), 0 },
	{ "user", TEXT, AT(user), 0 },
	{ "group-add", LISTED(groups) },
	{ "tty", SWITCH, AT(tty), 0 },
	{ "interactive", SWITCH, AT(open_stdin), 0 },
	{ "stop-signal", TEXT, AT(stop_signal), 0 },
	{ "init", SWITCH, AT(init), 0 },
	{ "hostname", TEXT, AT(hostname), 0 },
	{ "domainname", TEXT, AT(domain_name), 0 },
	{ "rm", SWITCH, AT(auto_remove), 0 },
	{ "runtime", TEXT, AT(runtime), 0 },
	{ "volumes-from", LISTED(volumes_from) },
	{ "read-only", SWITCH, AT(read_only_root), 0 },
	{ "shm-size", SIZE, AT(shm_size_bytes), 0 },
	{ "volume-driver", TEXT, AT(volume_driver), 0 },
	{ "publish-all", SWITCH, AT(publish_all_ports), 0 },
	{ "dns", LISTED(dns) },
	{ "dns-search", LISTED(dns_search) },
	{ "dns-option", LISTED(dns_options) },
	{ "dns-opt", LISTED(dns_options) },
	{ "link", LISTED(links) },
	{ "mac-address", TEXT, AT(mac_address), 0 },
	{ "privileged", SWITCH, AT(privileged), 0 },
	{ "cap-add", LISTED(cap_add) },
	{ "cap-drop", LISTED(cap_drop) },
	{ "device-cgroup-rule", LISTED(device_cgroup_rules) },
	{ "pid", TEXT, AT(pid_mode), 0 },
	{ "ipc", TEXT, AT(ipc_mode), 0 },
	{ "uts", TEXT, AT(uts_mode), 0 },
	{ "cgroupns", TEXT, AT(cgroupns_mode), 0 },
	{ "userns", TEXT, AT(userns_mode), 0 },
	{ "cgroup-parent", TEXT, AT(cgroup_parent), 0 },
};

static const struct rule limit_rules[] = {
	{ "memory", SIZE, LIMIT(memory_bytes), 0 },
	{ "memory-swap", SIGNED_SIZE, LIMIT(memory_swap_bytes), 0 },
	{ "memory-reservation", SIZE, LIMIT(memory_reservation_bytes), 0 },
	{ "kernel-memory", SIZE, LIMIT(kernel_memory_bytes), 0 },
	{ "oom-kill-disable", SWITCH, LIMIT(oom_kill_disable), 0 },
	{ "cpu-shares", INTEGER, LIMIT(cpu_shares), 0 },
	{ "cpu-period", INTEGER, LIMIT(cpu_period_us), 0 },
	{ "cpu-quota", INTEGER, LIMIT(cpu_quota_us), 0 },
	{ "cpu-rt-period", INTEGER, LIMIT(cpu_realtime_period_us), 0 },
	{ "cpu-rt-runtime", INTEGER, LIMIT(cpu_realtime_runtime_us), 0 },
	{ "cpuset-cpus", TEXT, LIMIT(cpuset_cpus), 0 },
	{ "cpuset-mems", TEXT, LIMIT(cpuset_mems), 0 },
	{ "pids-limit", INTEGER, LIMIT(pids_limit), 0 },
};

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "command line");
}

static int apply_number(const struct rule *rule, const char *text, int64_t *at, struct err *err)
{
	uint64_t bytes;
	int r;

	if (rule->kind == INTEGER || (rule->kind == SIGNED_SIZE && strcmp(text, "-1") == 0))
		r = str_i64(text, at);
	else {
		r = str_size_bytes(text, &bytes);
		if (r == 0 && bytes > INT64_MAX)
			r = -ERANGE;
		if (r == 0)
			*at = (int64_t)bytes;
	}
	return r < 0 ? runparse_bad(err, rule->flag, text,
				    rule->kind == INTEGER ? "a number" : "a size")
		     : 0;
}

static int apply(const struct rule *rule, const struct flags *flags, void *message, struct err *err)
{
	char *at = (char *)message + rule->offset;
	const char *text = flags_text(flags, rule->flag);

	if (!text)
		return 0;
	switch (rule->kind) {
	case TEXT:
		return msg_set((char **)(void *)at, text) ? 0 : no_memory(err);
	case SWITCH:
		*(protobuf_c_boolean *)at = flags_switch(flags, rule->flag);
		return 0;
	case LIST:
		for (size_t i = 0; (text = flags_nth(flags, rule->flag, i)); i++)
			if (!msg_add((char ***)(void *)at,
				     (size_t *)(void *)((char *)message + rule->n_offset), text))
				return no_memory(err);
		return 0;
	default:
		return apply_number(rule, text, (int64_t *)(void *)at, err);
	}
}

/* ---- environment and labels */

struct each_line {
	Cleat__V1__ContainerConfig *config;
	const struct runflags_source *source;
};

static int env_line(void *arg, const char *line, struct err *err)
{
	struct each_line *e = arg;
	cleanup_free char *whole = NULL;

	if (line[0] == '=' || line[0] == '\0')
		return runparse_bad(err, "env", line, "KEY=value");
	if (!strchr(line, '=')) {
		const char *value =
			e->source && e->source->variable ? e->source->variable(line) : NULL;

		if (!value)
			return 0;
		whole = str_printf("%s=%s", line, value);
		if (!whole)
			return no_memory(err);
		line = whole;
	}
	return msg_add(&e->config->env, &e->config->n_env, line) ? 0 : no_memory(err);
}

static int label_line(void *arg, const char *line, struct err *err)
{
	struct each_line *e = arg;
	size_t key = strcspn(line, "=");

	if (key == 0)
		return runparse_bad(err, "label", line, "KEY=value");
	return msg_map_set(&e->config->labels, &e->config->n_labels,
			   &cleat__v1__container_config__labels_entry__descriptor, line, key,
			   line[key] ? line + key + 1 : "")
		       ? 0
		       : no_memory(err);
}

static int lines(const struct flags *flags, const char *file_flag, const char *flag,
		 int (*each)(void *, const char *, struct err *), struct each_line *e,
		 struct err *err)
{
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = flags_nth(flags, file_flag, i)); i++) {
		cleanup_free char *content = NULL;
		size_t n = 0;

		if (!e->source || !e->source->file)
			return runparse_bad(err, file_flag, text, "no files here");
		content = e->source->file(text, &n, err);
		r = content ? envfile_parse(text, content, n, each, e, err) : -EINVAL;
	}
	for (size_t i = 0; r == 0 && (text = flags_nth(flags, flag, i)); i++)
		r = each(e, text, err);
	return r;
}

/* ---- image and command */

static int words(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	const char *entrypoint = flags_text(flags, "entrypoint");

	if (flags->n_args == 0 || !flags->args[0][0])
		return err_set(err, ERR_INVALID, "no image given");
	if (!msg_set(&c->image, flags->args[0]))
		return no_memory(err);
	if (entrypoint) {
		c->entrypoint = msg_new(&cleat__v1__string_list__descriptor);
		if (!c->entrypoint ||
		    (entrypoint[0] &&
		     !msg_add(&c->entrypoint->values, &c->entrypoint->n_values, entrypoint)))
			return no_memory(err);
	}
	for (size_t i = 1; i < flags->n_args; i++) {
		if (!c->command)
			c->command = msg_new(&cleat__v1__string_list__descriptor);
		if (!c->command ||
		    !msg_add(&c->command->values, &c->command->n_values, flags->args[i]))
			return no_memory(err);
	}
	return 0;
}

int runflags_limits(const struct flags *flags, Cleat__V1__Resources *limits, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(limit_rules); i++)
		r = apply(&limit_rules[i], flags, limits, err);
	return r;
}

int runflags_make_update(const struct flags *flags, Cleat__V1__ContainerConfig *out,
			 struct err *err)
{
	int r;

	if (flags->n_uses == 0)
		return err_set(err, ERR_INVALID,
			       "you must provide one or more flags when using this command");
	out->resources = msg_new(&cleat__v1__resources__descriptor);
	if (!out->resources)
		return no_memory(err);
	r = runflags_limits(flags, out->resources, err);
	r = r ? r : runparse_each(flags, out, err);
	/* 0 is no limit, and says nothing in the request */
	if (flags_given(flags, "pids-limit") && out->resources->pids_limit == 0)
		out->resources->pids_limit = -1;
	return r;
}

static int fill(const struct flags *flags, const struct runflags_source *source,
		Cleat__V1__CreateContainerRequest *req, struct err *err)
{
	Cleat__V1__ContainerConfig *c = req->config;
	struct each_line e = { c, source };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(config_rules); i++)
		r = apply(&config_rules[i], flags, c, err);
	r = r ? r : runflags_limits(flags, c->resources, err);
	if (r == 0)
		r = lines(flags, "env-file", "env", env_line, &e, err);
	if (r == 0)
		r = lines(flags, "label-file", "label", label_line, &e, err);
	if (r == 0)
		r = runparse_apply(flags, req, source, err);
	if (r == 0)
		r = words(flags, c, err);
	return r;
}

int runflags_request(const struct flags *flags, const struct runflags_source *source,
		     Cleat__V1__CreateContainerRequest **out, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateContainerRequest *req =
		msg_new(&cleat__v1__create_container_request__descriptor);
	const char *name = flags_text(flags, "name");
	int r;

	if (!req)
		return no_memory(err);
	req->config = msg_new(&cleat__v1__container_config__descriptor);
	if (req->config)
		req->config->resources = msg_new(&cleat__v1__resources__descriptor);
	if (!req->config || !req->config->resources || (name && !msg_set(&req->name, name)))
		return no_memory(err);
	r = fill(flags, source, req, err);
	if (r == 0)
		*out = steal(&req);
	return r;
}
