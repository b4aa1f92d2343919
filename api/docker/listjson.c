/* SPDX-License-Identifier: Apache-2.0 */
#include "listjson.h"

#include <string.h>

#include "createjson.h"
#include "dockerjson.h"
#include "str.h"

static json_t *text(const char *s)
{
	json_t *v = json_string(str_or_empty(s));

	return v ? v : json_string("");
}

static json_t *texts(char *const *items, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, text(items[i]));
	return a;
}

static json_t *seconds(int64_t ns)
{
	return json_integer(ns / 1000000000);
}

static json_t *ports(Cleat__V1__PublishedPort *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		const Cleat__V1__PublishedPort *p = list[i];
		json_t *o = json_object();

		if (p->host_port) {
			json_object_set_new(o, "IP", text(p->host_ip));
			json_object_set_new(o, "PublicPort", json_integer(p->host_port));
		}
		json_object_set_new(o, "PrivatePort", json_integer(p->container_port));
		json_object_set_new(o, "Type", text(p->protocol));
		json_array_append_new(array, o);
	}
	return array;
}

json_t *listjson_container(const Cleat__V1__ContainerSummary *c)
{
	json_t *o = json_object(), *labels = json_object();

	json_object_set_new(o, "Id", text(c->id));
	json_object_set_new(o, "Names", json_pack("[o]", json_sprintf("/%s", c->name)));
	json_object_set_new(o, "Image", text(c->image));
	json_object_set_new(o, "ImageID", text(c->image_id));
	json_object_set_new(o, "Command", text(c->command));
	json_object_set_new(o, "Created", seconds(c->created_ns));
	json_object_set_new(o, "Ports", ports(c->ports, c->n_ports));
	for (size_t i = 0; i < c->n_labels; i++)
		json_object_set_new(labels, c->labels[i]->key, text(c->labels[i]->value));
	json_object_set_new(o, "Labels", labels);
	json_object_set_new(o, "State", text(dockerjson_state(c->state)));
	json_object_set_new(o, "Status", text(c->status));
	json_object_set_new(o, "HostConfig",
			    json_pack("{s:o}", "NetworkMode", text(c->network_mode)));
	json_object_set_new(o, "NetworkSettings",
			    json_pack("{s:o}", "Networks",
				      dockerjson_networks(c->networks, c->n_networks, NULL)));
	json_object_set_new(o, "Mounts", dockerjson_mounts(c->mounts, c->n_mounts));
	if (c->size_root_fs_bytes) {
		json_object_set_new(o, "SizeRw", json_integer((json_int_t)c->size_rw_bytes));
		json_object_set_new(o, "SizeRootFs",
				    json_integer((json_int_t)c->size_root_fs_bytes));
	}
	return o;
}

json_t *listjson_image(const Cleat__V1__ImageSummary *i)
{
	json_t *o = json_object(), *labels = i->n_labels ? json_object() : json_null();

	json_object_set_new(o, "Id", text(i->id));
	json_object_set_new(o, "ParentId", text(i->parent_id));
	json_object_set_new(o, "RepoTags", texts(i->tags, i->n_tags));
	json_object_set_new(o, "RepoDigests", texts(i->digests, i->n_digests));
	json_object_set_new(o, "Created", seconds(i->created_ns));
	json_object_set_new(o, "Size", json_integer((json_int_t)i->size_bytes));
	json_object_set_new(o, "SharedSize", json_integer(-1));
	for (size_t k = 0; k < i->n_labels; k++)
		json_object_set_new(labels, i->labels[k]->key, text(i->labels[k]->value));
	json_object_set_new(o, "Labels", labels);
	json_object_set_new(o, "Containers", json_integer(-1));
	return o;
}

/* What is not used by an image is "in use" by nothing, as with Docker's: reclaimable. */
json_t *listjson_cache(const Cleat__V1__DiskUsageReply__CacheUsage *c)
{
	char created[STR_TIME_MAX], used[STR_TIME_MAX];
	json_t *o = json_object();

	str_format_time(c->created_ns, created);
	str_format_time(c->last_used_ns, used);
	json_object_set_new(o, "ID", text(c->id));
	json_object_set_new(o, "Type", text("regular"));
	json_object_set_new(o, "Description", text(c->description));
	json_object_set_new(o, "InUse", json_boolean(c->in_use));
	json_object_set_new(o, "Shared", json_false());
	json_object_set_new(o, "Size", json_integer((json_int_t)c->size_bytes));
	json_object_set_new(o, "CreatedAt", text(created));
	json_object_set_new(o, "LastUsedAt", text(used));
	json_object_set_new(o, "UsageCount", json_integer(0)); /* is not counted */
	return o;
}

