/* SPDX-License-Identifier: Apache-2.0 */
/* Most members go into one field as they are: `rules` says which, by offset. The others have a function.
 * Members that no rule knows are passed over, as dockerd does: clients send many that mean nothing here. */
#include "createjson.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "createmounts.h"
#include "jsonfield.h"
#include "networkjson.h"
#include "str.h"

typedef Cleat__V1__ContainerConfig config;

#define AT(type, field)     offsetof(type, field)
#define LISTED(type, field) JSONFIELD_LIST, AT(type, field), AT(type, n_##field)
#define C                   Cleat__V1__ContainerConfig
#define R                   Cleat__V1__Resources
#define X                   Cleat__V1__CreateExecRequest

static const struct jsonfield_rule config_rules[] = {
	{ "Image", JSONFIELD_TEXT, AT(C, image), 0 },
	{ "Hostname", JSONFIELD_TEXT, AT(C, hostname), 0 },
	{ "MacAddress", JSONFIELD_TEXT, AT(C, mac_address), 0 },
	{ "Domainname", JSONFIELD_TEXT, AT(C, domain_name), 0 },
	{ "User", JSONFIELD_TEXT, AT(C, user), 0 },
	{ "WorkingDir", JSONFIELD_TEXT, AT(C, working_dir), 0 },
	{ "StopSignal", JSONFIELD_TEXT, AT(C, stop_signal), 0 },
	{ "Tty", JSONFIELD_SWITCH, AT(C, tty), 0 },
	{ "OpenStdin", JSONFIELD_SWITCH, AT(C, open_stdin), 0 },
	{ "AttachStdin", JSONFIELD_SWITCH, AT(C, attach_stdin), 0 },
	{ "AttachStdout", JSONFIELD_SWITCH, AT(C, attach_stdout), 0 },
	{ "AttachStderr", JSONFIELD_SWITCH, AT(C, attach_stderr), 0 },
	{ "StdinOnce", JSONFIELD_SWITCH, AT(C, stdin_once), 0 },
	{ "Env", LISTED(C, env) },
	{ "Cmd", JSONFIELD_WORDS, AT(C, command), 0 },
	{ "Entrypoint", JSONFIELD_WORDS, AT(C, entrypoint), 0 },
	{ "ExposedPorts", JSONFIELD_KEYS, AT(C, exposed_ports), AT(C, n_exposed_ports) },
	{ "Volumes", JSONFIELD_KEYS, AT(C, volumes), AT(C, n_volumes) },
};

static const struct jsonfield_rule host_rules[] = {
	{ "AutoRemove", JSONFIELD_SWITCH, AT(C, auto_remove), 0 },
	{ "Privileged", JSONFIELD_SWITCH, AT(C, privileged), 0 },
	{ "ReadonlyRootfs", JSONFIELD_SWITCH, AT(C, read_only_root), 0 },
	{ "PublishAllPorts", JSONFIELD_SWITCH, AT(C, publish_all_ports), 0 },
	{ "Init", JSONFIELD_SWITCH, AT(C, init), 0 },
	{ "NetworkMode", JSONFIELD_TEXT, AT(C, network_mode), 0 },
	{ "PidMode", JSONFIELD_TEXT, AT(C, pid_mode), 0 },
	{ "IpcMode", JSONFIELD_TEXT, AT(C, ipc_mode), 0 },
	{ "UTSMode", JSONFIELD_TEXT, AT(C, uts_mode), 0 },
	{ "CgroupnsMode", JSONFIELD_TEXT, AT(C, cgroupns_mode), 0 },
	{ "UsernsMode", JSONFIELD_TEXT, AT(C, userns_mode), 0 },
	{ "CgroupParent", JSONFIELD_TEXT, AT(C, cgroup_parent), 0 },
	{ "VolumeDriver", JSONFIELD_TEXT, AT(C, volume_driver), 0 },
	{ "Runtime", JSONFIELD_TEXT, AT(C, runtime), 0 },
	{ "CapAdd", LISTED(C, cap_add) },
	{ "CapDrop", LISTED(C, cap_drop) },
	{ "SecurityOpt", LISTED(C, security_options) },
	{ "GroupAdd", LISTED(C, groups) },
	{ "Dns", LISTED(C, dns) },
	{ "DnsSearch", LISTED(C, dns_search) },
	{ "DnsOptions", LISTED(C, dns_options) },
	{ "ExtraHosts", LISTED(C, extra_hosts) },
	{ "Links", LISTED(C, links) },
	{ "VolumesFrom", LISTED(C, volumes_from) },
	{ "DeviceCgroupRules", LISTED(C, device_cgroup_rules) },
	{ "ShmSize", JSONFIELD_NUMBER, AT(C, shm_size_bytes), 0 },
};

