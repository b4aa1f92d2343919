/* SPDX-License-Identifier: Apache-2.0 */
#include "joinfiles.h"

#include <errno.h>
#include <string.h>

#include "buf.h"
#include "fault.h"
#include "links.h"
#include "log.h"
#include "namefiles.h"
#include "netnames.h"
#include "ports.h"
#include "request.h"
#include "resolverfile.h"
#include "shimlink.h"
#include "store/store.h"

static void publish(struct engine *engine, const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (netnames_has(&endpoints->v[i].network))
			netnames_publish(engine, endpoints->v[i].network.id);
}

int joinfiles_start(struct engine *engine, const struct record *record,
		    const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		    struct err *err)
{
	bool names = netnames_has_any(endpoints);
	int r = namefiles_write_hosts(engine, record, config, endpoints, err);

	fault_point(FAULT_NAMES_HOSTS_WRITTEN);
	r = r ? r : namefiles_write_resolv(engine, record, config, names, err);
	fault_point(FAULT_NAMES_RESOLV_WRITTEN);
	if (r == 0 && names)
		r = resolverfile_write(engine, record->id, config, endpoints, err);
	else if (r == 0)
		resolverfile_remove(engine, record->id);
	if (r == 0)
		publish(engine, endpoints);
	return r;
}

static int load(struct engine *engine, const char *id, struct endpoints **out, struct err *err)
{
	int r = endpoints_load(engine, id, out, err);

	return r ? r : endpoints_read(engine, id, *out, err);
}

/* Its shim begins to answer, unless it does already. One that is gone has a successor, which looks by itself; one of
 * an earlier release cannot: -ENOSYS. */
static int tell_shim(struct engine *engine, const char *id)
{
	Cleat__Shim__V1__NamesRequest body = CLEAT__SHIM__V1__NAMES_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	struct err err = ERR_NULL;

	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_NAMES;
	request.names = &body;
	request.request_key = (char *)"";
	if (shims_call(engine->shims, id, &request, NULL, 0, SHIM_CALL_MS, NULL, &err) == 0 ||
	    err.code != ERR_UNIMPLEMENTED)
		return 0;
	log_warn("no names for a container whose supervisor is of an earlier release id=%.12s", id);
	return -ENOSYS;
}

static int change(struct engine *engine, const struct record *record,
		  const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		  struct err *err)
{
	int r = namefiles_change_hosts(engine, record, config, endpoints, err);

	fault_point(FAULT_NAMES_HOSTS_WRITTEN);
	if (r == 0 && !netnames_has_any(endpoints) && !resolverfile_exists(engine, record->id)) {
		if (ports_wanted(config))
			(void)tell_shim(engine, record->id);
		return 0;
	}
	if (r < 0)
		return r;
	r = resolverfile_write(engine, record->id, config, endpoints, err);
	if (r < 0 || tell_shim(engine, record->id) < 0)
		return r;
	fault_point(FAULT_NAMES_SHIM_TOLD);
	r = namefiles_change_resolv(engine, record, config, err);
	fault_point(FAULT_NAMES_RESOLV_WRITTEN);
	return r;
}

int joinfiles_change(struct engine *engine, const struct record *record,
		     const Cleat__V1__ContainerConfig *config, struct err *err)
{
	cleanup(endpoints_freep) struct endpoints *endpoints = NULL;
	int r = load(engine, record->id, &endpoints, err);

	return r ? r : change(engine, record, config, endpoints, err);
}

void joinfiles_mend(struct engine *engine, const struct record *record)
{
	cleanup(request_freep) create_request *request = request_of(record, NULL);
	cleanup(endpoints_freep) struct endpoints *endpoints = NULL;
	struct err err = ERR_NULL;

	if (!request || !network_mode_is_own(request->config->network_mode) ||
	    load(engine, record->id, &endpoints, NULL) < 0 || !netnames_has_any(endpoints) ||
	    resolverfile_is_current(engine, record->id, request->config, endpoints))
		return;
	if (change(engine, record, request->config, endpoints, &err) < 0)
		log_error("names are not up to date id=%.12s: %s", record->id, err.message);
}

void joinfiles_write_hosts(struct engine *engine, const char *id)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(request_freep) create_request *request = NULL;
	cleanup(endpoints_freep) struct endpoints *endpoints = NULL;
	struct err err = ERR_NULL;

	/* it may be gone by now */
	if (record_find(engine->store, id, &record, NULL) < 0)
		return;
	request = request_of(&record, NULL);
	if (request && load(engine, record.id, &endpoints, NULL) == 0 &&
	    namefiles_change_hosts(engine, &record, request->config, endpoints, &err) < 0)
		log_error("hosts is not up to date id=%.12s: %s", record.id, err.message);
}

void joinfiles_follow(struct engine *engine, const char *id)
{
	cleanup(buf_deinit) struct buf ids = BUF_NULL;

	if (links_followers(engine, id, &ids) < 0 || ids.error)
		return;
	for (size_t at = 0; at < ids.len; at += strlen(ids.data + at) + 1)
		joinfiles_write_hosts(engine, ids.data + at);
}

void joinfiles_recover(struct engine *engine)
{
	cleanup(buf_deinit) struct buf ids = BUF_NULL;

	if (links_targets(engine, &ids) < 0 || ids.error)
		return;
	for (size_t at = 0; at < ids.len; at += strlen(ids.data + at) + 1)
		joinfiles_follow(engine, ids.data + at);
}
