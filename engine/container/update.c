/* SPDX-License-Identifier: Apache-2.0 */
/* The record says what the limits are. From it follow config.json (for starts to come), shim.pb (for shims to come), the
 * limits in the kernel and the policy in the shim. While these may differ from the record there is a file `update` in the
 * container's directory, with the configuration that was wanted: settle() makes all of them as the record says again,
 * which undoes an update before the record was written and completes it afterwards. The kernel's limits come first, as
 * they are what can fail. All are on disk before they replace what has been there for long: a power cut must not leave
 * an empty file in the place of a good one. */
#include "update.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "create.h"
#include "fault.h"
#include "fd.h"
#include "history.h"
#include "hostlimits.h"
#include "lifecycle.h"
#include "log.h"
#include "request.h"
#include "shimlink.h"
#include "spec.h"
#include "status.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"
#include "updatemerge.h"

#define MARK "update"

enum { FILE_MAX_BYTES = 4 << 20, STARTING_TRIES = 3000, STARTING_PAUSE_NS = 10000000 };

struct change {
	struct engine *engine;
	const struct record *record;
	int dir_fd;
	create_request *before, *after;
};

static void change_deinit(struct change *change)
{
	request_freep(&change->before);
	request_freep(&change->after);
	closep(&change->dir_fd);
}

