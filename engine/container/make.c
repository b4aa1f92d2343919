/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be wrong with a request is found before create_begin() makes the first file. */
#include "make.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "blockrates.h"
#include "buf.h"
#include "cgrouppath.h"
#include "confinement.h"
#include "create.h"
#include "defaults.h"
#include "devices.h"
#include "endpoint.h"
#include "fault.h"
#include "fd.h"
#include "healthcheck.h"
#include "hostlimits.h"
#include "idranges.h"
#include "image.h"
#include "lifecycle.h"
#include "links.h"
#include "mountplan.h"
#include "mountsource.h"
#include "netjoin.h"
#include "network.h"
#include "nsjoin.h"
#include "ports.h"
#include "request.h"
#include "rootlayers.h"
#include "spec.h"
#include "store/requests.h"
#include "str.h"
#include "textfield.h"
#include "user.h"
#include "userns.h"

enum { HOPS_MAX = 64 };

/* What the parts of a container are made from; all owned. */
struct making {
	struct image image;
	struct rootlayers layers;
	struct passwd_user user;
	struct mountplan mounts;
	struct devices devices;
	struct blockrates rates;
	char *command; /* as lists show it */
	char *cgroup;  /* path below each hierarchy */
	char *json;    /* config.json */
	char *probe;   /* the health check's process object; NULL = none */
	int stop_signal;
	struct idrange ids; /* n 0 = the host's */
};

static void making_deinit(struct making *m)
{
	image_deinit(&m->image);
	rootlayers_deinit(&m->layers);
	mountplan_deinit(&m->mounts);
	devices_deinit(&m->devices);
	blockrates_deinit(&m->rates);
	free(m->command);
	free(m->cgroup);
	free(m->json);
	free(m->probe);
}

static int find_image(struct engine *engine, const Cleat__V1__CreateContainerRequest *request,
		      struct making *m, struct err *err)
{
	int r = image_find(engine, request->config->image, &m->image, err);

	if (r == 0)
		r = image_check_platform(&m->image, request->platform, err);
	return r ? r : rootlayers_open(&m->layers, engine, &m->image, err);
}

/* As lists show a command: words with spaces are quoted. */
static int join_command(const Cleat__V1__ContainerConfig *config, struct making *m, struct err *err)
{
	static const Cleat__V1__ImageConfig none = CLEAT__V1__IMAGE_CONFIG__INIT;
	cleanup_free const char **arguments = NULL;
	struct buf text = BUF_NULL;
	int r = spec_arguments(config, &none, &arguments, err);

	for (size_t i = 0; r == 0 && arguments[i]; i++) {
		const char *quote = i && strchr(arguments[i], ' ') ? "'" : "";

		buf_printf(&text, "%s%s%s%s", i ? " " : "", quote, arguments[i], quote);
	}
	m->command = buf_steal(&text);
	return r == 0 && !m->command ? err_sys(err, ENOMEM, "create") : r;
}

static int find_user(const Cleat__V1__ContainerConfig *config, struct making *m, struct err *err)
{
	int r = user_of_layers(m->layers.fds, m->layers.n, config->user, config->groups,
			       config->n_groups, &m->user, err);

	return r ? r : userns_check_user(&m->user, m->ids.n, err);
}

/* Where the files are that make its names: with the container whose network it is in. Records of earlier releases name
 * that one by a name, which may be another's by now: so there may be rings of them. */
static char *names_dir(struct engine *engine, const char *id,
		       const Cleat__V1__ContainerConfig *config, int hops)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(request_freep) create_request *other = NULL;
	const char *mode = config->network_mode;

	if (!str_has_prefix(mode, "container:"))
		return str_printf("%s/containers/%s", engine->state_dir, id);
	if (hops < HOPS_MAX &&
	    record_find(engine->store, mode + strlen("container:"), &record, NULL) == 0)
		other = request_of(&record, NULL);
	return other ? names_dir(engine, record.id, other->config, hops + 1) : NULL;
}

