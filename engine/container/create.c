/* SPDX-License-Identifier: Apache-2.0 */
/* Order: directory, lock, row with the intent, files, intent cleared. The lock is held throughout, so
 * that a reconciliation beside it waits instead of cleaning up under our hands. */
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "endpoint.h"
#include "fd.h"
#include "healthcheck.h"
#include "history.h"
#include "lifecycle.h"
#include "links.h"
#include "namefiles.h"
#include "names.h"
#include "netjoin.h"
#include "nsjoin.h"
#include "quota.h"
#include "remove.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"

/* The delays are those that 0 means to the shim. */
enum {
	NAME_ATTEMPTS = 20,
	RUNTIME_MAX = 1800,
	RESTART_DELAY_MS = 100,
	RESTART_MAX_DELAY_MS = 60000
};

static const struct {
	const char *name;
	Cleat__Shim__V1__RestartPolicy__Kind kind;
} policies[] = {
	{ "", CLEAT__SHIM__V1__RESTART_POLICY__KIND__NO },
	{ "no", CLEAT__SHIM__V1__RESTART_POLICY__KIND__NO },
	{ "always", CLEAT__SHIM__V1__RESTART_POLICY__KIND__ALWAYS },
	{ "unless-stopped", CLEAT__SHIM__V1__RESTART_POLICY__KIND__UNLESS_STOPPED },
	{ "on-failure", CLEAT__SHIM__V1__RESTART_POLICY__KIND__ON_FAILURE },
};

static const struct {
	const char *name;
	Cleat__Shim__V1__Logging__Driver driver;
} drivers[] = {
	{ "local", CLEAT__SHIM__V1__LOGGING__DRIVER__LOCAL },
	{ "json-file", CLEAT__SHIM__V1__LOGGING__DRIVER__JSON_FILE },
	{ "none", CLEAT__SHIM__V1__LOGGING__DRIVER__NONE },
};

static int find_policy(const Cleat__V1__RestartPolicy *policy)
{
	const char *name = policy ? str_or_empty(policy->name) : "";

	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (!strcmp(policies[i].name, name))
			return (int)policies[i].kind;
	return -EINVAL;
}

static int find_driver(const Cleat__V1__LogConfig *log)
{
	const char *name = log && log->driver[0] ? log->driver : "local";

	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (!strcmp(drivers[i].name, name))
			return (int)drivers[i].driver;
	return -EINVAL;
}

static int size_option(const Cleat__V1__ContainerConfig *config, uint64_t *bytes, struct err *err)
{
	*bytes = 0;
	for (size_t i = 0; i < config->n_storage_options; i++) {
		const char *key = config->storage_options[i]->key;

		if (strcmp(key, "size") != 0)
			return err_set(err, ERR_INVALID, "unknown storage option %.60s", key);
		if (str_size_bytes(config->storage_options[i]->value, bytes) < 0)
			return err_set(err, ERR_INVALID, "invalid storage size '%.60s'",
				       config->storage_options[i]->value);
	}
	return 0;
}

/* What Docker's policies do not have. */
static int check_restart(const Cleat__V1__RestartPolicy *policy, struct err *err)
{
	if (!policy)
		return 0;

	const uint32_t first = policy->delay_ms ? policy->delay_ms : RESTART_DELAY_MS;
	const uint32_t most = policy->max_delay_ms ? policy->max_delay_ms : RESTART_MAX_DELAY_MS;

	if ((policy->delay_ms || policy->max_delay_ms) && first > most)
		return err_set(err, ERR_INVALID,
			       "the first delay of a restart, %u ms, is above the longest, %u ms",
			       first, most);
	if (policy->on_unhealthy &&
	    find_policy(policy) == CLEAT__SHIM__V1__RESTART_POLICY__KIND__NO)
		return err_set(err, ERR_INVALID,
			       "a restart when unhealthy needs a restart policy other than no");
	return 0;
}

int create_check_policy(const Cleat__V1__ContainerConfig *config, struct err *err)
{
	if (find_policy(config->restart_policy) < 0)
		return err_set(err, ERR_INVALID, "invalid restart policy '%s'",
			       config->restart_policy->name);
	if (config->auto_remove &&
	    find_policy(config->restart_policy) != CLEAT__SHIM__V1__RESTART_POLICY__KIND__NO)
		return err_set(err, ERR_INVALID,
			       "can't create 'AutoRemove' container with restart policy");
	return 0;
}

