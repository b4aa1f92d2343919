/* SPDX-License-Identifier: Apache-2.0 */
/* Field names and zero values are Docker's, because templates and tools rely on them: absent lists of
 * Config are null where Docker has null, times that never were are 0001-01-01T00:00:00Z. */
#include "dockerjson.h"

#include <stdio.h>
#include <string.h>

#include "createjson.h"
#include "dockerlimits.h"
#include "jsonmake.h"
#include "mountjson.h"
#include "str.h"
#include "systempaths.h"

const char *dockerjson_state(Cleat__V1__ContainerState state)
{
	static const char *const names[] = { "",           "created",  "running", "paused",
					     "restarting", "removing", "exited",  "dead" };

	return (unsigned)state < ARRAY_LEN(names) ? names[state] : "";
}

/* Consumes the object. */
static void set_unless_empty(json_t *o, const char *key, json_t *value)
{
	if (json_object_size(value))
		set(o, key, value);
	else
		json_decref(value);
}

static json_t *health(const Cleat__V1__ContainerRuntimeState *s)
{
	static const char *const names[] = { "none", "starting", "healthy", "unhealthy" };
	json_t *o = json_object(), *log = json_array();

	set(o, "Status", text((unsigned)s->health < ARRAY_LEN(names) ? names[s->health] : ""));
	set(o, "FailingStreak", json_integer(s->failing_streak));
	for (size_t i = 0; i < s->n_probes; i++) {
		json_t *p = json_object();

		set(p, "Start", when(s->probes[i]->start_ns));
		set(p, "End", when(s->probes[i]->end_ns));
		set(p, "ExitCode", json_integer(s->probes[i]->exit_code));
		set(p, "Output", text(s->probes[i]->output));
		json_array_append_new(log, p);
	}
	set(o, "Log", log);
	return o;
}

static json_t *runtime_state(const Cleat__V1__ContainerRuntimeState *s)
{
	json_t *o = json_object();

	if (!s)
		return o;
	set(o, "Status", text(dockerjson_state(s->state)));
	set(o, "Running",
	    json_boolean(s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING ||
			 s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED ||
			 s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING));
	set(o, "Paused",
	    json_boolean(s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED));
	set(o, "Restarting",
	    json_boolean(s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING));
	set(o, "OOMKilled", json_boolean(s->oom_killed));
	set(o, "Dead", json_boolean(s->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_DEAD));
	set(o, "Pid", json_integer(s->pid));
	set(o, "ExitCode", json_integer(s->exit_code));
	set(o, "Error", text(s->error));
	set(o, "StartedAt", when(s->started_ns));
	set(o, "FinishedAt", when(s->finished_ns));
	if (s->health != CLEAT__V1__HEALTH_STATUS__HEALTH_STATUS_NONE)
		set(o, "Health", health(s));
	return o;
}

static json_t *health_check(const Cleat__V1__HealthCheck *h)
{
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{ "Interval", h->interval_ns },
		{ "Timeout", h->timeout_ns },
		{ "StartPeriod", h->start_period_ns },
		{ "StartInterval", h->start_interval_ns },
		{ "Retries", h->retries },
	};
	json_t *o = json_object();

	if (h->test && h->test->n_values)
		set(o, "Test", words(h->test));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].value)
			set(o, numbers[i].key, json_integer(numbers[i].value));
	return o;
}

static json_t *config(const Cleat__V1__ContainerConfig *c)
{
	json_t *o = json_object();

	set(o, "Hostname", text(c->hostname));
	set(o, "Domainname", text(c->domain_name));
	set(o, "User", text(c->user));
	set(o, "AttachStdin", json_boolean(c->attach_stdin));
	set(o, "AttachStdout", json_boolean(c->attach_stdout));
	set(o, "AttachStderr", json_boolean(c->attach_stderr));
	if (c->n_exposed_ports)
		set(o, "ExposedPorts", keys(c->exposed_ports, c->n_exposed_ports));
	set(o, "Tty", json_boolean(c->tty));
	set(o, "OpenStdin", json_boolean(c->open_stdin));
	set(o, "StdinOnce", json_boolean(c->stdin_once));
	set(o, "Env", list(c->env, c->n_env));
	set(o, "Cmd", words(c->command));
	if (c->health_check)
		set(o, "Healthcheck", health_check(c->health_check));
	set(o, "Image", text(c->image));
	set(o, "Volumes", c->n_volumes ? keys(c->volumes, c->n_volumes) : json_null());
	set(o, "WorkingDir", text(c->working_dir));
	set(o, "Entrypoint", words(c->entrypoint));
	set(o, "OnBuild", json_null());
	set(o, "Labels", map(c->labels, c->n_labels));
	if (c->stop_signal[0])
		set(o, "StopSignal", text(c->stop_signal));
	if (c->stop_timeout_case)
		set(o, "StopTimeout", json_integer(c->stop_timeout_seconds));
	return o;
}

