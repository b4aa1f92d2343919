/* SPDX-License-Identifier: Apache-2.0 */
/* Service System. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cleat/v1/system.rpc.h"
#include "confinement.h"
#include "diskusage.h"
#include "events.h"
#include "fd.h"
#include "hostlimits.h"
#include "image.h"
#include "imagepull.h"
#include "metrics.h"
#include "registry/login.h"
#include "str.h"
#include "upgrade.h"
#include "view.h"

static int on_ping(struct rpc_call *call, const Cleat__V1__PingRequest *req,
		   Cleat__V1__PingReply *reply, struct err *err)
{
	const uint8_t *instance = rpc_server_instance(service_engine(call)->server);

	(void)req;
	reply->instance.data = malloc(16);
	if (!reply->instance.data)
		return err_sys(err, ENOMEM, "ping");
	memcpy(reply->instance.data, instance, 16);
	reply->instance.len = 16;
	return 0;
}

static int on_version(struct rpc_call *call, const Cleat__V1__VersionRequest *req,
		      Cleat__V1__VersionReply *reply, struct err *err)
{
	struct utsname host;

	(void)call;
	(void)req;
	if (uname(&host) < 0)
		return err_sys(err, errno, "uname");
	reply->version = strdup(CLEAT_VERSION);
	reply->os = strdup("linux");
	reply->architecture = strdup(strcmp(host.machine, "x86_64") ? host.machine : "amd64");
	reply->kernel = strdup(host.release);
	if (!reply->version || !reply->os || !reply->architecture || !reply->kernel)
		return err_sys(err, ENOMEM, "version");
	return 0;
}

/* PRETTY_NAME of os-release, "Linux" without one. */
static char *host_system(void)
{
	static const char key[] = "PRETTY_NAME=";
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	const char *at = fd_read_file(AT_FDCWD, "/etc/os-release", 64 << 10, &text) < 0
				 ? NULL
				 : strstr(str_or_empty(text.data), key);

	if (!at)
		return strdup("Linux");
	at += strlen(key);
	at += *at == '"';
	return strndup(at, strcspn(at, "\"\n"));
}

static int count_images(struct engine *engine, uint32_t *count, struct err *err)
{
	struct image *images = NULL;
	size_t n = 0;
	int r = image_list(engine, &images, &n, err);

	*count = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		image_deinit(&images[i]);
	free(images);
	return r;
}

/* Where it is off it is switched on for the first bridge: unless what the kernel shows cannot be written. */
static bool can_forward(void)
{
	static const char file[] = "/proc/sys/net/ipv4/ip_forward";
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	return faccessat(AT_FDCWD, file, W_OK, 0) == 0 ||
	       (fd_read_file(AT_FDCWD, file, 64, &text) == 0 && str_or_empty(text.data)[0] == '1');
}

static int fill_limits(Cleat__V1__InfoReply *reply)
{
	Cleat__V1__HostLimits *limits = malloc(sizeof(*limits));
	struct hostlimits host;

	if (!limits)
		return -ENOMEM;
	hostlimits_read(&host);
	cleat__v1__host_limits__init(limits);
	limits->memory = host.memory;
	limits->swap = host.swap;
	limits->oom_control = host.oom_control;
	limits->pids = host.pids;
	limits->cpu_shares = host.cpu_shares;
	limits->cpu_cfs = host.cpu_cfs;
	limits->cpuset = host.cpuset;
	reply->limits = limits;
	return 0;
}

/* As Docker writes them. */
static int fill_security(Cleat__V1__InfoReply *reply)
{
	static const char *const options[] = { "name=seccomp,profile=builtin", "name=cgroupns",
					       "name=apparmor" };
	size_t n = ARRAY_LEN(options) - !confinement_available();

	reply->security_options = calloc(n, sizeof(*reply->security_options));
	for (size_t i = 0; reply->security_options && i < n; i++) {
		reply->security_options[i] = strdup(options[i]);
		if (!reply->security_options[i])
			return -ENOMEM;
		reply->n_security_options++;
	}
	return reply->security_options ? 0 : -ENOMEM;
}

