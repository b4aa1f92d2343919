/* SPDX-License-Identifier: Apache-2.0 */
/* Attach: the container's own streams. What moves bytes is the pump; here are the messages. */
#include "session.h"

#include <errno.h>
#include <string.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "history.h"
#include "hold.h"
#include "lifecycle.h"
#include "log.h"
#include "logreader.h"
#include "logs.h"
#include "netjoin.h"
#include "pump.h"
#include "reconcile.h"
#include "remove.h"
#include "service.h"
#include "shimlink.h"
#include "shimstream.h"
#include "start.h"
#include "status.h"
#include "str.h"

struct session {
	struct engine *engine;
	struct cleat_v1_containers_attach_stream *io;
	const char *id;
	struct call_key key;
	bool told; /* the client knows that the container has ended, and how */
};

static int send_exited(struct session *s, const Cleat__Shim__V1__StreamFrame *frame,
		       struct err *err)
{
	Cleat__V1__AttachReply__Exited exited = CLEAT__V1__ATTACH_REPLY__EXITED__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	exited.exit_code = frame->exit_code;
	exited.oom_killed = frame->oom_killed;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_EXITED;
	reply.exited = &exited;
	s->told = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int send_output(struct session *s, const Cleat__Shim__V1__StreamFrame *frame,
		       struct err *err)
{
	Cleat__V1__AttachReply__Output output = CLEAT__V1__ATTACH_REPLY__OUTPUT__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	output.stream = (Cleat__V1__OutputStream)frame->stream;
	output.position = frame->position;
	output.data = frame->data;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_OUTPUT;
	reply.output = &output;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int send_taken(struct session *s, uint64_t taken, struct err *err)
{
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_INPUT_TAKEN;
	reply.input_taken = taken;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int take_frame(struct pump *pump, const Cleat__Shim__V1__StreamFrame *frame, struct err *err)
{
	if (frame->ended)
		return send_exited(pump->ctx, frame, err);
	if (frame->input_taken)
		return send_taken(pump->ctx, frame->input_taken, err);
	return frame->stream == 1 || frame->stream == 2 ? send_output(pump->ctx, frame, err) : 0;
}

static int take_signal(struct session *s, const char *word, struct err *err)
{
	int number = 0;
	int r = lifecycle_signal(word, &number, err);

	if (r == 0)
		r = lifecycle_kill(s->engine, s->id, "", number, err);
	if (r < 0)
		log_debug("signal of an attach id=%.12s: %s", s->id, err->message);
	return 0;
}

static int take_input(struct pump *pump, const Cleat__V1__AttachRequest *request, struct err *err)
{
	struct session *s = pump->ctx;

	switch (request->message_case) {
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_STDIN:
		return pump_stdin(pump, &request->stdin, err);
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_RESIZE:
		pump_resize(pump, request->resize->rows, request->resize->columns);
		history_resized(s->engine, s->id, request->resize->rows, request->resize->columns);
		return 0;
	case CLEAT__V1__ATTACH_REQUEST__MESSAGE_SIGNAL:
		return take_signal(s, request->signal, err);
	default:
		return err_set(err, ERR_INVALID, "a second start on one attach");
	}
}

static int read_client(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__AttachRequest *request = NULL;
	int r = cleat_v1_containers_attach_try_recv(s->io, &request, err);

	if (r <= 0)
		return r;
	r = take_input(pump, request, err);
	cleat__v1__attach_request__free_unpacked(request, NULL);
	return r < 0 ? r : 1;
}

static int tell_moving(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_MOVING;
	reply.moving = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int tell_input_ended(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_INPUT_ENDED;
	reply.input_ended = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static const struct pump_ops pump_ops = { .frame = take_frame,
					  .input_ended = tell_input_ended,
					  .client = read_client,
					  .moving = tell_moving };

static int open_stream(struct engine *engine, const struct record *record,
		       const Cleat__V1__AttachStart *start, struct shimstream *out, struct err *err)
{
	Cleat__Shim__V1__AttachRequest body = CLEAT__SHIM__V1__ATTACH_REQUEST__INIT;
	Cleat__Shim__V1__CountedInput input = CLEAT__SHIM__V1__COUNTED_INPUT__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	body.stdin = start->stdin;
	body.stdout = start->stdout;
	body.stderr = start->stderr;
	body.lossless = start->lossless;
	body.input = shimstream_input(start->input, &input);
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH;
	request.attach = &body;
	return shimstream_open(engine->shims, record->id, &request, NULL, 0, out, err);
}

static bool has_tty(const struct record *record)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	bool tty = request && request->config && request->config->tty;

	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	return tty;
}

/* `seen`: the exits beyond which the client waits for nothing more. What it was told here is what it says
 * when it comes back, so an end it has not heard of yet is none of them. */
static int send_attached(struct session *s, const struct record *record,
			 const struct shimstream *stream, uint64_t seen, struct err *err)
{
	Cleat__V1__AttachReply__Attached attached = CLEAT__V1__ATTACH_REPLY__ATTACHED__INIT;
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;

	attached.id = (char *)record->id;
	attached.tty = has_tty(record);
	attached.position = stream->position;
	attached.exits = seen;
	if (stream->counts)
		attached.input_case = CLEAT__V1__ATTACH_REPLY__ATTACHED__INPUT_INPUT_TAKEN;
	attached.input_taken = stream->input_taken;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_ATTACHED;
	reply.attached = &attached;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

static int start_attached(struct session *s, struct err *err)
{
	Cleat__V1__AttachReply reply = CLEAT__V1__ATTACH_REPLY__INIT;
	bool already = false;
	int r = start_container(s->engine, s->id, s->key.text, &already, err);

	if (r < 0)
		return r;
	reply.message_case = CLEAT__V1__ATTACH_REPLY__MESSAGE_STARTED;
	reply.started = true;
	return cleat_v1_containers_attach_send(s->io, &reply, err);
}

/* Gives out what the reader has, up to where live output begins (UINT64_MAX: to its end). */
static int replay(struct session *s, struct logreader *reader, const Cleat__V1__AttachStart *start,
		  uint64_t live, struct err *err)
{
	bool counts = logreader_counts_output(reader);
	struct log_entry entry;
	int r;

	while ((r = logreader_next(reader, &entry, err)) > 0 &&
	       !(counts && entry.position >= live)) {
		Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;

		if (!(entry.stream == 1 ? start->stdout : start->stderr))
			continue;
		if (counts && entry.size > live - entry.position)
			entry.size = (size_t)(live - entry.position);
		frame.stream = entry.stream;
		frame.data.data = (uint8_t *)(uintptr_t)entry.data;
		frame.data.len = entry.size;
		/* A client that is cut off within lines goes on with live output. */
		frame.position = counts              ? entry.position
				 : live > entry.size ? live - entry.size
						     : 0;
		r = send_output(s, &frame, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/* Whether the reader's first entry is the first there was. Leads to it. */
static bool from_the_first(struct logreader *reader)
{
	struct log_entry entry;
	int r = logreader_next(reader, &entry, NULL);

	return r >= 0 && (r == 0 || entry.position == 0) && logreader_seek(reader, 0, NULL) == 0;
}

/* Lines of a json file tell no place in the output, so where live output goes on behind them is not exact while
 * the container writes. They are for what is older than the output that was kept. */
static int open_log(struct session *s, const struct record *record, struct logreader **out,
		    struct err *err)
{
	cleanup(logreader_freep) struct logreader *lines = NULL, *output = NULL;
	int r = logs_open(s->engine, record, &lines, err);

	if (r < 0)
		return r;
	if (!logreader_counts_output(lines) &&
	    logs_open_output(s->engine, record, &output, NULL) == 0 && from_the_first(output))
		*out = steal(&output);
	else
		*out = steal(&lines);
	return 0;
}

/* What a stream that moves, or asks for the log, gets before live output. */
static int catch_up(struct session *s, const struct record *record,
		    const Cleat__V1__AttachStart *start, uint64_t live, struct err *err)
{
	cleanup(logreader_freep) struct logreader *reader = NULL;
	bool resumes = start->resume_case == CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
	int r;

	if (resumes && start->resume_position < live) {
		r = logs_open_output(s->engine, record, &reader, err);
		if (r == 0)
			r = logreader_seek(reader, start->resume_position, err);
	} else if (start->logs && !resumes) {
		r = open_log(s, record, &reader, err);
	} else {
		return 0;
	}
	if (r == 0)
		return replay(s, reader, start, live, err);
	if (r != -ENOTSUP)
		return r;
	*err = ERR_NULL; /* a driver that keeps nothing */
	return 0;
}

/* The container ended while the client had no engine: what is left of its output, and its exit. */
static int tell_end(struct session *s, const struct record *record, const struct status *status,
		    const Cleat__V1__AttachStart *start, uint64_t seen, struct err *err)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	const struct shimstream none = { .sock = -1 };
	int r = send_attached(s, record, &none, seen, err);

	if (r == 0)
		r = catch_up(s, record, start, UINT64_MAX, err);
	frame.exit_code = status->exit_code;
	frame.oom_killed = status->oom_killed;
	return r < 0 ? r : send_exited(s, &frame, err);
}

/* The number of exits beyond which the client waits for nothing more. */
static uint64_t exits_seen(const Cleat__V1__AttachStart *start, const struct status *status)
{
	return start->seen_case == CLEAT__V1__ATTACH_START__SEEN_EXITS ? start->exits
								       : status->exits;
}

static bool has_ended(const struct status *status, uint64_t seen)
{
	return status->exits > seen && !status_active(status);
}

/* A call that started the container, lost its engine before the client had heard of it, and is repeated:
 * goes on where the start was. Any other is left as it is. */
static Cleat__V1__AttachStart
continued(const struct session *s, const Cleat__V1__AttachStart *start, const struct status *status)
{
	Cleat__V1__AttachStart again = *start;

	if (!start->start || start->resume_case || status->start_position < 0 ||
	    !status_done(status, s->key.text))
		return again;
	again.resume_case = CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
	again.resume_position = (uint64_t)status->start_position;
	again.seen_case = CLEAT__V1__ATTACH_START__SEEN_EXITS;
	again.exits = 0;
	return again;
}

/* Starts the container; what it has written before the stream was there, if the start was carried out
 * earlier, is given out first. */
static int start_stream(struct session *s, const struct record *record,
			const Cleat__V1__AttachStart *start, uint64_t live, struct err *err)
{
	struct status status;
	int r = start_attached(s, err);

	if (r < 0 || start->resume_case || start->logs)
		return r;
	status_read(s->engine, record, &status);

	Cleat__V1__AttachStart again = continued(s, start, &status);

	return catch_up(s, record, &again, live, err);
}

/* By a request, which counts before a start too: frames wait until the container runs, and it might look before. */
static void set_size(struct session *s, const struct record *record,
		     const Cleat__V1__TerminalSize *size)
{
	Cleat__Shim__V1__ResizeRequest body = CLEAT__SHIM__V1__RESIZE_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	struct err err = ERR_NULL;

	body.rows = size->rows;
	body.columns = size->columns;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESIZE;
	request.resize = &body;
	if (shims_call(s->engine->shims, record->id, &request, NULL, 0, SHIM_CALL_MS, NULL, &err) <
	    0)
		log_debug("size of an attach id=%.12s: %s", s->id, err.message);
}

static int serve(struct session *s, const struct record *record,
		 const Cleat__V1__AttachStart *asked, struct pump *pump, struct err *err)
{
	struct status status;
	struct shimstream stream;
	uint64_t seen;
	int r;

	status_read(s->engine, record, &status);

	const Cleat__V1__AttachStart again = continued(s, asked, &status), *start = &again;

	seen = exits_seen(start, &status);
	if (has_ended(&status, seen))
		return tell_end(s, record, &status, start, seen, err);
	r = lifecycle_reach(s->engine, record, err);
	if (r == 0)
		r = open_stream(s->engine, record, start, &stream, err);
	if (r < 0)
		return r;
	pump->sock = stream.sock;
	/* An exit before the stream was there is not told on it: the status was published before. */
	status_read(s->engine, record, &status);
	if (has_ended(&status, seen))
		return tell_end(s, record, &status, start, seen, err);
	r = send_attached(s, record, &stream, seen, err);
	if (r == 0)
		r = catch_up(s, record, start, stream.position, err);
	if (r == 0 && start->terminal)
		set_size(s, record, start->terminal);
	if (r == 0 && start->start)
		r = start_stream(s, record, start, stream.position, err);
	return r < 0 || (start->logs && !start->stream) ? r : pump_run(pump, err);
}

/* Removes a container of --rm whose end this client was told, before the call ends: who ran it may use
 * its name again at once. Others that wait for it hold it too. */
static void remove_told(struct session *s, const struct record *record)
{
	struct err err = ERR_NULL;

	if (hold_is_held(s->engine, record->id))
		return;
	if (remove_container(s->engine, record->id, false, "", INTERRUPT_NONE, &err) < 0 &&
	    err.code != ERR_NOT_FOUND)
		log_error("cannot remove a container id=%.12s: %s", record->id, err.message);
}

static int serve_held(struct session *s, const struct record *record,
		      const Cleat__V1__AttachStart *start, struct pump *pump, struct err *err)
{
	int hold = record->auto_remove ? hold_open(s->engine, record->id) : -1;
	int r = serve(s, record, start, pump, err);

	if (s->told) {
		struct status status;

		status_read(s->engine, record, &status);
		netjoin_settle(s->engine, record->id, &status);
	}
	if (hold < 0)
		return r;
	/* an engine killed before that would have told nobody of a container that is gone */
	if (r == 0 && s->told)
		r = rpc_call_flush(pump->call, err);
	if (r < 0 && err->code == ERR_UNAVAILABLE)
		hold_leave(hold);
	else
		hold_close(s->engine, record->id, hold);
	if (r == 0 && s->told)
		remove_told(s, record);
	else
		reconcile_one(s->engine->reconciler, record->id);
	return r;
}

static int attach(struct engine *engine, struct rpc_call *call,
		  struct cleat_v1_containers_attach_stream *io, const Cleat__V1__AttachStart *start,
		  struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct session session = { .engine = engine, .io = io, .key = service_key(call) };
	cleanup(pump_freep) struct pump *pump = pump_new(&pump_ops, &session, call);
	int r = pump ? record_find(engine->store, start->container, &record, err)
		     : err_sys(err, ENOMEM, "attach");

	if (r < 0)
		return r;
	session.id = pump->what = record.id;
	pump->moves = start->moves;
	pump->tells_end = start->input != NULL;
	if (start->resume_case == 0)
		history_action(engine, &record, "attach", NULL);
	return serve_held(&session, &record, start, pump, err);
}

int session_attach(struct engine *engine, struct rpc_call *call,
		   struct cleat_v1_containers_attach_stream *io, struct err *err)
{
	Cleat__V1__AttachRequest *request = NULL;
	int r = cleat_v1_containers_attach_recv(io, &request, err);

	if (r < 0)
		return r;
	if (r == 0 || request->message_case != CLEAT__V1__ATTACH_REQUEST__MESSAGE_START)
		r = err_set(err, ERR_INVALID, "the first message of an attach is its start");
	else
		r = attach(engine, call, io, request->start, err);
	if (request)
		cleat__v1__attach_request__free_unpacked(request, NULL);
	return r;
}
