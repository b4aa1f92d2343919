/* SPDX-License-Identifier: Apache-2.0 */
/* Reads to the end, and with `follow` sleeps on the log's directory and on the container's state. That
 * the container has ended is looked at before the last reading, so that reading sees all it wrote. */
#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "fd.h"
#include "log.h"
#include "logreader.h"
#include "record.h"
#include "shimlink.h"
#include "status.h"
#include "str.h"
#include "watch.h"

struct logs {
	struct engine *engine;
	struct rpc_call *call;
	const Cleat__V1__LogsRequest *request;
	struct cleat_v1_containers_logs_stream *out;
	struct record record;
	struct logreader *reader;
	struct watch watch;
	bool past_until;
};

/* The format of the container's log; -ENOTSUP when it keeps none. */
static int find_format(const struct engine *engine, const struct record *record,
		       enum logreader_format *format, struct err *err)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	const char *driver = request && request->config && request->config->log
				     ? request->config->log->driver
				     : "";
	int r = 0;

	if (!driver[0]) /* of a release that did not note what the default was */
		driver = engine->config.log_driver;
	if (!driver[0] || strcmp(driver, "local") == 0)
		*format = LOGREADER_LOCAL;
	else if (strcmp(driver, "json-file") == 0)
		*format = LOGREADER_JSON;
	else
		r = err_reason(err, ERR_UNIMPLEMENTED, "LOG_NOT_READABLE",
			       "configured logging driver does not support reading");
	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	return r;
}

int logs_open(struct engine *engine, const struct record *record, struct logreader **out,
	      struct err *err)
{
	cleanup_fd int dir =
		openat(engine->containers_fd, record->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum logreader_format format = LOGREADER_LOCAL;
	int r = dir < 0 ? err_sys(err, errno, "open container %.12s", record->id)
			: find_format(engine, record, &format, err);

	return r < 0 ? r : logreader_open(out, dir, format, record->id, err);
}

int logs_open_output(struct engine *engine, const struct record *record, struct logreader **out,
		     struct err *err)
{
	cleanup_fd int dir =
		openat(engine->containers_fd, record->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, errno, "open container %.12s", record->id);
	return logreader_open(out, dir, LOGREADER_LOCAL, record->id, err);
}

static int go_to_start(struct logs *logs, struct err *err)
{
	const Cleat__V1__LogsRequest *req = logs->request;
	const bool streams[3] = { false, req->stdout, req->stderr };

	if (req->resume_case == CLEAT__V1__LOGS_REQUEST__RESUME_RESUME_POSITION)
		return logreader_seek(logs->reader, req->resume_position, err);
	if (req->lines_case == CLEAT__V1__LOGS_REQUEST__LINES_TAIL)
		return logreader_tail(logs->reader, req->tail, streams, err);
	return 0;
}

static int send_entry(struct logs *logs, const struct log_entry *entry, struct err *err)
{
	const Cleat__V1__LogsRequest *req = logs->request;
	Cleat__V1__LogEntry message = CLEAT__V1__LOG_ENTRY__INIT;

	if (req->until_ns && entry->time_ns > req->until_ns) {
		logs->past_until = true;
		return 0;
	}
	if (entry->time_ns < req->since_ns || !(entry->stream == 1 ? req->stdout : req->stderr))
		return 0;
	message.stream = (Cleat__V1__OutputStream)entry->stream;
	message.time_ns = entry->time_ns;
	message.data.data = (uint8_t *)(uintptr_t)entry->data;
	message.data.len = entry->size;
	message.position = entry->position;
	message.partial = entry->partial;
	return cleat_v1_containers_logs_send(logs->out, &message, err);
}

static int read_to_end(struct logs *logs, struct err *err)
{
	struct log_entry entry;
	int r = 1;

	while (r > 0 && !logs->past_until) {
		r = logreader_next(logs->reader, &entry, err);
		if (r == -EIO && err->code == ERR_DATA_LOSS) {
			log_warn("damage in the log of a container id=%.12s", logs->record.id);
			*err = ERR_NULL;
			r = 1;
		} else if (r > 0) {
			int sent = send_entry(logs, &entry, err);

			if (sent < 0)
				return sent;
		}
	}
	return r < 0 ? r : 0;
}

/* Sleeps until there may be more; 0, -ECANCELED, UNAVAILABLE with reason MOVED. */
static int wait_for_more(struct logs *logs, struct err *err)
{
	int64_t until = logs->request->until_ns;
	int64_t left_ms = until ? (until - fd_realtime_ns()) / 1000000 + 1 : -1;
	struct pollfd fds[] = {
		{ .fd = logreader_watch(logs->reader), .events = POLLIN },
		{ .fd = logs->watch.fd, .events = POLLIN },
		{ .fd = rpc_call_cancel_fd(logs->call), .events = POLLIN },
		{ .fd = rpc_call_drain_fd(logs->call), .events = POLLIN },
	};

	if (until && left_ms <= 0) {
		logs->past_until = true;
		return 0;
	}
	(void)poll(fds, ARRAY_LEN(fds), left_ms > INT32_MAX ? -1 : (int)left_ms);
	if (fds[2].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[3].revents)
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
	return 0;
}

/* Whether more may come: the container is there and active. */
static bool goes_on(struct logs *logs)
{
	cleanup(record_deinit) struct record now = { 0 };
	struct status status;

	if (record_find(logs->engine->store, logs->record.id, &now, NULL) < 0)
		return false;
	status_read(logs->engine, &now, &status);
	return status_active(&status);
}

static int follow(struct logs *logs, struct err *err)
{
	int r = 0;

	while (r == 0 && !logs->past_until) {
		watch_clear(&logs->watch);
		logreader_clear(logs->reader);

		bool more = goes_on(logs);

		r = read_to_end(logs, err);
		if (!more)
			return r;
		if (r == 0)
			r = wait_for_more(logs, err);
	}
	return r;
}

static int announce(struct logs *logs, struct err *err)
{
	Cleat__V1__LogEntry nothing = CLEAT__V1__LOG_ENTRY__INIT;

	nothing.position = logreader_position(logs->reader);
	return logs->request->announce ? cleat_v1_containers_logs_send(logs->out, &nothing, err)
				       : 0;
}

static int serve(struct logs *logs, struct err *err)
{
	int r = logs_open(logs->engine, &logs->record, &logs->reader, err);

	if (r == 0)
		r = go_to_start(logs, err);
	if (r == 0)
		r = announce(logs, err);
	if (r < 0 || !logs->request->follow)
		return r < 0 ? r : read_to_end(logs, err);
	r = watch_open(&logs->watch, logs->record.id);
	if (r == 0)
		r = logreader_watch(logs->reader);
	if (r < 0)
		return err_sys(err, r, "watch container %.12s", logs->record.id);
	(void)!shims_connect(logs->engine->shims, logs->record.id, logs->record.last_seq);
	return follow(logs, err);
}

int logs_serve(struct engine *engine, struct rpc_call *call, const Cleat__V1__LogsRequest *request,
	       struct cleat_v1_containers_logs_stream *out, struct err *err)
{
	struct logs logs = { .engine = engine, .call = call, .request = request, .out = out };
	int r;

	if (!request->stdout && !request->stderr)
		return err_set(err, ERR_INVALID,
			       "Bad parameters: you must choose at least one stream");
	r = record_find(engine->store, request->container, &logs.record, err);
	if (r == 0)
		r = serve(&logs, err);
	watch_close(&logs.watch);
	logreader_freep(&logs.reader);
	record_deinit(&logs.record);
	return r;
}
