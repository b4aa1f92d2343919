/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /containers/{id}/archive and /export. What a path is goes into a header, as JSON in base64. A tar that
 * fails after its first byte is cut off: it has no place for an error. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base64.h"
#include "cleat/v1/containers.pb-c.h"
#include "exchange.h"
#include "str.h"

#define STAT_HEADER "X-Docker-Container-Path-Stat"
#define TAR_TYPE    "application/x-tar"

/* The bits of Go's os.FileMode. */
static json_int_t go_mode(uint32_t mode)
{
	static const struct {
		uint32_t type, bit;
	} types[] = {
		{ S_IFDIR, 1u << 31 }, { S_IFLNK, 1u << 27 },
		{ S_IFBLK, 1u << 26 }, { S_IFCHR, 1u << 26 | 1u << 21 },
		{ S_IFIFO, 1u << 25 }, { S_IFSOCK, 1u << 24 },
	};
	uint32_t out = mode & 0777;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((mode & S_IFMT) == types[i].type)
			out |= types[i].bit;
	out |= mode & S_ISUID ? 1u << 23 : 0;
	out |= mode & S_ISGID ? 1u << 22 : 0;
	out |= mode & S_ISVTX ? 1u << 20 : 0;
	return out;
}

static int set_stat(struct gw *gw, const Cleat__V1__PathStat *stat, struct err *err)
{
	cleanup_free char *text = NULL;
	struct buf encoded = BUF_NULL;
	char time[STR_TIME_MAX];
	json_t *json;

	str_format_time(stat->mtime_ns, time);
	json = json_pack("{s:s, s:I, s:I, s:s, s:s}", "name", stat->name, "size",
			 (json_int_t)stat->size_bytes, "mode", go_mode(stat->mode), "mtime", time,
			 "linkTarget", stat->link_target);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	gw->http->header = STAT_HEADER;
	if (text)
		base64_encode(&encoded, text, strlen(text));
	gw->http->header_value = text ? buf_steal(&encoded) : NULL;
	return gw->http->header_value ? 0 : err_sys(err, ENOMEM, "stat");
}

static const char *path_of(const struct gw *gw, struct err *err)
{
	const char *path = http_query(gw->http, "path");

	if (!path[0])
		(void)err_set(err, ERR_INVALID, "bad parameter: 'path' cannot be empty");
	return path[0] ? path : NULL;
}

void gw_head_archive(struct gw *gw)
{
	Cleat__V1__StatPathRequest request = CLEAT__V1__STAT_PATH_REQUEST__INIT;
	Cleat__V1__PathStat *reply = NULL;
	struct err err = ERR_NULL;
	const char *path = path_of(gw, &err);
	int r = path ? 0 : -EINVAL;

	request.container = gw->match.param;
	request.path = (char *)(uintptr_t)path;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	r = r ? r : set_stat(gw, reply, &err);
	if (r < 0)
		gw_fail(gw, &err);
	else
		gw_status(gw, 200);
	if (reply)
		cleat__v1__path_stat__free_unpacked(reply, NULL);
}

/* ---- streams of bytes */

static int begin(struct gw *gw, const char *type)
{
	if (!gw->streaming)
		http_begin(gw->http, 200, type);
	gw->streaming = true;
	return 0;
}

/* How a stream ended: as an error while there is a place for one. */
static void finish(struct gw *gw, int r, const char *type, const struct err *err)
{
	if (r == 0)
		(void)begin(gw, type);
	else if (gw->streaming)
		gw->http->broken = true;
	else if (r != -EPIPE)
		gw_fail(gw, err);
}

static int copy_archive(struct gw *gw, struct rpc_client_call *call, struct err *err)
{
	int r = 0;

	while (r == 0) {
		Cleat__V1__ArchiveChunk *chunk = NULL;
		int n = gw_recv(gw, call, &chunk, err);

		if (n <= 0)
			return n;
		if (chunk->stat)
			r = set_stat(gw, chunk->stat, err);
		r = r ? r : begin(gw, TAR_TYPE);
		if (r == 0 && chunk->data.len)
			r = http_write(gw->http, chunk->data.data, chunk->data.len);
		cleat__v1__archive_chunk__free_unpacked(chunk, NULL);
	}
	return r;
}

void gw_get_archive(struct gw *gw)
{
	Cleat__V1__GetArchiveRequest request = CLEAT__V1__GET_ARCHIVE_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	struct err err = ERR_NULL;
	const char *path = path_of(gw, &err);
	int r = path ? 0 : -EINVAL;

	request.container = gw->match.param;
	request.path = (char *)(uintptr_t)path;
	r = r ? r : gw_open(gw, &request.base, &call, &err);
	r = r ? r : copy_archive(gw, call, &err);
	finish(gw, r, TAR_TYPE, &err);
}

static int copy_chunks(struct gw *gw, struct rpc_client_call *call, struct err *err)
{
	int r = 0;

	while (r == 0) {
		Cleat__V1__Chunk *chunk = NULL;
		int n = gw_recv(gw, call, &chunk, err);

		if (n <= 0)
			return n;
		r = begin(gw, "application/octet-stream");
		r = r ? r : http_write(gw->http, chunk->data.data, chunk->data.len);
		cleat__v1__chunk__free_unpacked(chunk, NULL);
	}
	return r;
}

void gw_export(struct gw *gw)
{
	Cleat__V1__ExportRequest request = CLEAT__V1__EXPORT_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	struct err err = ERR_NULL;
	int r;

	request.container = gw->match.param;
	r = gw_open(gw, &request.base, &call, &err);
	r = r ? r : copy_chunks(gw, call, &err);
	finish(gw, r, "application/octet-stream", &err);
}

/* ---- into a container */

static int send_part(struct rpc_client_call *call, const void *data, size_t n, struct err *err)
{
	Cleat__V1__PutArchiveRequest part = CLEAT__V1__PUT_ARCHIVE_REQUEST__INIT;

	part.message_case = CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_DATA;
	part.data.data = (uint8_t *)(uintptr_t)data;
	part.data.len = n;
	return rpc_client_call_send(call, &part.base, err);
}

static int put(struct gw *gw, struct err *err)
{
	Cleat__V1__PutArchiveRequest first = CLEAT__V1__PUT_ARCHIVE_REQUEST__INIT;
	Cleat__V1__PutArchiveRequest__Target target = CLEAT__V1__PUT_ARCHIVE_REQUEST__TARGET__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	Cleat__V1__PutArchiveReply *reply = NULL;
	const char *path = path_of(gw, err);
	int r = path ? 0 : -EINVAL;

	target.container = gw->match.param;
	target.path = (char *)(uintptr_t)path;
	target.no_overwrite_dir_non_dir = gw_query_bool(gw, "noOverwriteDirNonDir");
	target.copy_uid_gid = gw_query_bool(gw, "copyUIDGID");
	first.message_case = CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_TARGET;
	first.target = &target;
	r = r ? r : gw_open(gw, &first.base, &call, err);
	r = r ? r : gw_send_body(gw, call, send_part, err);
	r = r ? r : gw_recv(gw, call, &reply, err);
	if (reply)
		cleat__v1__put_archive_reply__free_unpacked(reply, NULL);
	return r < 0 ? r : 0;
}

void gw_put_archive(struct gw *gw)
{
	struct err err = ERR_NULL;
	int r = put(gw, &err);

	if (r == 0)
		gw_status(gw, 200);
	else if (r != -EPIPE)
		gw_fail(gw, &err);
}
