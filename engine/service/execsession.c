/* SPDX-License-Identifier: Apache-2.0 */
/* A client that lost its engine comes back with the exec's id and the position it has written: what
 * the shim still has is sent again from there, and the exit code is the shim's, or the row's when the
 * exec is long over. */
#include "execsession.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "history.h"
#include "lifecycle.h"
#include "log.h"
#include "pump.h"
#include "service.h"

enum { EXIT_LOOK_MS = 50, EXIT_WAIT_MS = 10000 };

struct session {
	struct engine *engine;
	struct cleat_v1_exec_start_stream *io;
	struct execrecord record;
};

static int send_started(struct session *s, const struct shimstream *stream, int32_t pid,
			struct err *err)
{
	Cleat__V1__ExecOutput__Started started = CLEAT__V1__EXEC_OUTPUT__STARTED__INIT;
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;

	started.exec_id = s->record.id;
	started.pid = pid;
	if (stream->counts)
		started.input_case = CLEAT__V1__EXEC_OUTPUT__STARTED__INPUT_INPUT_TAKEN;
	started.input_taken = stream->input_taken;
	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_STARTED;
	message.started = &started;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static int send_exited(struct session *s, int32_t exit_code, struct err *err)
{
	Cleat__V1__ExecOutput__Exited exited = CLEAT__V1__EXEC_OUTPUT__EXITED__INIT;
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;

	exited.exit_code = exit_code;
	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_EXITED;
	message.exited = &exited;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static int send_taken(struct session *s, uint64_t taken, struct err *err)
{
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;

	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_INPUT_TAKEN;
	message.input_taken = taken;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static int take_frame(struct pump *pump, const Cleat__Shim__V1__StreamFrame *frame, struct err *err)
{
	Cleat__V1__ExecOutput__Output output = CLEAT__V1__EXEC_OUTPUT__OUTPUT__INIT;
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;
	struct session *s = pump->ctx;

	if (frame->ended) {
		/* The row first: who asks for the exit code once the stream has ended gets it. */
		(void)!execrecord_set_ended(s->engine->store, s->record.id, frame->exit_code, NULL);
		return send_exited(s, frame->exit_code, err);
	}
	if (frame->input_taken)
		return send_taken(s, frame->input_taken, err);
	if (frame->stream != 1 && frame->stream != 2)
		return 0;
	output.stream = (Cleat__V1__OutputStream)frame->stream;
	output.position = frame->position;
	output.data = frame->data;
	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_OUTPUT;
	message.output = &output;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static int take_signal(struct session *s, const char *word, struct err *err)
{
	int number = 0;
	int r = lifecycle_signal(word, &number, err);

	s->record.state = EXEC_STARTED;
	if (r == 0)
		r = exec_kill(s->engine, &s->record, "", number, err);
	if (r < 0)
		log_debug("signal of an exec id=%.12s: %s", s->record.id, err->message);
	return 0;
}

static int take_input(struct pump *pump, const Cleat__V1__ExecInput *input, struct err *err)
{
	switch (input->message_case) {
	case CLEAT__V1__EXEC_INPUT__MESSAGE_STDIN:
		return pump_stdin(pump, &input->stdin, err);
	case CLEAT__V1__EXEC_INPUT__MESSAGE_RESIZE:
		pump_resize(pump, input->resize->rows, input->resize->columns);
		return 0;
	case CLEAT__V1__EXEC_INPUT__MESSAGE_SIGNAL:
		return take_signal(pump->ctx, input->signal, err);
	default:
		return err_set(err, ERR_INVALID, "a second start on one exec");
	}
}

static int read_client(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__ExecInput *input = NULL;
	int r = cleat_v1_exec_start_try_recv(s->io, &input, err);

	if (r <= 0)
		return r;
	r = take_input(pump, input, err);
	cleat__v1__exec_input__free_unpacked(input, NULL);
	return r < 0 ? r : 1;
}

static int tell_moving(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;

	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_MOVING;
	message.moving = true;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static int tell_input_ended(struct pump *pump, struct err *err)
{
	struct session *s = pump->ctx;
	Cleat__V1__ExecOutput message = CLEAT__V1__EXEC_OUTPUT__INIT;

	message.message_case = CLEAT__V1__EXEC_OUTPUT__MESSAGE_INPUT_ENDED;
	message.input_ended = true;
	return cleat_v1_exec_start_send(s->io, &message, err);
}

static const struct pump_ops pump_ops = { .frame = take_frame,
					  .input_ended = tell_input_ended,
					  .client = read_client,
					  .moving = tell_moving };

/* The shim has forgotten the exec, so its end is in the row, or will be once the event is read. */
static int tell_exit(struct session *s, struct rpc_call *call, struct err *err)
{
	struct pollfd cancel = { .fd = rpc_call_cancel_fd(call), .events = POLLIN };
	char id[65];

	memcpy(id, s->record.id, sizeof(id));
	for (int waited = 0; waited < EXIT_WAIT_MS; waited += EXIT_LOOK_MS) {
		execrecord_deinit(&s->record);
		int r = execrecord_find(s->engine->store, id, &s->record, err);

		if (r < 0)
			return r;
		if (s->record.state == EXEC_ENDED)
			return send_exited(s, s->record.exit_code, err);
		if (poll(&cancel, 1, EXIT_LOOK_MS) > 0)
			return err_set(err, ERR_CANCELLED, "cancelled");
	}
	return err_reason(err, ERR_UNAVAILABLE, "EXEC_GONE", "the end of exec %.12s is not known",
			  id);
}

static int go_on(struct session *s, const struct shimstream *stream, int32_t pid, struct pump *pump,
		 struct err *err)
{
	int r;

	pump->sock = stream->sock;
	r = send_started(s, stream, pid, err);
	return r < 0 || stream->sock < 0 ? r : pump_run(pump, err);
}

static int join(struct session *s, const Cleat__V1__ExecStart *start, struct pump *pump,
		struct err *err)
{
	struct shimstream stream;
	int r = exec_join(s->engine, &s->record, start, &stream, err);

	if (r == -ENOENT || r == -ENOTCONN)
		return tell_exit(s, pump->call, err);
	if (r < 0)
		return r;
	pump->sock = stream.sock;
	if (start->terminal)
		pump_resize(pump, start->terminal->rows, start->terminal->columns);
	return go_on(s, &stream, s->record.pid, pump, err);
}

static int run(struct session *s, const Cleat__V1__ExecStart *start, struct pump *pump,
	       struct err *err)
{
	struct shimstream stream;
	int r = exec_start(s->engine, &s->record, start, &stream, err);

	return r < 0 ? r : go_on(s, &stream, stream.pid, pump, err);
}

/* An earlier try of the same call made the exec: it runs, has ended, or never came to run. */
static int join_or_run(struct session *s, const Cleat__V1__ExecStart *start, struct pump *pump,
		       struct err *err)
{
	struct err gone = ERR_NULL;
	struct shimstream stream;
	int r = exec_join(s->engine, &s->record, start, &stream, &gone);

	if (r == 0) {
		if (start->detach)
			close(steal_fd(&stream.sock));
		return go_on(s, &stream, s->record.pid, pump, err);
	}
	history_settle(s->engine, s->record.container_id);
	r = execrecord_unclaim(s->engine->store, s->record.id, err);
	if (r < 0)
		return r;
	return r ? run(s, start, pump, err) : tell_exit(s, pump->call, err);
}

static int serve(struct session *s, const Cleat__V1__ExecStart *start, struct rpc_call *call,
		 struct err *err)
{
	cleanup(pump_freep) struct pump *pump = pump_new(&pump_ops, s, call);
	const struct call_key key = service_key(call);
	bool joins = start->resume_case == CLEAT__V1__EXEC_START__RESUME_RESUME_POSITION;
	int r = pump ? 0 : err_sys(err, ENOMEM, "exec");

	if (r == 0 && start->create)
		r = exec_create(s->engine, start->create, key.text, &s->record, err);
	else if (r == 0)
		r = execrecord_find(s->engine->store, start->exec_id, &s->record, err);
	if (r < 0)
		return r;
	pump->what = s->record.id;
	pump->moves = start->moves;
	pump->tells_end = start->input != NULL;
	if (r == 1)
		return join_or_run(s, start, pump, err);
	return joins ? join(s, start, pump, err) : run(s, start, pump, err);
}

int execsession_start(struct engine *engine, struct rpc_call *call,
		      struct cleat_v1_exec_start_stream *io, struct err *err)
{
	struct session session = { .engine = engine, .io = io };
	Cleat__V1__ExecInput *input = NULL;
	int r = cleat_v1_exec_start_recv(io, &input, err);

	if (r < 0)
		return r;
	if (r == 0 || input->message_case != CLEAT__V1__EXEC_INPUT__MESSAGE_START)
		r = err_set(err, ERR_INVALID, "the first message of an exec is its start");
	else
		r = serve(&session, input->start, call, err);
	execrecord_deinit(&session.record);
	if (input)
		cleat__v1__exec_input__free_unpacked(input, NULL);
	return r;
}