json_t *listjson_history(const Cleat__V1__ImageHistoryReply__Entry *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "Id", text(e->id[0] ? e->id : "<missing>"));
	json_object_set_new(o, "Created", seconds(e->created_ns));
	json_object_set_new(o, "CreatedBy", text(e->created_by));
	json_object_set_new(o, "Tags", e->n_tags ? texts(e->tags, e->n_tags) : json_null());
	json_object_set_new(o, "Size", json_integer((json_int_t)e->size_bytes));
	json_object_set_new(o, "Comment", text(e->comment));
	return o;
}

json_t *listjson_volume(const Cleat__V1__VolumeDetails *v)
{
	json_t *o = json_object(), *labels = v->n_labels ? json_object() : json_null();
	json_t *options = v->n_options ? json_object() : json_null();
	char time[STR_TIME_MAX];

	str_format_time(v->created_ns / 1000000000 * 1000000000, time);
	json_object_set_new(o, "CreatedAt", text(time));
	json_object_set_new(o, "Driver", text(v->driver));
	for (size_t i = 0; i < v->n_labels; i++)
		json_object_set_new(labels, v->labels[i]->key, text(v->labels[i]->value));
	json_object_set_new(o, "Labels", labels);
	json_object_set_new(o, "Mountpoint", text(v->mount_point));
	json_object_set_new(o, "Name", text(v->name));
	for (size_t i = 0; i < v->n_options; i++)
		json_object_set_new(options, v->options[i]->key, text(v->options[i]->value));
	json_object_set_new(o, "Options", options);
	json_object_set_new(o, "Scope", text(v->scope));
	return o;
}

json_t *listjson_event(const Cleat__V1__Event *e)
{
	json_t *o = json_object(), *attributes = json_object();

	for (size_t i = 0; i < e->n_attributes; i++)
		json_object_set_new(attributes, e->attributes[i]->key,
				    text(e->attributes[i]->value));
	bool container = strcmp(e->type, "container") == 0;

	if (container || strcmp(e->type, "image") == 0) {
		json_object_set_new(o, "status", text(e->action));
		json_object_set_new(o, "id", text(e->actor_id));
	}
	if (container)
		json_object_set(o, "from", json_object_get(attributes, "image"));
	json_object_set_new(o, "Type", text(e->type));
	json_object_set_new(o, "Action", text(e->action));
	json_object_set_new(
		o, "Actor",
		json_pack("{s:o, s:o}", "ID", text(e->actor_id), "Attributes", attributes));
	json_object_set_new(o, "scope", text("local"));
	json_object_set_new(o, "time", seconds(e->time_ns));
	json_object_set_new(o, "timeNano", json_integer(e->time_ns));
	return o;
}

json_t *listjson_exec(const Cleat__V1__ExecDetails *e)
{
	const Cleat__V1__CreateExecRequest *c = e->config;
	bool ended = e->exit_case == CLEAT__V1__EXEC_DETAILS__EXIT_EXIT_CODE;
	json_t *o = json_object(), *process = json_object();

	json_object_set_new(o, "ID", text(e->id));
	json_object_set_new(o, "ContainerID", text(e->container_id));
	json_object_set_new(o, "Running", json_boolean(e->running));
	json_object_set_new(o, "ExitCode", ended ? json_integer(e->exit_code) : json_null());
	json_object_set_new(o, "Pid", json_integer(e->pid));
	json_object_set_new(o, "CanRemove", json_false());
	json_object_set_new(o, "DetachKeys", text(c ? c->detach_keys : ""));
	if (!c)
		return json_decref(process), o;
	json_object_set_new(process, "tty", json_boolean(c->tty));
	json_object_set_new(process, "entrypoint", text(c->n_command ? c->command[0] : ""));
	json_object_set_new(process, "arguments",
			    c->n_command ? texts(c->command + 1, c->n_command - 1) : json_array());
	json_object_set_new(process, "privileged", json_boolean(c->privileged));
	if (c->user[0])
		json_object_set_new(process, "user", text(c->user));
	json_object_set_new(o, "ProcessConfig", process);
	json_object_set_new(o, "OpenStdin", json_boolean(c->attach_stdin));
	json_object_set_new(o, "OpenStdout", json_boolean(c->attach_stdout));
	json_object_set_new(o, "OpenStderr", json_boolean(c->attach_stderr));
	return o;
}

/* What the kernel can limit, and a warning for what it cannot. */
static void set_limits(json_t *o, const Cleat__V1__InfoReply *i)
{
	static const Cleat__V1__HostLimits none = CLEAT__V1__HOST_LIMITS__INIT;
	const Cleat__V1__HostLimits *host = i->limits ? i->limits : &none;
	const struct {
		const char *member;
		bool can;
		const char *what;
	} limits[] = {
		{ "MemoryLimit", host->memory, "memory limit" },
		{ "SwapLimit", host->swap, "swap limit" },
		{ "CpuCfsPeriod", host->cpu_cfs, "cpu cfs period" },
		{ "CpuCfsQuota", host->cpu_cfs, "cpu cfs quota" },
		{ "CPUShares", host->cpu_shares, "cpu shares" },
		{ "CPUSet", host->cpuset, "cpuset" },
		{ "PidsLimit", host->pids, "pids limit" },
	};
	json_t *warnings = json_array();

	for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
		json_object_set_new(o, limits[k].member, json_boolean(limits[k].can));
		if (!limits[k].can)
			json_array_append_new(
				warnings, json_sprintf("WARNING: No %s support", limits[k].what));
	}
	if (!i->ipv4_forwarding)
		json_array_append_new(warnings,
				      json_string("WARNING: IPv4 forwarding is disabled"));
	json_object_set_new(o, "IPv4Forwarding", json_boolean(i->ipv4_forwarding));
	json_object_set_new(o, "OomKillDisable", json_boolean(host->oom_control));
	json_object_set_new(o, "Warnings", json_array_size(warnings) ? warnings : json_null());
	if (!json_array_size(warnings))
		json_decref(warnings);
}