static const struct jsonfield_rule limit_rules[] = {
	{ "Memory", JSONFIELD_NUMBER, AT(R, memory_bytes), 0 },
	{ "MemorySwap", JSONFIELD_NUMBER, AT(R, memory_swap_bytes), 0 },
	{ "MemoryReservation", JSONFIELD_NUMBER, AT(R, memory_reservation_bytes), 0 },
	{ "KernelMemory", JSONFIELD_NUMBER, AT(R, kernel_memory_bytes), 0 },
	{ "NanoCpus", JSONFIELD_NUMBER, AT(R, nano_cpus), 0 },
	{ "CpuShares", JSONFIELD_NUMBER, AT(R, cpu_shares), 0 },
	{ "CpuPeriod", JSONFIELD_NUMBER, AT(R, cpu_period_us), 0 },
	{ "CpuQuota", JSONFIELD_NUMBER, AT(R, cpu_quota_us), 0 },
	{ "CpuRealtimePeriod", JSONFIELD_NUMBER, AT(R, cpu_realtime_period_us), 0 },
	{ "CpuRealtimeRuntime", JSONFIELD_NUMBER, AT(R, cpu_realtime_runtime_us), 0 },
	{ "CpusetCpus", JSONFIELD_TEXT, AT(R, cpuset_cpus), 0 },
	{ "CpusetMems", JSONFIELD_TEXT, AT(R, cpuset_mems), 0 },
	{ "PidsLimit", JSONFIELD_NUMBER, AT(R, pids_limit), 0 },
	{ "OomKillDisable", JSONFIELD_SWITCH, AT(R, oom_kill_disable), 0 },
	{ "BlkioWeight", JSONFIELD_SMALL, AT(R, blkio_weight), 0 },
};

static const struct jsonfield_rule exec_rules[] = {
	{ "User", JSONFIELD_TEXT, AT(X, user), 0 },
	{ "WorkingDir", JSONFIELD_TEXT, AT(X, working_dir), 0 },
	{ "DetachKeys", JSONFIELD_TEXT, AT(X, detach_keys), 0 },
	{ "Tty", JSONFIELD_SWITCH, AT(X, tty), 0 },
	{ "AttachStdin", JSONFIELD_SWITCH, AT(X, attach_stdin), 0 },
	{ "AttachStdout", JSONFIELD_SWITCH, AT(X, attach_stdout), 0 },
	{ "AttachStderr", JSONFIELD_SWITCH, AT(X, attach_stderr), 0 },
	{ "Privileged", JSONFIELD_SWITCH, AT(X, privileged), 0 },
	{ "Cmd", LISTED(X, command) },
	{ "Env", LISTED(X, env) },
};

/* ---- what takes more than a rule */

