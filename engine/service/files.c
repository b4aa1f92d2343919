/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of Containers that are about files. */
#include "files.h"

#include <errno.h>
#include <string.h>

#include "container/history.h"
#include "service.h"
#include "service_files.h"
#include "str.h"

int service_diff(struct rpc_call *call, const Cleat__V1__DiffRequest *req,
		 Cleat__V1__DiffReply *reply, struct err *err)
{
	return files_diff(service_engine(call), req->container, reply, err);
}

int service_commit(struct rpc_call *call, const Cleat__V1__CommitRequest *req,
		   Cleat__V1__CommitReply *reply, struct err *err)
{
	char id[72];
	int r = files_commit(service_engine(call), req, id, err);

	if (r < 0)
		return r;
	reply->image_id = strdup(id);
	return reply->image_id ? 0 : err_sys(err, ENOMEM, "commit");
}

int service_stat_path(struct rpc_call *call, const Cleat__V1__StatPathRequest *req,
		      Cleat__V1__PathStat *reply, struct err *err)
{
	return files_stat(service_engine(call), req->container, req->path, reply, err);
}

/* ---- export */

static int send_chunk(void *ctx, const void *data, size_t n, struct err *err)
{
	Cleat__V1__Chunk chunk = CLEAT__V1__CHUNK__INIT;

	chunk.data.data = (uint8_t *)(uintptr_t)data;
	chunk.data.len = n;
	return cleat_v1_containers_export_send(ctx, &chunk, err);
}

int service_export(struct rpc_call *call, const Cleat__V1__ExportRequest *req,
		   struct cleat_v1_containers_export_stream *out, struct err *err)
{
	const struct files_sink sink = { .data = send_chunk,
					 .ctx = out,
					 .cancel_fd = rpc_call_cancel_fd(call) };

	int r = files_export(service_engine(call), req->container, &sink, err);

	if (r == 0)
		history_action_of(service_engine(call), req->container, "export");
	return r;
}

/* ---- out of a container */

struct download {
	struct engine *engine;
	const char *container;
	struct cleat_v1_containers_get_archive_stream *out;
};

/* Clients leave when they have what they came for: that something was read is told as it begins. */
static int send_stat(void *ctx, const Cleat__V1__PathStat *stat, struct err *err)
{
	const struct download *d = ctx;
	Cleat__V1__ArchiveChunk chunk = CLEAT__V1__ARCHIVE_CHUNK__INIT;

	history_action_of(d->engine, d->container, "archive-path");
	chunk.stat = (Cleat__V1__PathStat *)(uintptr_t)stat;
	return cleat_v1_containers_get_archive_send(d->out, &chunk, err);
}

static int send_archive(void *ctx, const void *data, size_t n, struct err *err)
{
	const struct download *d = ctx;
	Cleat__V1__ArchiveChunk chunk = CLEAT__V1__ARCHIVE_CHUNK__INIT;

	chunk.data.data = (uint8_t *)(uintptr_t)data;
	chunk.data.len = n;
	return cleat_v1_containers_get_archive_send(d->out, &chunk, err);
}

int service_get_archive(struct rpc_call *call, const Cleat__V1__GetArchiveRequest *req,
			struct cleat_v1_containers_get_archive_stream *out, struct err *err)
{
	struct download d = { service_engine(call), req->container, out };
	const struct files_sink sink = { send_stat, send_archive, &d, rpc_call_cancel_fd(call) };

	return files_get(d.engine, req->container, req->path, &sink, err);
}

/* ---- into one */

struct upload {
	struct cleat_v1_containers_put_archive_stream *in;
	Cleat__V1__PutArchiveRequest *message; /* the one at hand */
};

static void upload_deinit(struct upload *u)
{
	if (u->message)
		cleat__v1__put_archive_request__free_unpacked(u->message, NULL);
	u->message = NULL;
}

static int next_data(void *ctx, const void **data, size_t *n, struct err *err)
{
	struct upload *u = ctx;

	upload_deinit(u);
	int r = cleat_v1_containers_put_archive_recv(u->in, &u->message, err);

	if (r != 1)
		return r;
	if (u->message->message_case != CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_DATA)
		return err_set(err, ERR_INVALID,
			       "data is missing: only the first message has a target");
	*data = u->message->data.data;
	*n = u->message->data.len;
	return 1;
}

int service_put_archive(struct rpc_call *call, struct cleat_v1_containers_put_archive_stream *in,
			Cleat__V1__PutArchiveReply *reply, struct err *err)
{
	cleanup(upload_deinit) struct upload first = { .in = in }, rest = { .in = in };
	const struct feed_source source = { next_data, &rest };
	int r = cleat_v1_containers_put_archive_recv(in, &first.message, err);

	(void)reply;
	if (r < 0)
		return r;
	if (r == 0 || first.message->message_case != CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_TARGET)
		return err_set(err, ERR_INVALID, "the first message must have a target");
	return files_put(service_engine(call), first.message->target, &source, err);
}