static void find_kernel(unsigned version[2])
{
	struct utsname name;

	if (uname(&name) == 0)
		(void)!sscanf(name.release, "%u.%u", &version[0], &version[1]);
}

static int build_json(struct engine *engine, const struct create *create,
		      const Cleat__V1__ContainerConfig *config, struct making *m, struct err *err)
{
	static const Cleat__V1__ImageConfig none = CLEAT__V1__IMAGE_CONFIG__INIT;
	const char *id = create->record.id;
	cleanup_free char *dir = str_printf("%s/containers/%s", engine->state_dir, id);
	cleanup_free char *root = str_path(engine->state_dir, "rootfs");
	cleanup_free char *names = names_dir(engine, id, config, 0);
	cleanup_free char *cgroup = str_printf("/%s", m->cgroup);
	cleanup(mountsource_deinit) struct mountsource mounts = { 0 };
	unsigned kernel[2] = { 0 };
	int r = mountsource_find(&mounts, engine, &m->mounts, &m->layers, err);
	int next_fd = SPEC_LAYER_FD + (int)m->layers.mounted.n;
	int netns_fd = netjoin_is_ours(config->network_mode) ? next_fd++ : 0;
	int pid_fd = nsjoin_of(config->pid_mode)[0] ? next_fd++ : 0;
	int ipc_fd = nsjoin_of(config->ipc_mode)[0] ? next_fd++ : 0;

	find_kernel(kernel);

	const struct spec_input in = {
		.id = id,
		.config = config,
		.image = &none,
		.user = { m->user.uid, m->user.gid, m->user.groups, m->user.n_groups,
			  m->user.home },
		.mounts = mounts.v,
		.n_mounts = mounts.n,
		.devices = m->devices.v,
		.n_devices = m->devices.n,
		.rates = m->rates.v,
		.n_rates = m->rates.n,
		.dir = dir,
		.root = root,
		.names_dir = names,
		.lower = (const char *const *)m->layers.lower.v,
		.n_lower = m->layers.lower.n,
		.cgroup_path = cgroup,
		.ids = m->ids,
		.kernel = { kernel[0], kernel[1] },
		.netns_fd = netns_fd,
		.pid_fd = pid_fd,
		.ipc_fd = ipc_fd,
	};

	if (r < 0)
		return r;
	r = dir && root && names && cgroup ? spec_build(&in, &m->json, err)
					   : err_sys(err, ENOMEM, "create");
	return r ? r : healthcheck_process(id, config, &in.user, &m->probe, err);
}

static int pack_reply(const struct create *create, Cleat__V1__CreateContainerReply *reply,
		      struct buf *out)
{
	size_t len;

	reply->id = strdup(create->record.id);
	if (!reply->id)
		return -ENOMEM;
	len = cleat__v1__create_container_reply__get_packed_size(reply);
	if (buf_reserve(out, len) < 0)
		return -ENOMEM;
	out->len = cleat__v1__create_container_reply__pack(reply, (uint8_t *)out->data);
	return 0;
}

/* 1 with the reply of an earlier try of the same call, whose container is there. One that is being made
 * (by an engine that is about to leave) is waited for. */
static int made_before(struct engine *engine, const char *key,
		       Cleat__V1__CreateContainerReply *reply, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__V1__CreateContainerReply *known;
	int r = requests_recall(engine->store, key, &bytes, err);

	if (r <= 0)
		return r;
	known = cleat__v1__create_container_reply__unpack(NULL, bytes.len,
							  (const uint8_t *)bytes.data);
	if (!known)
		return 0;
	closep(&(int){ lifecycle_lock(engine, known->id, NULL) });
	if (record_find(engine->store, known->id, &record, NULL) == 0 && !record.intent[0]) {
		const Cleat__V1__CreateContainerReply empty = *reply;

		*reply = *known;
		*known = empty;
		r = 1;
	} else {
		r = 0;
	}
	cleat__v1__create_container_reply__free_unpacked(known, NULL);
	return r;
}