void create_policy(const Cleat__V1__ContainerConfig *config, Cleat__Shim__V1__RestartPolicy *out)
{
	const Cleat__V1__RestartPolicy *policy = config->restart_policy;

	cleat__shim__v1__restart_policy__init(out);
	out->kind = (Cleat__Shim__V1__RestartPolicy__Kind)find_policy(policy);
	if (!policy)
		return;
	out->max_retries = policy->maximum_retry_count;
	out->delay_ms = policy->delay_ms;
	out->max_delay_ms = policy->max_delay_ms;
	out->on_unhealthy = policy->on_unhealthy;
}

static int check(const Cleat__V1__CreateContainerRequest *request, struct err *err)
{
	const Cleat__V1__ContainerConfig *config = request->config;
	const char *name = str_or_empty(request->name);

	if (!config)
		return err_set(err, ERR_INVALID, "config is missing");
	if (name[0] && !str_is_name(name[0] == '/' ? name + 1 : name))
		return err_set(err, ERR_INVALID,
			       "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			       "allowed",
			       name);
	if (create_check_policy(config, err) < 0)
		return -EINVAL;
	if (size_option(config, &(uint64_t){ 0 }, err) < 0)
		return -EINVAL;
	if (check_restart(config->restart_policy, err) < 0)
		return -EINVAL;
	if (find_driver(config->log) < 0)
		return err_set(err, ERR_INVALID, "log driver \"%s\" is not known",
			       config->log->driver);
	return 0;
}

/* Who repeats a create because its engine died finds the name taken by what that one had begun. */
static int insert_wanted(struct create *create, struct err *err)
{
	struct store *store = create->engine->store;
	cleanup(record_deinit) struct record other = { 0 };
	struct err taken = ERR_NULL;
	int r = record_insert(store, &create->record, &taken);

	if (r == -EEXIST && record_find(store, create->record.name, &other, NULL) == 0) {
		r = remove_half_made(create->engine, other.id, err);
		if (r < 0)
			return r;
		r = r ? record_insert(store, &create->record, &taken) : -EEXIST;
	}
	if (r < 0 && err)
		*err = taken;
	return r;
}

static int insert_named(struct create *create, const char *wanted, struct err *err)
{
	char name[NAMES_MAX];
	uint64_t random = 0;
	int r = -EEXIST;

	if (wanted[0]) {
		create->record.name = strdup(wanted[0] == '/' ? wanted + 1 : wanted);
		return create->record.name ? insert_wanted(create, err)
					   : err_sys(err, ENOMEM, "create");
	}
	for (unsigned int i = 0; r == -EEXIST && i < NAME_ATTEMPTS; i++) {
		if (getrandom(&random, sizeof(random), 0) < 0)
			return err_sys(err, errno, "getrandom");
		names_make(random, i / 2, name);
		free(create->record.name);
		create->record.name = strdup(name);
		r = create->record.name ? record_insert(create->engine->store, &create->record, err)
					: err_sys(err, ENOMEM, "create");
	}
	return r;
}

/* Both share one limit, as overlayfs moves files from one to the other. */
static int limit_size(const struct create *create, const Cleat__V1__ContainerConfig *config,
		      struct err *err)
{
	uint64_t bytes = 0;
	int r = size_option(config, &bytes, err);

