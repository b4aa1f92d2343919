/* SPDX-License-Identifier: Apache-2.0 */
/* logs and wait. Both go on over a restart or an upgrade of the engine: logs by position, wait by the number
 * of exits. */
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "attached.h"
#include "cleat/v1/containers.pb-c.h"
#include "fd.h"
#include "rawstream.h"
#include "str.h"

int stream_inspect(struct gw *gw, const char *container, struct stream_target *out, struct err *err)
{
	Cleat__V1__InspectContainerRequest request = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;
	Cleat__V1__InspectContainerReply *reply = NULL;
	const Cleat__V1__ContainerDetails *c;
	int r;

	request.container = (char *)(uintptr_t)container;
	r = gw_call_other(gw, "cleat.v1.Containers/Inspect", &request, &reply, err);
	if (r < 0)
		return r;
	c = reply->container;
	*out = (struct stream_target){
		.tty = c && c->config && c->config->tty,
		.active = c && c->state && c->state->pid > 0,
	};
	cleat__v1__inspect_container_reply__free_unpacked(reply, NULL);
	return 0;
}

const char *stream_type(const struct gw *gw, bool tty)
{
	return !tty && gw->match.minor >= 42 ? "application/vnd.docker.multiplexed-stream"
					     : STREAM_RAW_TYPE;
}

void stream_frame_head(uint8_t stream, size_t n, uint8_t head[STREAM_HEAD_BYTES])
{
	uint32_t length = htonl((uint32_t)n);

	memset(head, 0, STREAM_HEAD_BYTES);
	head[0] = stream;
	memcpy(head + 4, &length, sizeof(length));
}

int stream_size(const struct gw *gw, Cleat__V1__TerminalSize *size, struct err *err)
{
	int64_t rows = 0, columns = 0;

	if (str_int_in(http_query(gw->http, "h"), 0, 65535, &rows) < 0 ||
	    str_int_in(http_query(gw->http, "w"), 0, 65535, &columns) < 0)
		return err_set(err, ERR_INVALID, "h and w: expected the size of a terminal");
	size->rows = (uint32_t)rows;
	size->columns = (uint32_t)columns;
	return 0;
}

/* ---- logs */

struct logs {
	struct gw *gw;
	Cleat__V1__LogsRequest request;
	bool tty, timestamps;
	bool at_start[3]; /* by stream: the next byte begins a line */
	int64_t since_ns; /* when the engine went away */
};

static int send_piece(struct logs *logs, uint8_t stream, const struct buf *piece)
{
	uint8_t head[STREAM_HEAD_BYTES];
	const struct iovec parts[] = {
		{ head, logs->tty ? 0 : sizeof(head) },
		{ piece->data, piece->len },
	};

	stream_frame_head(stream, piece->len, head);
	return http_writev(logs->gw->http, parts, ARRAY_LEN(parts));
}

/* Docker sends each line as a frame of its own, with its time in front if asked for. */
static int send_lines(struct logs *logs, const Cleat__V1__LogEntry *entry)
{
	const char *at = (const char *)entry->data.data, *end = at + entry->data.len;
	uint8_t stream = entry->stream == 2 ? 2 : 1;
	int r = 0;

	while (r == 0 && at < end) {
		cleanup(buf_deinit) struct buf piece = BUF_NULL;
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline + 1 : end;
		char time[STR_TIME_MAX];

		if (logs->timestamps && logs->at_start[stream]) {
			str_format_time(entry->time_ns, time);
			buf_printf(&piece, "%s ", time);
		}
		buf_append(&piece, at, (size_t)(stop - at));
		r = piece.error ? piece.error : send_piece(logs, stream, &piece);
		logs->at_start[stream] = newline;
		at = stop;
	}
	return r;
}

/* The head goes out with the announcement: a client may wait for it before it causes output. */
static int send_entry(struct logs *logs, const Cleat__V1__LogEntry *entry)
{
	struct gw *gw = logs->gw;

	logs->since_ns = 0;
	if (!gw->streaming)
		http_begin(gw->http, 200, stream_type(gw, logs->tty));
	gw->streaming = true;
	logs->request.resume_case = CLEAT__V1__LOGS_REQUEST__RESUME_RESUME_POSITION;
	logs->request.resume_position = entry->position + entry->data.len;
	return send_lines(logs, entry);
}

static int logs_once(struct logs *logs, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	struct gw *gw = logs->gw;
	int r = gw_open(gw, &logs->request.base, &call, err);

	while (r == 0) {
		Cleat__V1__LogEntry *entry = NULL;
		int n = gw_recv(gw, call, &entry, err);

		if (n <= 0)
			return n;
		r = send_entry(logs, entry);
		cleat__v1__log_entry__free_unpacked(entry, NULL);
	}
	return r;
}

static int read_time(const struct gw *gw, const char *name, int64_t *ns, struct err *err)
{
	const char *text = http_query(gw->http, name);

	if (*text && str_time_ns(text, fd_realtime_ns(), ns) < 0)
		return err_set(err, ERR_INVALID, "invalid value for \"%s\": \"%.60s\"", name, text);
	return 0;
}