static void set_policies(json_t *o, const Cleat__V1__ContainerConfig *c)
{
	json_t *restart = json_object(), *log = json_object();

	set(restart, "Name",
	    text(c->restart_policy && c->restart_policy->name[0] ? c->restart_policy->name : "no"));
	set(restart, "MaximumRetryCount",
	    json_integer(c->restart_policy ? c->restart_policy->maximum_retry_count : 0));
	if (c->restart_policy && c->restart_policy->delay_ms)
		set(restart, "Delay", json_integer(c->restart_policy->delay_ms * INT64_C(1000000)));
	if (c->restart_policy && c->restart_policy->max_delay_ms)
		set(restart, "MaxDelay",
		    json_integer(c->restart_policy->max_delay_ms * INT64_C(1000000)));
	if (c->restart_policy && c->restart_policy->on_unhealthy)
		set(restart, "OnUnhealthy", json_true());
	set(o, "RestartPolicy", restart);
	set(log, "Type", text(c->log && c->log->driver[0] ? c->log->driver : "local"));
	set(log, "Config", c->log ? map(c->log->options, c->log->n_options) : json_object());
	set(o, "LogConfig", log);
}

static json_t *binds(const Cleat__V1__ContainerConfig *c)
{
	json_t *a = json_array();

	for (size_t i = 0; i < c->n_mounts; i++)
		if (mountjson_is_bind(c->mounts[i]))
			json_array_append_new(a, mountjson_bind(c->mounts[i]));
	if (json_array_size(a) == 0) {
		json_decref(a);
		return json_null();
	}
	return a;
}

static json_t *tmpfs(const Cleat__V1__ContainerConfig *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->n_mounts; i++)
		if (mountjson_is_tmpfs(c->mounts[i]))
			set(o, c->mounts[i]->target, text(c->mounts[i]->tmpfs_options));
	return o;
}

static json_t *devices(const Cleat__V1__ContainerConfig *c)
{
	json_t *a = json_array();

	for (size_t i = 0; i < c->n_devices; i++)
		json_array_append_new(
			a,
			json_pack("{s:o, s:o, s:o}", "PathOnHost", text(c->devices[i]->host_path),
				  "PathInContainer", text(c->devices[i]->container_path),
				  "CgroupPermissions", text(c->devices[i]->permissions)));
	return a;
}

static json_t *ulimits(const Cleat__V1__ContainerConfig *c)
{
	json_t *a = json_array();

	for (size_t i = 0; i < c->n_ulimits; i++)
		json_array_append_new(a, json_pack("{s:o, s:I, s:I}", "Name",
						   text(c->ulimits[i]->name), "Hard",
						   (json_int_t)c->ulimits[i]->hard, "Soft",
						   (json_int_t)c->ulimits[i]->soft));
	return a;
}

static json_t *paths(const Cleat__V1__StringList *own, const char *const *usual, bool unconfined)
{
	json_t *a = json_array();

	for (size_t i = 0; own && i < own->n_values; i++)
		json_array_append_new(a, text(own->values[i]));
	for (size_t i = 0; !own && !unconfined && usual[i]; i++)
		json_array_append_new(a, text(usual[i]));
	return a;
}

/* As dockerd tells them: null is a privileged container's, which has none. */
static void set_protected(json_t *o, const Cleat__V1__ContainerConfig *c)
{
	const Cleat__V1__StringList *masked = c->masked_case ? c->masked_paths : NULL;
	const Cleat__V1__StringList *readonly = c->readonly_case ? c->readonly_paths : NULL;
	bool unconfined = false;

	for (size_t i = 0; i < c->n_security_options; i++)
		unconfined |= strcmp(c->security_options[i], "systempaths=unconfined") == 0;
	set(o, "MaskedPaths",
	    c->privileged ? json_null() : paths(masked, systempaths_masked, unconfined));
	set(o, "ReadonlyPaths",
	    c->privileged ? json_null() : paths(readonly, systempaths_readonly, unconfined));
}

/* What cleat has no use for, as dockerd tells it of containers that were not asked for it. */
static json_t *host_constants(void)
{
	return json_pack("{s:s, s:s, s:[i, i], s:s, s:n, s:i, s:i, s:i, s:i, s:i, s:i}",
			 "ContainerIDFile", "", "Cgroup", "", "ConsoleSize", 0, 0, "Isolation", "",
			 "DeviceRequests", "KernelMemory", 0, "KernelMemoryTCP", 0, "CpuCount", 0,
			 "CpuPercent", 0, "IOMaximumIOps", 0, "IOMaximumBandwidth", 0);
}