	if (r < 0 || !bytes)
		return r;
	cleanup_fd int upper = openat(create->dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int work = openat(create->dir_fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (upper < 0 || work < 0)
		return err_sys(err, errno, "limit the size of container %.12s", create->record.id);
	return quota_limit((int[]){ upper, work }, 2, bytes, err);
}

static int make_dirs(struct create *create, struct err *err)
{
	static const char *const dirs[] = { "upper", "work", "log" };
	const char *id = create->record.id;
	int r = mkdirat(create->engine->containers_fd, id, 0711) < 0 ? -errno : 0;

	if (r == 0) {
		create->dir_fd = openat(create->engine->containers_fd, id,
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = create->dir_fd < 0 ? -errno : 0;
	}
	if (r == 0) {
		create->lock_fd = fd_lock_file(create->dir_fd, "lock", true);
		r = create->lock_fd < 0 ? create->lock_fd : 0;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		r = mkdirat(create->dir_fd, dirs[i], i == 2 ? 0700 : 0755) < 0 ? -errno : 0;
	return r < 0 ? err_sys(err, r, "make the directories of container %.12s", id) : 0;
}

static int fill_record(struct create *create, const Cleat__V1__CreateContainerRequest *request,
		       const char *image_id, const char *command)
{
	struct record *record = &create->record;

	str_random_id(record->id);
	(void)snprintf(record->intent, sizeof(record->intent), "creating");
	(void)snprintf(record->boot_id, sizeof(record->boot_id), "%s", create->engine->boot_id);
	record->image_ref = strdup(str_or_empty(request->config->image));
	record->image_id = strdup(image_id);
	record->command = strdup(command);
	record->created_ns = fd_realtime_ns();
	record->auto_remove = request->config->auto_remove;
	record->config_len = cleat__v1__create_container_request__get_packed_size(request);
	record->config = malloc(record->config_len + 1);
	if (!record->image_ref || !record->image_id || !record->command || !record->config)
		return -ENOMEM;
	cleat__v1__create_container_request__pack(request, record->config);
	return 0;
}

int create_begin(struct create *create, struct engine *engine,
		 const Cleat__V1__CreateContainerRequest *request, const char *image_id,
		 const char *command, struct err *err)
{
	int r = check(request, err);

	if (r < 0)
		return r;
	create->engine = engine;
	if (fill_record(create, request, image_id, command) < 0)
		return err_sys(err, ENOMEM, "create");
	r = make_dirs(create, err);
	r = r ? r : limit_size(create, request->config, err);
	return r < 0 ? r : insert_named(create, str_or_empty(request->name), err);
}

static const char *log_option(const Cleat__V1__LogConfig *log, const char *key)
{
	for (size_t i = 0; log && i < log->n_options; i++)
		if (!strcmp(log->options[i]->key, key))
			return log->options[i]->value;
	return NULL;
}

/* What Docker's drivers know. Labels, environment and tag are taken and not written. */
static int check_log_options(const Cleat__V1__LogConfig *log, int driver, struct err *err)
{
	static const char common[][16] = { "max-size", "max-file", "compress", "mode",
					   "max-buffer-size" };
	static const char json[][16] = { "labels", "labels-regex", "env", "env-regex", "tag" };

	for (size_t i = 0; log && i < log->n_options; i++) {
		const char *key = log->options[i]->key;
		bool known = false;

		for (size_t j = 0; j < ARRAY_LEN(common); j++)
			known = known || !strcmp(key, common[j]);
		for (size_t j = 0; j < ARRAY_LEN(json); j++)
			known = known || (driver == CLEAT__SHIM__V1__LOGGING__DRIVER__JSON_FILE &&
					  !strcmp(key, json[j]));
		if (!known)
			return err_set(err, ERR_INVALID,
				       "unknown log opt '%.80s' for the log driver", key);
	}
	return 0;
}

static int fill_logging(const struct engine *engine, const Cleat__V1__LogConfig *log,
			Cleat__Shim__V1__Logging *out, struct err *err)
{
	const char *size = log_option(log, "max-size"), *files = log_option(log, "max-file");
	const char *compress = log_option(log, "compress");
	uint64_t n = engine->config.log_max_files;
	int r;

	out->driver = (Cleat__Shim__V1__Logging__Driver)find_driver(log);
	r = check_log_options(log, (int)out->driver, err);
	if (r < 0)
		return r;
	out->max_size_bytes = engine->config.log_max_size;
	if (compress && strcmp(compress, "true") != 0 && strcmp(compress, "false") != 0)
		return err_set(err, ERR_INVALID, "invalid log option compress=%s", compress);
	out->plain = compress && strcmp(compress, "false") == 0;
	if (size && str_size_bytes(size, &out->max_size_bytes) < 0)
		return err_set(err, ERR_INVALID, "invalid log option max-size=%s", size);
	if (files && (str_u64(files, &n) < 0 || n < 1 || n > 10000))
		return err_set(err, ERR_INVALID, "invalid log option max-file=%s", files);
	out->max_files = (uint32_t)n;
	return 0;
}

static int write_spec(const struct create *create, const Cleat__V1__ContainerConfig *config,
		      const struct create_parts *parts, struct err *err)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	Cleat__Shim__V1__RestartPolicy restart;
	Cleat__Shim__V1__Logging logging = CLEAT__SHIM__V1__LOGGING__INIT;
	Cleat__Shim__V1__HealthCheck health = CLEAT__SHIM__V1__HEALTH_CHECK__INIT;
	size_t len;
	int r = fill_logging(create->engine, config->log, &logging, err);

	if (r < 0)
		return r;
	if (str_or_empty(config->runtime)[0] && config->runtime[0] != '/')
		return err_set(
			err, ERR_INVALID,
			"unknown or invalid runtime name: %.80s (the path of one is expected)",
			config->runtime);
	create_policy(config, &restart);
	spec.id = (char *)create->record.id;
	spec.restart = &restart;
	spec.logging = &logging;
	spec.stop_signal = parts->stop_signal;
	spec.tty = config->tty;
	spec.open_stdin = config->open_stdin;
	spec.stdin_once = config->stdin_once;
	spec.runtime = str_or_empty(config->runtime)[0] ? config->runtime
							: create->engine->config.default_runtime;
	spec.cgroup = (char *)(uintptr_t)parts->cgroup;
	spec.uid = parts->uid;
	spec.gid = parts->gid;
	spec.netns = netjoin_is_ours(config->network_mode);
	spec.pid_of = (char *)(uintptr_t)nsjoin_of(config->pid_mode);
	spec.ipc_of = (char *)(uintptr_t)nsjoin_of(config->ipc_mode);
	if (parts->probe_json) {
		healthcheck_spec(config, &health);
		spec.health = &health;
	}
	spec.hold_root =
		config->resources &&
		(config->resources->n_device_read_bps || config->resources->n_device_write_bps ||
		 config->resources->n_device_read_iops || config->resources->n_device_write_iops);
	if (parts->mounted) {
		spec.layers = parts->mounted->v;
		spec.n_layers = parts->mounted->n;
	}
	len = cleat__shim__v1__shim_spec__get_packed_size(&spec);
	if (strlen(spec.runtime) >= RUNTIME_MAX)
		return err_set(err, ERR_INVALID, "runtime: the path is too long");
	cleanup_free uint8_t *bytes = malloc(len + 1);

	if (!bytes)
		return err_sys(err, ENOMEM, "write shim.pb");
	r = fd_create_file(create->dir_fd, "shim.pb", bytes,
			   cleat__shim__v1__shim_spec__pack(&spec, bytes), 0600);
	return r < 0 ? err_sys(err, r, "write shim.pb") : 0;
}

/* The cleared intent and the memory of the call are one change. */
static int make_visible(const struct create *create, const Cleat__V1__ContainerConfig *config,
			const struct create_parts *parts, struct err *err)
{
	struct store *store = create->engine->store;
	int r = store_begin(store, err), ended;

	if (r < 0)
		return r;
	r = requests_remember(store, parts->key, parts->reply, parts->reply_len, err);
	if (r == 0)
		r = endpoints_record(create->engine, create->record.id, config, err);
	if (r == 0)
		r = links_record(create->engine, create->record.id, config, err);
	if (r == 0)
		r = record_set_intent(store, create->record.id, "", err);
	ended = store_end(store, r == 0, err);
	return r < 0 ? r : ended;
}

int create_finish(struct create *create, const Cleat__V1__CreateContainerRequest *request,
		  const struct create_parts *parts, struct err *err)
{
	int r = fd_create_file(create->dir_fd, "config.json", parts->config_json, parts->config_len,
			       0600);

	if (r < 0)
		return err_sys(err, r, "write config.json");
	if (parts->probe_json)
		r = fd_create_file(create->dir_fd, "probe.json", parts->probe_json,
				   strlen(parts->probe_json), 0600);
	if (r < 0)
		return err_sys(err, r, "write probe.json");
	r = write_spec(create, request->config, parts, err);
	if (r == 0)
		r = namefiles_make(create->engine, create->dir_fd, create->record.id,
				   request->config, err);
	if (r == 0)
		r = make_visible(create, request->config, parts, err);
	if (r < 0)
		return r;
	create->done = true;
	history_action(create->engine, &create->record, "create", NULL);
	return 0;
}

void create_deinit(struct create *create)
{
	if (create->dir_fd >= 0 && !create->done)
		(void)!remove_traces(create->engine, create->record.id, NULL);
	closep(&create->lock_fd);
	closep(&create->dir_fd);
	create->dir_fd = create->lock_fd = -1;
	record_deinit(&create->record);
}