#define ADD_PAIRS(NAME, FIELD, ENTRY, PREFIX)                                                 \
	static int NAME(json_t *object, const char *what, config *c, struct err *err)         \
	{                                                                                     \
		const char *key;                                                              \
		json_t *value;                                                                \
                                                                                              \
		if (!object || json_is_null(object))                                          \
			return 0;                                                             \
		if (!json_is_object(object))                                                  \
			return jsonfield_wrong(what, "an object", err);                       \
		c->FIELD = calloc(json_object_size(object) + 1, sizeof(*c->FIELD));           \
		if (!c->FIELD)                                                                \
			return jsonfield_no_memory(err);                                      \
		json_object_foreach(object, key, value)                                       \
		{                                                                             \
			ENTRY *entry = json_is_string(value) ? malloc(sizeof(*entry)) : NULL; \
                                                                                              \
			if (!entry)                                                           \
				return jsonfield_wrong(what, "strings as values", err);       \
			PREFIX##__init(entry);                                                \
			c->FIELD[c->n_##FIELD++] = entry;                                     \
			entry->key = strdup(key);                                             \
			entry->value = strdup(json_string_value(value));                      \
			if (!entry->key || !entry->value)                                     \
				return jsonfield_no_memory(err);                              \
		}                                                                             \
		return 0;                                                                     \
	}

ADD_PAIRS(add_labels, labels, Cleat__V1__ContainerConfig__LabelsEntry,
	  cleat__v1__container_config__labels_entry)
ADD_PAIRS(add_sysctls, sysctls, Cleat__V1__ContainerConfig__SysctlsEntry,
	  cleat__v1__container_config__sysctls_entry)
ADD_PAIRS(add_storage_options, storage_options, Cleat__V1__ContainerConfig__StorageOptionsEntry,
	  cleat__v1__container_config__storage_options_entry)
ADD_PAIRS(add_annotations, annotations, Cleat__V1__ContainerConfig__AnnotationsEntry,
	  cleat__v1__container_config__annotations_entry)

static int set_log(json_t *object, config *c, struct err *err)
{
	const char *driver = json_string_value(json_object_get(object, "Type")), *key;
	json_t *options = json_object_get(object, "Config"), *value;

	if ((!driver || !*driver) && json_object_size(options) == 0)
		return 0;
	c->log = malloc(sizeof(*c->log));
	if (!c->log)
		return jsonfield_no_memory(err);
	cleat__v1__log_config__init(c->log);
	c->log->options = calloc(json_object_size(options) + 1, sizeof(*c->log->options));
	if (!c->log->options || jsonfield_text(&c->log->driver, str_or_empty(driver), err) < 0)
		return jsonfield_no_memory(err);
	json_object_foreach(options, key, value)
	{
		Cleat__V1__LogConfig__OptionsEntry *entry =
			json_is_string(value) ? malloc(sizeof(*entry)) : NULL;

		if (!entry)
			return jsonfield_wrong("LogConfig.Config", "strings as values", err);
		cleat__v1__log_config__options_entry__init(entry);
		c->log->options[c->log->n_options++] = entry;
		entry->key = strdup(key);
		entry->value = strdup(json_string_value(value));
		if (!entry->key || !entry->value)
			return jsonfield_no_memory(err);
	}
	return 0;
}

/* Docker has no such members: as all its durations they are nanoseconds. */
static int read_delay(json_t *object, const char *key, uint32_t *out_ms)
{
	json_t *value = json_object_get(object, key);
	int64_t ms = json_integer_value(value) / 1000000;

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || (json_integer_value(value) != 0 && ms < 1) ||
	    ms > UINT32_MAX)
		return -EINVAL;
	*out_ms = (uint32_t)ms;
	return 0;
}

static int set_restart(json_t *object, Cleat__V1__RestartPolicy **out, struct err *err)
{
	const char *name = json_string_value(json_object_get(object, "Name"));
	json_t *count = json_object_get(object, "MaximumRetryCount");

	if (!name || !*name)
		return 0;
	*out = malloc(sizeof(**out));
	if (!*out)
		return jsonfield_no_memory(err);
	cleat__v1__restart_policy__init(*out);
	if (json_is_integer(count) &&
	    (json_integer_value(count) < 0 || json_integer_value(count) > UINT32_MAX))
		return jsonfield_wrong("RestartPolicy.MaximumRetryCount", "a count", err);
	(*out)->maximum_retry_count = (uint32_t)json_integer_value(count);
	if (read_delay(object, "Delay", &(*out)->delay_ms) < 0 ||
	    read_delay(object, "MaxDelay", &(*out)->max_delay_ms) < 0)
		return jsonfield_wrong("RestartPolicy.Delay and MaxDelay",
				       "nanoseconds, from 1 ms to 49 days", err);
	(*out)->on_unhealthy = json_is_true(json_object_get(object, "OnUnhealthy"));
	return jsonfield_text(&(*out)->name, name, err);
}