static int create(struct engine *engine, Cleat__V1__CreateContainerRequest *request,
		  const char *key, struct making *m, Cleat__V1__CreateContainerReply *reply,
		  struct err *err)
{
	cleanup(create_deinit) struct create create = CREATE_NULL;
	cleanup(buf_deinit) struct buf packed = BUF_NULL;
	int r = create_begin(&create, engine, request, m->image.id, m->command, err);

	/* from here on the record keeps the image; it may have gone just before */
	if (r == 0)
		r = image_exists(engine, m->image.id, err);
	if (r == 0)
		r = mountplan_claim(&m->mounts, engine, &create.record, &m->layers, err);
	if (r == 0)
		r = cgrouppath_make(engine, create.record.id, request->config->cgroup_parent,
				    &m->cgroup, err);
	if (r == 0 && m->ids.n)
		r = idranges_take(engine, create.record.id, m->ids.n, &m->ids, err);
	if (m->ids.n)
		fault_point(FAULT_USERNS_IDS_TAKEN);
	if (r == 0)
		r = build_json(engine, &create, request->config, m, err);
	if (r == 0 && pack_reply(&create, reply, &packed) < 0)
		r = err_sys(err, ENOMEM, "create");
	if (r == 0) {
		const struct create_parts parts = {
			.config_json = m->json,
			.config_len = strlen(m->json),
			.probe_json = m->probe,
			.mounted = &m->layers.mounted,
			.stop_signal = m->stop_signal,
			.cgroup = m->cgroup,
			.uid = m->ids.first + m->user.uid,
			.gid = m->ids.first + m->user.gid,
			.key = key,
			.reply = packed.data,
			.reply_len = packed.len,
		};

		r = create_finish(&create, request, &parts, err);
	}
	return r;
}

/* What the record says from here on: "" and "default" mean what they mean today. */
static int settle_mode(const struct engine *engine, Cleat__V1__ContainerConfig *config)
{
	return textfield_set(&config->network_mode,
			     strdup(network_mode(engine, config->network_mode)));
}

/* What the other container has is not its own to choose. */
static int check_joining(const Cleat__V1__ContainerConfig *config, struct err *err)
{
	const struct {
		const char *what;
		bool asked;
	} conflicts[] = {
		{ "port publishing and the container type network mode", ports_wanted(config) },
		{ "hostname and the network mode", config->hostname[0] != '\0' },
		{ "dns and the network mode", config->n_dns > 0 },
		{ "custom host-to-IP mapping and the network mode", config->n_extra_hosts > 0 },
		{ "mac-address and the network mode", config->mac_address[0] != '\0' },
	};

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++)
		if (conflicts[i].asked)
			return err_set(err, ERR_INVALID, "conflicting options: %s",
				       conflicts[i].what);
	return 0;
}

/* The record has the other one's id, who may get another name, and his host name. */
static int check_joined(struct engine *engine, Cleat__V1__ContainerConfig *config, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(request_freep) create_request *other = NULL;
	int r;

	if (!str_has_prefix(config->network_mode, "container:"))
		return 0;
	r = check_joining(config, err);
	r = r ? r : nsjoin_settle_mode(engine, &config->network_mode, "network mode", &record, err);
	if (r < 0)
		return r;
	other = request_of(&record, err);
	if (!other)
		return -EIO;
	if (textfield_set(&config->hostname, other->config->hostname[0]
						     ? strdup(other->config->hostname)
						     : str_printf("%.12s", record.id)) < 0)
		return err_sys(err, ENOMEM, "create");
	return 0;
}

static int check_servers(const Cleat__V1__ContainerConfig *config, struct err *err)
{
	struct addr addr;

	for (size_t i = 0; i < config->n_dns; i++)
		if (addr_parse(config->dns[i], &addr) < 0)
			return err_set(err, ERR_INVALID, "%.80s is not an ip address (dns)",
				       config->dns[i]);
	return 0;
}