static int open_dir(const struct change *change, struct err *err)
{
	int fd = openat(change->engine->containers_fd, change->record->id,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open container %.12s", change->record->id) : fd;
}

/* ---- what follows from the record */

static int write_config(const struct change *change, const create_request *to, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_free char *json = NULL;
	int r = fd_read_file(change->dir_fd, "config.json", FILE_MAX_BYTES, &text);

	if (r < 0)
		return err_sys(err, r, "read config.json");
	r = spec_relimit(text.data, text.len, to->config->resources, &json, err);
	if (r < 0)
		return r;
	r = fd_replace_file(change->dir_fd, "config.json", json, strlen(json), 0600, true);
	return r < 0 ? err_sys(err, r, "write config.json") : 0;
}

static int ask(const struct change *change, Cleat__Shim__V1__ShimRequest *request,
	       int64_t timeout_ms, struct err *err)
{
	return shims_call(change->engine->shims, change->record->id, request, NULL, 0, timeout_ms,
			  NULL, err);
}

/* A container that the shim is starting just now may have read its configuration before it was changed: the shim answers when
 * it runs. Those of earlier releases want to be asked until then. */
static int ask_limits(const struct change *change, const char *json, struct err *err)
{
	static const struct timespec pause = { 0, STARTING_PAUSE_NS };
	Cleat__Shim__V1__UpdateLimitsRequest body = CLEAT__SHIM__V1__UPDATE_LIMITS_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	struct err own = ERR_NULL;
	int r = -EAGAIN;

	body.resources_json.data = (uint8_t *)(uintptr_t)json;
	body.resources_json.len = strlen(json);
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_UPDATE_LIMITS;
	request.update_limits = &body;
	for (int i = 0; i < STARTING_TRIES; i++) {
		own = ERR_NULL;
		r = ask(change, &request, SHIM_START_MS, &own);
		if (r == 0 || strcmp(own.reason, "STARTING") != 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (r == 0 || strcmp(own.reason, "NOT_RUNNING") == 0)
		return 0;
	if (err)
		*err = own;
	return r;
}

static int apply_limits(const struct change *change, const create_request *from,
			const create_request *to, struct err *err)
{
	cleanup_free char *json = NULL;
	struct status status;
	int r;

	status_read(change->engine, change->record, &status);
	if (!status_active(&status))
		return 0;
	r = spec_limits(from->config->resources, to->config->resources, &json, err);
	if (r < 0 || strcmp(json, "{}") == 0)
		return r;
	r = lifecycle_ensure_shim(change->engine, change->record, err);
	return r ? r : ask_limits(change, json, err);
}

static int write_policy(const struct change *change, const create_request *to, struct err *err)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__ShimSpec *spec;
	Cleat__Shim__V1__RestartPolicy policy;
	int r = fd_read_file(change->dir_fd, "shim.pb", FILE_MAX_BYTES, &bytes);

	if (r < 0)
		return err_sys(err, r, "read shim.pb");
	spec = cleat__shim__v1__shim_spec__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (!spec || !spec->restart) {
		if (spec)
			cleat__shim__v1__shim_spec__free_unpacked(spec, NULL);
		return err_set(err, ERR_INTERNAL, "the container's shim.pb cannot be read");
	}
	create_policy(to->config, &policy);
	spec->restart->kind = policy.kind;
	spec->restart->max_retries = policy.max_retries;
	spec->restart->delay_ms = policy.delay_ms;
	spec->restart->max_delay_ms = policy.max_delay_ms;
	spec->restart->on_unhealthy = policy.on_unhealthy;
	bytes.len = 0;
	r = buf_reserve(&bytes, cleat__shim__v1__shim_spec__get_packed_size(spec));
	if (r == 0) {
		size_t n = cleat__shim__v1__shim_spec__pack(spec, (uint8_t *)bytes.data);

		r = fd_replace_file(change->dir_fd, "shim.pb", bytes.data, n, 0600, true);
	}
	cleat__shim__v1__shim_spec__free_unpacked(spec, NULL);
	return r < 0 ? err_sys(err, r, "write shim.pb") : 0;
}

/* A shim that is not there reads shim.pb when it comes. */
static int tell_policy(const struct change *change, const create_request *to, struct err *err)
{
	Cleat__Shim__V1__UpdatePolicyRequest body = CLEAT__SHIM__V1__UPDATE_POLICY_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__RestartPolicy policy;
	struct err own = ERR_NULL;
	int r;

	create_policy(to->config, &policy);
	body.restart = &policy;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_UPDATE_POLICY;
	request.update_policy = &body;
	r = ask(change, &request, SHIM_CALL_MS, &own);
	if (r == -ENOTCONN)
		return 0;
	if (r < 0 && err)
		*err = own;
	return r;
}

static int follow(const struct change *change, const create_request *from, const create_request *to,
		  struct err *err)
{
	int r = write_config(change, to, err);

	if (r == 0)
		fault_point(FAULT_UPDATE_CONFIG_WRITTEN);
	r = r ? r : apply_limits(change, from, to, err);
	if (r == 0)
		fault_point(FAULT_UPDATE_LIMITS_WRITTEN);
	r = r ? r : write_policy(change, to, err);
	return r ? r : tell_policy(change, to, err);
}

/* ---- the mark */

static int mark(const struct change *change, const void *packed, size_t n, struct err *err)
{
	int r = fd_replace_file(change->dir_fd, MARK, packed, n, 0600, true);

	return r < 0 ? err_sys(err, r, "write the file " MARK) : 0;
}

static void unmark(const struct change *change)
{
	(void)unlinkat(change->dir_fd, MARK, 0);
}

/* Everything as the record says, whatever was done of `wanted`. */
static void settle(const struct change *change, const create_request *wanted,
		   const create_request *recorded)
{
	struct err err = ERR_NULL;

	if (follow(change, wanted, recorded, &err) < 0)
		log_error("cannot settle an update id=%.12s: %s", change->record->id, err.message);
	else
		unmark(change);
}

void update_recover(struct engine *engine, const struct record *record)
{
	cleanup(change_deinit) struct change change = { .engine = engine,
							.record = record,
							.dir_fd = -1 };
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;

	change.dir_fd = open_dir(&change, NULL);
	if (change.dir_fd < 0 || fd_read_file(change.dir_fd, MARK, FILE_MAX_BYTES, &bytes) < 0)
		return;
	change.after = cleat__v1__create_container_request__unpack(NULL, bytes.len,
								   (const uint8_t *)bytes.data);
	change.before = request_of(record, NULL);
	if (change.before && change.after && change.after->config)
		settle(&change, change.after, change.before);
}

/* ---- the update */

static int record_change(const struct change *change, const char *key, const void *packed, size_t n,
			 struct err *err)
{
	struct store *store = change->engine->store;
	int r = store_begin(store, err), ended;

	if (r < 0)
		return r;
	r = record_set_config(store, change->record->id, packed, n, err);
	if (r == 0)
		r = requests_remember(store, key, NULL, 0, err);
	ended = store_end(store, r == 0, err);
	return r < 0 ? r : ended;
}

static int carry_out(const struct change *change, const char *key, struct err *err)
{
	size_t n = cleat__v1__create_container_request__get_packed_size(change->after);
	cleanup_free uint8_t *packed = malloc(n + 1);
	int r;

	if (!packed)
		return err_sys(err, ENOMEM, "update");
	cleat__v1__create_container_request__pack(change->after, packed);
	r = mark(change, packed, n, err);
	if (r < 0)
		return r;
	r = follow(change, change->before, change->after, err);
	r = r ? r : record_change(change, key, packed, n, err);
	if (r < 0) {
		settle(change, change->after, change->before);
		return r;
	}
	fault_point(FAULT_UPDATE_RECORDED);
	unmark(change);
	return 0;
}

static int prepare(struct change *change, const Cleat__V1__UpdateContainerRequest *request,
		   struct err *err)
{
	int r;

	change->dir_fd = open_dir(change, err);
	if (change->dir_fd < 0)
		return change->dir_fd;
	change->before = request_of(change->record, err);
	change->after = request_of(change->record, err);
	if (!change->before || !change->after)
		return -EIO;
	r = updatemerge(change->after->config, request, err);
	r = r ? r : create_check_policy(change->after->config, err);
	return r ? r : spec_check_resources(change->after->config->resources, err);
}

static int update_locked(struct engine *engine, const char *id, const char *key,
			 const Cleat__V1__UpdateContainerRequest *request, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(change_deinit) struct change change = { .engine = engine,
							.record = &record,
							.dir_fd = -1 };
	int r = record_find(engine->store, id, &record, err);

	if (r < 0)
		return r;
	if (record.intent[0])
		return err_reason(err, ERR_PRECONDITION, "REMOVING",
				  "container is marked for removal and cannot be \"update\"");
	r = requests_recall(engine->store, key, NULL, err);
	if (r)
		return r < 0 ? r : 0;
	update_recover(engine, &record);
	r = prepare(&change, request, err);
	r = r ? r : carry_out(&change, key, err);
	if (r == 0)
		history_action(engine, &record, "update", NULL);
	return r;
}

int update_container(struct engine *engine, Cleat__V1__UpdateContainerRequest *request,
		     const char *key, Cleat__V1__UpdateContainerReply *reply, struct err *err)
{
	cleanup(record_deinit) struct record found = { 0 };
	cleanup_fd int lock = -1;
	int r = record_find(engine->store, request->container, &found, err);

	if (r == 0)
		r = hostlimits_check(request->resources,
				     (struct warnings){ &reply->warnings, &reply->n_warnings },
				     err);
	if (r < 0)
		return r;
	lock = lifecycle_lock(engine, found.id, err);
	if (lock < 0)
		return lock;
	return update_locked(engine, found.id, key, request, err);
}