static int fill_host(Cleat__V1__InfoReply *reply, const struct engine *engine)
{
	struct sysinfo memory;
	struct utsname host;

	if (uname(&host) < 0 || sysinfo(&memory) < 0)
		return -errno;
	reply->id = strdup(engine->boot_id);
	reply->name = strdup(host.nodename);
	reply->version = strdup(CLEAT_VERSION);
	reply->kernel = strdup(host.release);
	reply->operating_system = host_system();
	reply->layer_driver = strdup(layers_driver(engine->layers));
	reply->architecture = strdup(host.machine);
	reply->state_dir = strdup(engine->state_dir);
	reply->run_dir = strdup(engine->run_dir);
	reply->runtime = strdup("cleat-oci");
	reply->log_driver =
		strdup(engine->config.log_driver[0] ? engine->config.log_driver : "local");
	reply->cgroup_driver = strdup("cgroupfs");
	reply->cgroup_version =
		faccessat(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", F_OK, 0) == 0 ? 2 : 1;
	reply->cpus = (uint32_t)get_nprocs();
	reply->memory_bytes = (uint64_t)memory.totalram * memory.mem_unit;
	reply->time_ns = fd_realtime_ns();
	reply->pid = getpid();
	reply->started_ns = engine->started_ns;
	return reply->id && reply->name && reply->version && reply->kernel &&
			       reply->operating_system && reply->architecture && reply->state_dir &&
			       reply->run_dir && reply->runtime && reply->layer_driver &&
			       reply->log_driver && reply->cgroup_driver
		       ? 0
		       : -ENOMEM;
}

static int on_info(struct rpc_call *call, const Cleat__V1__InfoRequest *req,
		   Cleat__V1__InfoReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct view_counts counts;
	int r = view_count(engine, &counts, err);

	(void)req;
	r = r ? r : count_images(engine, &reply->images, err);
	if (r < 0)
		return r;
	reply->containers = counts.all;
	reply->running = counts.running;
	reply->paused = counts.paused;
	reply->stopped = counts.all - counts.running - counts.paused;
	reply->ipv4_forwarding = can_forward();
	r = fill_host(reply, engine);
	r = r ? r : fill_limits(reply);
	r = r ? r : fill_security(reply);
	return r < 0 ? err_sys(err, r, "info") : 0;
}

static int on_events(struct rpc_call *call, const Cleat__V1__EventsRequest *req,
		     struct cleat_v1_system_events_stream *out, struct err *err)
{
	return events_serve(service_engine(call), call, req, out, err);
}

static int on_login(struct rpc_call *call, const Cleat__V1__LoginRequest *req,
		    Cleat__V1__LoginReply *reply, struct err *err)
{
	if (!req->auth)
		return err_set(err, ERR_INVALID, "auth is missing");
	const struct auth_credentials auth = imagepull_auth(req->auth);
	char *identity_token = NULL;
	int r = registry_login(service_engine(call), req->auth->server, &auth,
			       rpc_call_cancel_fd(call), &identity_token, err);

	if (identity_token)
		reply->identity_token = identity_token;
	reply->status = r ? NULL : strdup("Login Succeeded");
	return r || reply->status ? r : err_sys(err, ENOMEM, "login");
}

static int on_upgrade(struct rpc_call *call, const Cleat__V1__UpgradeRequest *req,
		      struct cleat_v1_system_upgrade_stream *out, struct err *err)
{
	Cleat__V1__UpgradeReply reply = CLEAT__V1__UPGRADE_REPLY__INIT;
	struct engine *engine = service_engine(call);
	pid_t pid = upgrade_start(engine, req->binary, err);
	int r;

	if (pid < 0)
		return (int)pid;
	reply.status = (char *)"the new engine serves";
	reply.pid = pid;
	r = cleat_v1_system_upgrade_send(out, &reply, err);
	upgrade_leave(engine);
	return r;
}

static int on_shutdown(struct rpc_call *call, const Cleat__V1__ShutdownRequest *req,
		       Cleat__V1__ShutdownReply *reply, struct err *err)
{
	(void)reply;
	if (req->containers)
		return err_set(err, ERR_UNIMPLEMENTED, "shutdown with containers");
	upgrade_leave(service_engine(call));
	return 0;
}

static const struct cleat_v1_system_ops ops = {
	.ping = on_ping,
	.version = on_version,
	.info = on_info,
	.events = on_events,
	.disk_usage = diskusage,
	.metrics = metrics_serve,
	.login = on_login,
	.upgrade = on_upgrade,
	.shutdown = on_shutdown,
};

int service_register_system(struct rpc_server *server)
{
	return cleat_v1_system_register(server, &ops);
}