static const char *member(json_t *object, const char *key)
{
	return str_or_empty(json_string_value(json_object_get(object, key)));
}

int createjson_ulimits(json_t *list, Cleat__V1__Ulimit ***out, size_t *n, struct err *err)
{
	json_t *item;
	size_t i;

	*out = calloc(json_array_size(list) + 1, sizeof(**out));
	if (!*out)
		return jsonfield_no_memory(err);
	json_array_foreach(list, i, item)
	{
		Cleat__V1__Ulimit *u = malloc(sizeof(*u));

		if (!u)
			return jsonfield_no_memory(err);
		cleat__v1__ulimit__init(u);
		(*out)[(*n)++] = u;
		u->soft = json_integer_value(json_object_get(item, "Soft"));
		u->hard = json_integer_value(json_object_get(item, "Hard"));
		if (!*member(item, "Name") ||
		    jsonfield_text(&u->name, member(item, "Name"), err) < 0)
			return jsonfield_wrong("Ulimits", "objects with Name, Soft and Hard", err);
	}
	return 0;
}

static int add_devices(json_t *list, config *c, struct err *err)
{
	json_t *item;
	size_t i;

	c->devices = calloc(json_array_size(list) + 1, sizeof(*c->devices));
	if (!c->devices)
		return jsonfield_no_memory(err);
	json_array_foreach(list, i, item)
	{
		Cleat__V1__Device *d = malloc(sizeof(*d));

		if (!d)
			return jsonfield_no_memory(err);
		cleat__v1__device__init(d);
		c->devices[c->n_devices++] = d;
		if (!*member(item, "PathOnHost"))
			return jsonfield_wrong("Devices", "objects with PathOnHost", err);
		if (jsonfield_text(&d->host_path, member(item, "PathOnHost"), err) < 0 ||
		    jsonfield_text(&d->container_path, member(item, "PathInContainer"), err) < 0 ||
		    jsonfield_text(&d->permissions, member(item, "CgroupPermissions"), err) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int set_limits(json_t *host, Cleat__V1__Resources **out, struct err *err)
{
	Cleat__V1__Resources *limits = malloc(sizeof(*limits));

	if (!limits)
		return jsonfield_no_memory(err);
	cleat__v1__resources__init(limits);
	*out = limits;
	return jsonfield_apply(limit_rules, ARRAY_LEN(limit_rules), host, limits, err);
}

static int add_rates(json_t *list, const char *field, const char *number,
		     Cleat__V1__DeviceRate ***out, size_t *n, struct err *err)
{
	json_t *item;
	size_t i;

	*out = json_array_size(list) ? calloc(json_array_size(list), sizeof(**out)) : NULL;
	if (json_array_size(list) && !*out)
		return jsonfield_no_memory(err);
	json_array_foreach(list, i, item)
	{
		json_t *value = json_object_get(item, number);
		Cleat__V1__DeviceRate *rate = malloc(sizeof(*rate));

		if (!rate)
			return jsonfield_no_memory(err);
		cleat__v1__device_rate__init(rate);
		(*out)[(*n)++] = rate;
		if (!*member(item, "Path") || !json_is_integer(value) ||
		    json_integer_value(value) < 0)
			return jsonfield_wrong(field, "objects with a path and a number", err);
		rate->rate = (uint64_t)json_integer_value(value);
		if (jsonfield_text(&rate->path, member(item, "Path"), err) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int set_rates(json_t *host, Cleat__V1__Resources *m, struct err *err)
{
	const struct {
		const char *field, *number;
		Cleat__V1__DeviceRate ***out;
		size_t *n;
	} lists[] = {
		{ "BlkioWeightDevice", "Weight", &m->blkio_weight_device,
		  &m->n_blkio_weight_device },
		{ "BlkioDeviceReadBps", "Rate", &m->device_read_bps, &m->n_device_read_bps },
		{ "BlkioDeviceWriteBps", "Rate", &m->device_write_bps, &m->n_device_write_bps },
		{ "BlkioDeviceReadIOps", "Rate", &m->device_read_iops, &m->n_device_read_iops },
		{ "BlkioDeviceWriteIOps", "Rate", &m->device_write_iops, &m->n_device_write_iops },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = add_rates(json_object_get(host, lists[i].field), lists[i].field,
			      lists[i].number, lists[i].out, lists[i].n, err);
	return r;
}

static void set_swappiness(json_t *swappiness, Cleat__V1__Resources *limits)
{
	if (!json_is_integer(swappiness) || json_integer_value(swappiness) < 0)
		return;
	limits->swappiness_case = CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS;
	limits->memory_swappiness = json_integer_value(swappiness);
}

static int set_host(json_t *host, config *c, struct err *err)
{
	bool negative = json_integer_value(json_object_get(host, "ShmSize")) < 0;
	int r = negative ? err_set(err, ERR_INVALID, "SHM size can not be less than 0") : 0;

	r = r ? r : jsonfield_apply(host_rules, ARRAY_LEN(host_rules), host, c, err);
	r = r ? r : jsonfield_small(host, "OomScoreAdj", -1000, 1000, &c->oom_score_adj, err);
	if (r == 0 && c->oom_score_adj)
		c->oom_score_case = CLEAT__V1__CONTAINER_CONFIG__OOM_SCORE_OOM_SCORE_ADJ;
	r = r ? r : set_limits(host, &c->resources, err);
	r = r ? r : set_rates(host, c->resources, err);
	if (r == 0)
		set_swappiness(json_object_get(host, "MemorySwappiness"), c->resources);
	r = r ? r : set_log(json_object_get(host, "LogConfig"), c, err);
	r = r ? r : set_restart(json_object_get(host, "RestartPolicy"), &c->restart_policy, err);
	r = r ? r : add_devices(json_object_get(host, "Devices"), c, err);
	r = r ? r : createmounts(host, c, err);
	r = r ? r
	      : createjson_ulimits(json_object_get(host, "Ulimits"), &c->ulimits, &c->n_ulimits,
				   err);
	r = r ? r : networkjson_ports(json_object_get(host, "PortBindings"), c, err);
	r = r ? r : add_sysctls(json_object_get(host, "Sysctls"), "Sysctls", c, err);
	r = r ? r : add_storage_options(json_object_get(host, "StorageOpt"), "StorageOpt", c, err);
	return r ? r : add_annotations(json_object_get(host, "Annotations"), "Annotations", c, err);
}

static int set_health(json_t *health, config *c, struct err *err)
{
	static const struct jsonfield_rule rules[] = {
#define H(key, kind, field) { key, kind, offsetof(Cleat__V1__HealthCheck, field), 0 }
		H("Test", JSONFIELD_WORDS, test),
		H("Interval", JSONFIELD_NUMBER, interval_ns),
		H("Timeout", JSONFIELD_NUMBER, timeout_ns),
		H("StartPeriod", JSONFIELD_NUMBER, start_period_ns),
		H("StartInterval", JSONFIELD_NUMBER, start_interval_ns),
#undef H
	};
	json_t *retries = json_object_get(health, "Retries");

	if (!health || json_is_null(health))
		return 0;
	if (!json_is_object(health))
		return jsonfield_wrong("Healthcheck", "an object", err);
	if (retries && !json_is_null(retries) && !json_is_integer(retries))
		return jsonfield_wrong("Healthcheck.Retries", "a number", err);
	if (json_integer_value(retries) < 0)
		return err_set(err, ERR_INVALID, "Retries in Healthcheck cannot be negative");
	if (json_integer_value(retries) > INT32_MAX)
		return jsonfield_wrong("Healthcheck.Retries", "a number of 32 bits", err);
	c->health_check = malloc(sizeof(*c->health_check));
	if (!c->health_check)
		return jsonfield_no_memory(err);
	cleat__v1__health_check__init(c->health_check);
	c->health_check->retries = (uint32_t)json_integer_value(retries);
	return jsonfield_apply(rules, ARRAY_LEN(rules), health, c->health_check, err);
}

static int fill(json_t *body, config *c, struct err *err)
{
	json_t *host = json_object_get(body, "HostConfig");
	int r = jsonfield_apply(config_rules, ARRAY_LEN(config_rules), body, c, err);

	r = r ? r
	      : jsonfield_small(body, "StopTimeout", INT32_MIN, INT32_MAX, &c->stop_timeout_seconds,
				err);
	if (json_is_integer(json_object_get(body, "StopTimeout")))
		c->stop_timeout_case =
			CLEAT__V1__CONTAINER_CONFIG__STOP_TIMEOUT_STOP_TIMEOUT_SECONDS;
	r = r ? r : add_labels(json_object_get(body, "Labels"), "Labels", c, err);
	r = r ? r : set_health(json_object_get(body, "Healthcheck"), c, err);
	r = r ? r
	      : networkjson_endpoints(json_object_get(json_object_get(body, "NetworkingConfig"),
						      "EndpointsConfig"),
				      c, err);
	return r ? r : json_is_object(host) ? set_host(host, c, err) : 0;
}

/* Docker's words for what is nothing here: an entrypoint that drops the image's, the runtime that is the default. */
static void drop_docker_words(config *c)
{
	if (c->entrypoint && c->entrypoint->n_values == 1 && !c->entrypoint->values[0][0]) {
		c->entrypoint->n_values = 0;
		free(c->entrypoint->values[0]);
	}
	if (strcmp(c->runtime, CREATEJSON_DEFAULT_RUNTIME) == 0)
		c->runtime[0] = '\0';
}

int createjson_parse(json_t *body, const char *name, Cleat__V1__CreateContainerRequest **out,
		     struct err *err)
{
	Cleat__V1__CreateContainerRequest *request = malloc(sizeof(*request));
	int r = 0;

	if (!request)
		return jsonfield_no_memory(err);
	cleat__v1__create_container_request__init(request);
	request->config = malloc(sizeof(*request->config));
	if (request->config) {
		cleat__v1__container_config__init(request->config);
		r = jsonfield_text(&request->name, name, err);
	} else {
		r = jsonfield_no_memory(err);
	}
	r = r ? r : fill(body, request->config, err);
	if (r < 0) {
		cleat__v1__create_container_request__free_unpacked(request, NULL);
		return r;
	}
	createmounts_drop_volumes(request->config);
	drop_docker_words(request->config);
	*out = request;
	return 0;
}

/* dockerd passes over what belongs to a container for life, which clients send all the same. */
int createjson_parse_update(json_t *body, const char *container,
			    Cleat__V1__UpdateContainerRequest **out, struct err *err)
{
	Cleat__V1__UpdateContainerRequest *request = malloc(sizeof(*request));
	json_t *pids = json_object_get(body, "PidsLimit");
	int r;

	if (!request)
		return jsonfield_no_memory(err);
	cleat__v1__update_container_request__init(request);
	r = jsonfield_text(&request->container, container, err);
	r = r ? r : set_limits(body, &request->resources, err);
	r = r ? r
	      : set_restart(json_object_get(body, "RestartPolicy"), &request->restart_policy, err);
	if (r < 0) {
		cleat__v1__update_container_request__free_unpacked(request, NULL);
		return r;
	}
	request->resources->oom_kill_disable = false;
	if (json_is_integer(pids) && json_integer_value(pids) == 0)
		request->resources->pids_limit = -1;
	*out = request;
	return 0;
}

int createjson_parse_exec(json_t *body, const char *container, Cleat__V1__CreateExecRequest **out,
			  struct err *err)
{
	Cleat__V1__CreateExecRequest *request = malloc(sizeof(*request));
	int r;

	if (!request)
		return jsonfield_no_memory(err);
	cleat__v1__create_exec_request__init(request);
	r = jsonfield_text(&request->container, container, err);
	r = r ? r : jsonfield_apply(exec_rules, ARRAY_LEN(exec_rules), body, request, err);
	if (r < 0) {
		cleat__v1__create_exec_request__free_unpacked(request, NULL);
		return r;
	}
	*out = request;
	return 0;
}