static json_t *host_config(const Cleat__V1__ContainerConfig *c)
{
	json_t *o = json_object(), *ports = json_object();

	set(o, "Binds", binds(c));
	set_unless_empty(o, "Tmpfs", tmpfs(c));
	set(o, "VolumeDriver", text(c->volume_driver));
	mountjson_set_mounts(o, c);
	set(o, "NetworkMode", text(c->network_mode[0] ? c->network_mode : "default"));
	for (size_t i = 0; i < c->n_ports; i++)
		dockerjson_add_port(ports, c->ports[i]->container_port, c->ports[i]->protocol,
				    c->ports[i]->host_ip, c->ports[i]->host_port,
				    c->ports[i]->host_port_end);
	set(o, "PortBindings", ports);
	set_policies(o, c);
	set(o, "AutoRemove", json_boolean(c->auto_remove));
	set(o, "VolumesFrom", list(c->volumes_from, c->n_volumes_from));
	set(o, "CapAdd", list(c->cap_add, c->n_cap_add));
	set(o, "CapDrop", list(c->cap_drop, c->n_cap_drop));
	set(o, "CgroupnsMode", text(c->cgroupns_mode[0] ? c->cgroupns_mode : "private"));
	set(o, "Dns", list(c->dns, c->n_dns));
	set(o, "DnsOptions", list(c->dns_options, c->n_dns_options));
	set(o, "DnsSearch", list(c->dns_search, c->n_dns_search));
	set(o, "ExtraHosts", list(c->extra_hosts, c->n_extra_hosts));
	set(o, "GroupAdd", list(c->groups, c->n_groups));
	set(o, "IpcMode", text(c->ipc_mode[0] ? c->ipc_mode : "private"));
	set(o, "OomScoreAdj", json_integer(c->oom_score_case ? c->oom_score_adj : 0));
	set(o, "PidMode", text(c->pid_mode));
	set(o, "Privileged", json_boolean(c->privileged));
	set(o, "PublishAllPorts", json_boolean(c->publish_all_ports));
	set(o, "ReadonlyRootfs", json_boolean(c->read_only_root));
	set_protected(o, c);
	set(o, "SecurityOpt", list(c->security_options, c->n_security_options));
	set(o, "UTSMode", text(c->uts_mode));
	set(o, "UsernsMode", text(c->userns_mode));
	set(o, "ShmSize",
	    json_integer((json_int_t)(c->shm_size_bytes ? c->shm_size_bytes : 64 << 20)));
	set(o, "Runtime", text(c->runtime[0] ? c->runtime : CREATEJSON_DEFAULT_RUNTIME));
	if (c->init)
		set(o, "Init", json_true());
	set(o, "CgroupParent", text(c->cgroup_parent));
	set(o, "Devices", devices(c));
	set(o, "DeviceCgroupRules", list(c->device_cgroup_rules, c->n_device_cgroup_rules));
	set_unless_empty(o, "Sysctls", map(c->sysctls, c->n_sysctls));
	set_unless_empty(o, "StorageOpt", map(c->storage_options, c->n_storage_options));
	set_unless_empty(o, "Annotations", map(c->annotations, c->n_annotations));
	set(o, "Ulimits", ulimits(c));
	json_object_update_missing_new(o, host_constants());
	if (c->resources)
		dockerlimits_set(o, c->resources);
	return o;
}

json_t *dockerjson_mounts(Cleat__V1__MountPoint *const *mounts, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *m = json_object();

		set(m, "Type", text(mounts[i]->type));
		if (mounts[i]->name[0])
			set(m, "Name", text(mounts[i]->name));
		set(m, "Source", text(mounts[i]->source));
		set(m, "Destination", text(mounts[i]->destination));
		if (mounts[i]->driver[0])
			set(m, "Driver", text(mounts[i]->driver));
		set(m, "Mode", text(mounts[i]->mode));
		set(m, "RW", json_boolean(mounts[i]->read_write));
		set(m, "Propagation", text(mounts[i]->propagation));
		json_array_append_new(a, m);
	}
	return a;
}

static const char *apparmor_of(const Cleat__V1__ContainerConfig *config)
{
	static const char option[] = "apparmor=";

	for (size_t i = 0; config && i < config->n_security_options; i++)
		if (str_has_prefix(config->security_options[i], option))
			return config->security_options[i] + sizeof(option) - 1;
	return config && config->privileged ? "unconfined" : "";
}