static int read_logs_query(struct logs *logs, struct err *err)
{
	Cleat__V1__LogsRequest *q = &logs->request;
	struct gw *gw = logs->gw;
	const char *tail = http_query(gw->http, "tail");
	int r = read_time(gw, "since", &q->since_ns, err);

	q->container = gw->match.param;
	q->stdout = gw_query_bool(gw, "stdout");
	q->stderr = gw_query_bool(gw, "stderr");
	q->follow = q->announce = gw_query_bool(gw, "follow");
	logs->timestamps = gw_query_bool(gw, "timestamps");
	r = r ? r : read_time(gw, "until", &q->until_ns, err);
	/* as dockerd: what is no number is "all" */
	if (str_u64(tail, &q->tail) == 0)
		q->lines_case = CLEAT__V1__LOGS_REQUEST__LINES_TAIL;
	return r;
}

void gw_stream_logs(struct gw *gw)
{
	struct logs logs = { .gw = gw,
			     .request = CLEAT__V1__LOGS_REQUEST__INIT,
			     .at_start = { true, true, true } };
	struct stream_target target = { 0 };
	struct err err = ERR_NULL;
	int r = read_logs_query(&logs, &err);

	r = r ? r : stream_inspect(gw, gw->match.param, &target, &err);
	logs.tty = target.tty;
	while (r == 0) {
		r = logs_once(&logs, &err);
		if (r >= 0 || r == -EPIPE || !gw_again(gw, &err, &logs.since_ns))
			break;
		err = ERR_NULL;
		r = 0;
	}
	if (gw->streaming)
		return; /* a stream of bytes has no place for an error */
	if (r < 0 && r != -EPIPE)
		gw_fail(gw, &err);
	else
		http_begin(gw->http, 200, stream_type(gw, logs.tty));
}

/* ---- wait */

static int read_condition(const struct gw *gw, Cleat__V1__WaitCondition *condition, struct err *err)
{
	static const struct {
		const char *word;
		Cleat__V1__WaitCondition condition;
	} words[] = {
		{ "", CLEAT__V1__WAIT_CONDITION__WAIT_CONDITION_NOT_RUNNING },
		{ "not-running", CLEAT__V1__WAIT_CONDITION__WAIT_CONDITION_NOT_RUNNING },
		{ "next-exit", CLEAT__V1__WAIT_CONDITION__WAIT_CONDITION_NEXT_EXIT },
		{ "removed", CLEAT__V1__WAIT_CONDITION__WAIT_CONDITION_REMOVED },
	};
	const char *text = http_query(gw->http, "condition");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, text) == 0) {
			*condition = words[i].condition;
			return 0;
		}
	return err_set(err, ERR_INVALID, "invalid condition: \"%.60s\"", text);
}

/* 1 with the exit code, -errno. */
static int wait_once(struct gw *gw, Cleat__V1__WaitContainerRequest *request, int *exit_code,
		     int64_t *since_ns, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_open(gw, &request->base, &call, err);

	while (r == 0) {
		Cleat__V1__WaitContainerReply *reply = NULL;
		int n = gw_recv(gw, call, &reply, err);

		if (n <= 0)
			return n < 0 ? n : err_set(err, ERR_UNAVAILABLE, "the wait ended early");
		*since_ns = 0;
		/* The headers tell that the wait is armed: clients start the container after them. */
		if (!gw->streaming)
			http_begin(gw->http, 200, "application/json");
		gw->streaming = true;
		request->resume_case = CLEAT__V1__WAIT_CONTAINER_REQUEST__RESUME_EXITS;
		if (reply->armed) {
			request->exits = reply->exits;
		} else {
			attached_await(reply->id, reply->exits);
			r = 1;
		}
		*exit_code = reply->exit_code;
		cleat__v1__wait_container_reply__free_unpacked(reply, NULL);
	}
	return r;
}

void gw_stream_wait(struct gw *gw)
{
	Cleat__V1__WaitContainerRequest request = CLEAT__V1__WAIT_CONTAINER_REQUEST__INIT;
	struct err err = ERR_NULL;
	int64_t since_ns = 0;
	int exit_code = 0, r = read_condition(gw, &request.condition, &err);

	request.container = gw->match.param;
	while (r == 0) {
		r = wait_once(gw, &request, &exit_code, &since_ns, &err);
		if (r > 0 || r == -EPIPE || !gw_again(gw, &err, &since_ns))
			break;
		err = ERR_NULL;
		r = 0;
	}
	if (r > 0)
		(void)!gw_send_json(gw, json_pack("{s:i}", "StatusCode", exit_code));
	else if (r != -EPIPE && gw->streaming)
		(void)!gw_send_json(gw, json_pack("{s:i, s:{s:s}}", "StatusCode", -1, "Error",
						  "Message", err.message));
	else if (r != -EPIPE)
		gw_fail(gw, &err);
}