/* Also where there is no network whose endpoint it is checked with. */
static int check_mac(const Cleat__V1__ContainerConfig *config, struct err *err)
{
	uint8_t mac[6];

	if (!config->mac_address[0])
		return 0;
	if (strcmp(config->network_mode, "host") == 0)
		return err_set(err, ERR_INVALID,
			       "conflicting options: mac-address and the network mode");
	if (mac_parse(config->mac_address, mac) < 0)
		return err_set(err, ERR_INVALID, "invalid MAC address: %.60s", config->mac_address);
	return 0;
}

/* In the host's network a container has the host's name unless it is given one. */
static int settle_hostname(Cleat__V1__ContainerConfig *config)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (strcmp(config->network_mode, "host") != 0 || config->hostname[0] ||
	    strcmp(config->uts_mode, "host") == 0 || gethostname(name, sizeof(name) - 1) < 0)
		return 0;
	return textfield_set(&config->hostname, strdup(name));
}

static int check_networks(struct engine *engine, Cleat__V1__ContainerConfig *config,
			  struct err *err)
{
	int r = settle_mode(engine, config);

	r = r ? r : settle_hostname(config);
	r = r < 0 ? err_sys(err, r, "create") : 0;

	r = r ? r : links_check(engine, config, err);
	r = r ? r : check_servers(config, err);
	r = r ? r : check_joined(engine, config, err);
	r = r ? r : check_mac(config, err);
	r = r ? r : ports_check(&engine->config, config, err);
	return r ? r : endpoints_check(engine, config, err);
}

static int prepare(struct engine *engine, Cleat__V1__CreateContainerRequest *request,
		   struct making *m, Cleat__V1__CreateContainerReply *reply, struct err *err)
{
	Cleat__V1__ContainerConfig *config = request->config;
	const struct warnings warnings = { &reply->warnings, &reply->n_warnings };
	int r = confinement_settle(config, err);
	if (r == 0)
		r = healthcheck_check(config->health_check, err);
	if (r == 0)
		r = hostlimits_check(config->resources, warnings, err);
	if (r == 0)
		r = check_networks(engine, config, err);
	if (r == 0)
		r = nsjoin_settle(engine, config, err);
	if (r == 0)
		r = userns_check(config, engine->config.default_runtime, &m->ids.n, err);
	if (r == 0)
		r = find_image(engine, request, m, err);
	if (r == 0)
		r = defaults_apply(config, &m->image.config, err);
	if (r == 0)
		r = healthcheck_apply(config, &m->image.config.health, err);
	if (r == 0 && defaults_log_driver(config, engine->config.log_driver) < 0)
		r = err_sys(err, ENOMEM, "create");
	if (r == 0)
		r = join_command(config, m, err);
	if (r == 0)
		r = find_user(config, m, err);
	if (r == 0 && config->stop_signal[0])
		r = lifecycle_signal(config->stop_signal, &m->stop_signal, err);
	if (r == 0)
		r = devices_find(&m->devices, config, err);
	if (r == 0)
		r = blockrates_find(&m->rates, config->resources, warnings, err);
	return r < 0 ? r : mountplan_make(&m->mounts, engine, config, err);
}

int make_container(struct engine *engine, Cleat__V1__CreateContainerRequest *request,
		   const char *key, Cleat__V1__CreateContainerReply *reply, struct err *err)
{
	cleanup(making_deinit) struct making m = { 0 };
	int r = made_before(engine, key, reply, err);

	if (r)
		return r < 0 ? r : 0;
	r = request->config ? prepare(engine, request, &m, reply, err)
			    : err_set(err, ERR_INVALID, "config is missing");
	if (r == 0)
		r = create(engine, request, key, &m, reply, err);
	return r;
}