json_t *dockerjson_container(const Cleat__V1__ContainerDetails *c)
{
	json_t *o = json_object(), *driver = json_object();

	if (!o || !driver || !c)
		return o;
	set(o, "Id", text(c->id));
	set(o, "Created", when(c->created_ns));
	set(o, "Path", text(c->path));
	set(o, "Args", c->n_args ? list(c->args, c->n_args) : json_array());
	set(o, "State", runtime_state(c->state));
	set(o, "Image", text(c->image_id));
	set(o, "ResolvConfPath", text(c->resolv_conf_path));
	set(o, "HostnamePath", text(c->hostname_path));
	set(o, "HostsPath", text(c->hosts_path));
	set(o, "LogPath", text(c->log_path));
	set(o, "Name", json_sprintf("/%s", c->name));
	set(o, "RestartCount", json_integer(c->restart_count));
	set(o, "Driver", text(c->layer_driver));
	set(o, "Platform", text(c->platform[0] ? c->platform : "linux"));
	set(o, "MountLabel", text(""));
	set(o, "ProcessLabel", text(""));
	set(o, "AppArmorProfile", text(apparmor_of(c->config)));
	set(o, "ExecIDs", list(c->exec_ids, c->n_exec_ids));
	if (c->config) {
		set(o, "HostConfig", host_config(c->config));
		set(json_object_get(o, "HostConfig"), "Links", dockerjson_links(c));
	}
	set(driver, "Name", text(c->layer_driver));
	set(driver, "Data", json_object());
	set(o, "GraphDriver", driver);
	if (c->size_root_fs_bytes) {
		set(o, "SizeRw", json_integer((json_int_t)c->size_rw_bytes));
		set(o, "SizeRootFs", json_integer((json_int_t)c->size_root_fs_bytes));
	}
	set(o, "Mounts", dockerjson_mounts(c->mounts, c->n_mounts));
	if (c->config) {
		set(o, "Config", config(c->config));
		if (!c->config->hostname[0])
			set(json_object_get(o, "Config"), "Hostname", json_sprintf("%.12s", c->id));
	}
	set(o, "NetworkSettings", dockerjson_network_settings(c));
	return o;
}

static json_t *image_config(const Cleat__V1__ImageConfig *c)
{
	json_t *o = json_object();

	set(o, "User", text(c->user));
	if (c->n_exposed_ports)
		set(o, "ExposedPorts", keys(c->exposed_ports, c->n_exposed_ports));
	set(o, "Env", list(c->env, c->n_env));
	set(o, "Entrypoint", list(c->entrypoint, c->n_entrypoint));
	set(o, "Cmd", list(c->command, c->n_command));
	set(o, "Volumes", c->n_volumes ? keys(c->volumes, c->n_volumes) : json_null());
	set(o, "WorkingDir", text(c->working_dir));
	set(o, "Labels", c->n_labels ? map(c->labels, c->n_labels) : json_null());
	if (c->stop_signal[0])
		set(o, "StopSignal", text(c->stop_signal));
	if (c->health_check)
		set(o, "Healthcheck", health_check(c->health_check));
	set(o, "OnBuild", list(c->on_build, c->n_on_build));
	return o;
}

json_t *dockerjson_image(const Cleat__V1__ImageDetails *i)
{
	json_t *o = json_object(), *fs = json_object(), *driver = json_object(),
	       *meta = json_object();

	if (!o || !fs || !driver || !meta)
		return o;
	set(o, "Id", text(i->id));
	set(o, "RepoTags", i->n_tags ? list(i->tags, i->n_tags) : json_array());
	set(o, "RepoDigests", i->n_digests ? list(i->digests, i->n_digests) : json_array());
	set(o, "Parent", text(i->parent_id));
	set(o, "Comment", text(i->comment));
	set(o, "Created", when(i->created_ns));
	set(o, "Author", text(i->author));
	set(o, "Architecture", text(i->platform ? i->platform->architecture : ""));
	if (i->platform && i->platform->variant[0])
		set(o, "Variant", text(i->platform->variant));
	set(o, "Os", text(i->platform ? i->platform->os : ""));
	set(o, "Size", json_integer((json_int_t)i->size_bytes));
	set(driver, "Name", text(i->layer_driver));
	set(driver, "Data", json_object());
	set(o, "GraphDriver", driver);
	set(fs, "Type", text("layers"));
	set(fs, "Layers", i->n_layers ? list(i->layers, i->n_layers) : json_array());
	set(o, "RootFS", fs);
	set(meta, "LastTagTime", when(i->last_tag_ns));
	set(o, "Metadata", meta);
	if (i->config)
		set(o, "Config", image_config(i->config));
	return o;
}