/* Clients in languages with types expect them, whatever is in them. */
static void set_constants(json_t *o)
{
	json_object_update_missing_new(
		o, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:[], s:n, s:s}", "OSVersion", "",
			     "HttpProxy", "", "HttpsProxy", "", "NoProxy", "", "NFd", 0,
			     "NGoroutines", 0, "NEventsListener", 0, "DriverStatus",
			     "GenericResources", "Isolation", ""));
	json_object_update_missing_new(o, json_pack("{s:{s:s}, s:{s:s}, s:{s:s}}",
						    "ContainerdCommit", "ID", "", "RuncCommit",
						    "ID", "", "InitCommit", "ID", ""));
}

json_t *listjson_info(const Cleat__V1__InfoReply *i)
{
	json_t *o = json_object();
	char time[STR_TIME_MAX];

	str_format_time(i->time_ns, time);
	json_object_set_new(o, "ID", text(i->id));
	json_object_set_new(o, "Name", text(i->name));
	json_object_set_new(o, "ServerVersion", text(i->version));
	json_object_set_new(o, "Containers", json_integer(i->containers));
	json_object_set_new(o, "ContainersRunning", json_integer(i->running));
	json_object_set_new(o, "ContainersPaused", json_integer(i->paused));
	json_object_set_new(o, "ContainersStopped", json_integer(i->stopped));
	json_object_set_new(o, "Images", json_integer(i->images));
	json_object_set_new(o, "Driver", text(i->layer_driver));
	json_object_set_new(o, "DockerRootDir", text(i->state_dir));
	json_object_set_new(o, "KernelVersion", text(i->kernel));
	json_object_set_new(o, "OperatingSystem", text(i->operating_system));
	json_object_set_new(o, "OSType", text("linux"));
	json_object_set_new(o, "Architecture", text(i->architecture));
	json_object_set_new(o, "NCPU", json_integer(i->cpus));
	json_object_set_new(o, "MemTotal", json_integer((json_int_t)i->memory_bytes));
	json_object_set_new(o, "CgroupDriver", text(i->cgroup_driver));
	json_object_set_new(o, "CgroupVersion", text(i->cgroup_version == 2 ? "2" : "1"));
	json_object_set_new(o, "LoggingDriver", text(i->log_driver));
	json_object_set_new(o, "DefaultRuntime", text(CREATEJSON_DEFAULT_RUNTIME));
	json_object_set_new(
		o, "Runtimes",
		json_pack("{s:{s:s}}", CREATEJSON_DEFAULT_RUNTIME, "path", "cleat-oci"));
	json_object_set_new(o, "Swarm",
			    json_pack("{s:s, s:s, s:s, s:s, s:b, s:n}", "NodeID", "", "NodeAddr",
				      "", "Error", "", "LocalNodeState", "inactive",
				      "ControlAvailable", 0, "RemoteManagers"));
	json_object_set_new(o, "Plugins",
			    json_pack("{s:[s], s:[s, s, s], s:[s, s, s]}", "Volume", "local",
				      "Network", "bridge", "host", "null", "Log", "json-file",
				      "local", "none"));
	json_object_set_new(o, "SecurityOptions",
			    texts(i->security_options, i->n_security_options));
	json_object_set_new(o, "IndexServerAddress", text("https://index.docker.io/v1/"));
	json_object_set_new(o, "RegistryConfig",
			    json_pack("{s:[s], s:[], s:{s:{s:s, s:[], s:b, s:b}}}",
				      "InsecureRegistryCIDRs", "127.0.0.0/8", "Mirrors",
				      "IndexConfigs", "docker.io", "Name", "docker.io", "Mirrors",
				      "Secure", 1, "Official", 1));
	json_object_set_new(o, "Labels", texts(i->labels, i->n_labels));
	json_object_set_new(o, "Debug", json_false());
	json_object_set_new(o, "ExperimentalBuild", json_false());
	json_object_set_new(o, "LiveRestoreEnabled", json_true());
	json_object_set_new(o, "InitBinary", text("cleat-oci"));
	json_object_set_new(o, "SystemTime", text(time));
	set_limits(o, i);
	set_constants(o);
	return o;
}
