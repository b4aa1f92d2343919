/* SPDX-License-Identifier: Apache-2.0 */
/* Service Volumes. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/volumes.rpc.h"
#include "container/history.h"
#include "service.h"
#include "str.h"
#include "volume/volume.h"
#include "volume/volumefilter.h"
#include "volumeview.h"

static int on_create(struct rpc_call *call, const Cleat__V1__CreateVolumeRequest *req,
		     Cleat__V1__VolumeDetails *reply, struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	struct engine *engine = service_engine(call);
	bool made = false;
	int r = volume_create(engine, req, &volume, &made, err);

	if (r < 0)
		return r;
	if (made)
		history_volume(engine, volume.name, "create");
	return volumeview_details(engine, &volume, reply, err);
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListVolumesRequest *req,
		   Cleat__V1__ListVolumesReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct volume *volumes = NULL;
	size_t n = 0;
	int r = volumefilter_check(req->filters, req->n_filters, VOLUMEFILTER_LIST, err);

	r = r ? r : volume_list(engine, &volumes, &n, err);
	reply->volumes = calloc(n + 1, sizeof(Cleat__V1__VolumeDetails *));
	if (r == 0 && !reply->volumes)
		r = err_sys(err, ENOMEM, "list volumes");
	for (size_t i = 0; r == 0 && i < n; i++)
		if (volumefilter_match(req->filters, req->n_filters, &volumes[i]))
			r = volumeview_add(engine, &volumes[i], &reply->volumes, &reply->n_volumes,
					   err);
	volume_list_free(volumes, n);
	return r;
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectVolumeRequest *req,
		      Cleat__V1__VolumeDetails *reply, struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	int r = volume_find(service_engine(call), req->volume, &volume, err);

	return r ? r : volumeview_details(service_engine(call), &volume, reply, err);
}

static int on_remove(struct rpc_call *call, const Cleat__V1__RemoveVolumeRequest *req,
		     Cleat__V1__RemoveVolumeReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	const struct call_key key = service_key(call);
	cleanup(buf_deinit) struct buf known = BUF_NULL;
	int r = volume_remove(engine, req->volume, err);

	(void)reply;
	if (r == 0) {
		(void)!requests_remember(engine->store, key.text, NULL, 0, NULL);
		history_volume(engine, req->volume, "destroy");
	}
	/* gone by an earlier try of this call, or as it should be */
	if (r == -ENOENT &&
	    (req->force || requests_recall(engine->store, key.text, &known, NULL) > 0)) {
		*err = ERR_NULL;
		r = 0;
	}
	return r;
}

static int on_prune(struct rpc_call *call, const Cleat__V1__PruneVolumesRequest *req,
		    Cleat__V1__PruneVolumesReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	const struct volume_prune prune = { req->filters, req->n_filters,
					    req->all || volumefilter_all(req->filters,
									 req->n_filters) };
	struct volume_names names = { 0 };
	int r = volumefilter_check(req->filters, req->n_filters, VOLUMEFILTER_PRUNE, err);

	r = r ? r : volume_prune(engine, &prune, &names, &reply->reclaimed_bytes, err);
	for (size_t i = 0; i < names.n; i++)
		history_volume(engine, names.v[i], "destroy");
	if (r == 0)
		history_pruned(engine, "volume", reply->reclaimed_bytes);
	reply->names = names.v;
	reply->n_names = names.n;
	return r;
}

static const struct cleat_v1_volumes_ops ops = {
	.create = on_create,
	.list = on_list,
	.inspect = on_inspect,
	.remove = on_remove,
	.prune = on_prune,
};

int service_register_volumes(struct rpc_server *server)
{
	return cleat_v1_volumes_register(server, &ops);
}
