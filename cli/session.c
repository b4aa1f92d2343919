/* SPDX-License-Identifier: Apache-2.0 */
/* One poll loop over stdin, a signalfd and the connection. Output is written before the next message
 * is received, so a slow reader slows the container and nothing piles up here. Input is read only when
 * the call takes it: a container may write much before it reads. Attach and exec have messages of the
 * same shape but different types, which are mapped to one set of events.
 *
 * When the connection breaks or the engine moves, the call is opened again behind the last byte
 * written, and input that the container's supervisor has not taken is sent again. */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/exec.rpc.h"
#include "fd.h"
#include "msg.h"
#include "resend.h"
#include "sessionevent.h"
#include "str.h"
#include "term.h"

enum { INPUT_BYTES = 32 << 10, LEAVE_NS = 1000000000 };

struct state {
	struct cli *cli;
	struct session *s;
	struct rpc_client_call *call;
	struct term term;
	struct detach detach;
	int signal_fd;
	struct resend input;
	char input_key[65];
	Cleat__V1__CountedInput counted; /* of the call that is open, in its start */
	bool stdin_open, stdin_ended, ended;
	bool end_sent; /* on the call that is open */
	bool left;     /* by the detach keys; what was typed before them may be on its way */
	bool moving;   /* another engine takes over: input waits for the next call */
	bool resized;  /* the terminal, and it is not sent yet */
	bool exited;   /* the exit code is known; the call goes on until all is cleaned up */
	int exit_code;
	int64_t failed_ns;
	int64_t leave_ns; /* when what was typed before the detach keys is waited for no longer */
	char id[SESSIONEVENT_ID_MAX]; /* of the exec session */
	char key[65];                 /* of the call, the same each time it is opened */
	Cleat__V1__TerminalSize size; /* when the call was opened */
};

/* ---- the two kinds of messages */

static int send_input(struct state *st, const uint8_t *data, size_t n, struct err *err)
{
	ProtobufCBinaryData bytes = { .len = n, .data = (uint8_t *)(uintptr_t)data };
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;

	a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_STDIN;
	a.stdin = bytes;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_STDIN;
	e.stdin = bytes;
	return rpc_client_call_send(st->call, st->s->attach ? &a.base : &e.base, err);
}

static int send_signal(struct state *st, const char *name, struct err *err)
{
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;

	a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_SIGNAL;
	a.signal = (char *)(uintptr_t)name;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_SIGNAL;
	e.signal = (char *)(uintptr_t)name;
	return rpc_client_call_send(st->call, st->s->attach ? &a.base : &e.base, err);
}

/* By a call of its own, where nothing can be sent on the one of the streams: input has ended, or the
 * container takes none. That the container has ended meanwhile is no error of this session. */
static void kill_container(struct state *st, const char *name)
{
	Cleat__V1__KillContainerRequest req = CLEAT__V1__KILL_CONTAINER_REQUEST__INIT;
	struct err err = ERR_NULL;

	req.container = st->s->attach->container;
	req.signal = (char *)(uintptr_t)name;
	(void)!remote_call(st->cli, &cleat_v1_containers, "Kill", &req.base, NULL, &err);
}

static int send_size(struct state *st, struct err *err)
{
	Cleat__V1__TerminalSize size = CLEAT__V1__TERMINAL_SIZE__INIT;
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;

	st->resized = false;
	if (!term_size(STDOUT_FILENO, &size.rows, &size.columns))
		return 0;
	a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_RESIZE;
	a.resize = &size;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_RESIZE;
	e.resize = &size;
	return rpc_client_call_send(st->call, st->s->attach ? &a.base : &e.base, err);
}

/* Signals of earlier changes may have come before they were waited for, or have gone to an engine that is gone. */
static void note_size(struct state *st)
{
	Cleat__V1__TerminalSize *size = &st->size;

	cleat__v1__terminal_size__init(size);
	st->resized = false;
	if (!st->s->tty || !term_size(STDOUT_FILENO, &size->rows, &size->columns))
		size = NULL;
	if (st->s->attach)
		st->s->attach->terminal = size;
	else
		st->s->exec->terminal = size;
}

static int open_call(struct state *st, struct err *err)
{
	Cleat__V1__AttachRequest a = CLEAT__V1__ATTACH_REQUEST__INIT;
	Cleat__V1__ExecInput e = CLEAT__V1__EXEC_INPUT__INIT;

	st->moving = st->end_sent = false;
	note_size(st);
	cleat__v1__counted_input__init(&st->counted);
	st->counted.key = st->input_key;
	st->counted.from = st->input.from;
	if (st->s->attach) {
		st->s->attach->moves = true;
		st->s->attach->input = st->s->attach->stdin ? &st->counted : NULL;
		a.message_case = CLEAT__V1__ATTACH_REQUEST__MESSAGE_START;
		a.start = st->s->attach;
		return remote_open(st->cli, &cleat_v1_containers, "Attach", st->key, &a.base,
				   &st->call, err);
	}
	if (st->id[0]) {
		st->s->exec->exec_id = st->id;
		st->s->exec->create = NULL;
	}
	st->s->exec->moves = true;
	st->s->exec->input = &st->counted;
	e.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_START;
	e.start = st->s->exec;
	return remote_open(st->cli, &cleat_v1_exec, "Start", st->key, &e.base, &st->call, err);
}

/* ---- events */

static void written(struct state *st, uint64_t position)
{
	if (st->s->attach) {
		st->s->attach->resume_case = CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
		st->s->attach->resume_position = position;
	} else {
		st->s->exec->resume_case = CLEAT__V1__EXEC_START__RESUME_RESUME_POSITION;
		st->s->exec->resume_position = position;
	}
}

static int handle(struct state *st, struct event *e, struct err *err)
{
	int r;

	switch (e->kind) {
	case EV_OUTPUT:
		if (st->left)
			return 0;
		r = output_write(e->is_stderr ? STDERR_FILENO : STDOUT_FILENO, e->data.data,
				 e->data.len);
		if (r == -EPIPE) { /* as a program that SIGPIPE ends; the container goes on */
			st->ended = true;
			st->exit_code = 128 + SIGPIPE;
			return 0;
		}
		if (r < 0) {
			(void)err_sys(err, r, "output");
			err->code = ERR_INTERNAL; /* no reason to open the call again */
			return r;
		}
		written(st, e->position);
		return 0;
	case EV_OPENED:
		resend_opened(&st->input, e->counted, e->input_taken);
		if (st->s->exec && !st->s->exec->resume_case)
			written(st, 0);
		return 0;
	case EV_TAKEN:
		resend_taken(&st->input, e->input_taken);
		return 0;
	case EV_STARTED:
		if (st->s->attach)
			st->s->attach->start = false;
		return 0;
	case EV_EXITED:
		st->exited = true;
		st->exit_code = e->exit_code;
		if (e->error && e->error[0])
			fprintf(stderr, "cleat: %s\n", e->error);
		return 0;
	case EV_DETACHED:
		st->ended = true;
		return 0;
	case EV_MOVING:
		st->moving = true;
		return rpc_client_call_end(st->call, err);
	default:
		return 0;
	}
}

/* Whether a message may be sent on the call now. */
static bool may_send(const struct state *st)
{
	return !st->moving && rpc_client_call_may_send(st->call);
}

/* Everything that has come. 0, or the error the call ended with. */
static int receive(struct state *st, struct err *err)
{
	while (!st->ended) {
		ProtobufCMessage *m = NULL;
		struct event e = { 0 };
		int r = rpc_client_call_try_recv(st->call, &m, err);

		if (r == -EAGAIN)
			return 0;
		if (r == 0 || (r < 0 && st->exited)) {
			st->ended = true;
			return 0;
		}
		if (r < 0)
			return r;
		st->failed_ns = 0;
		if (st->s->attach)
			sessionevent_of_attach((Cleat__V1__AttachReply *)(void *)m, st->s->attach,
					       &e);
		else
			sessionevent_of_exec((Cleat__V1__ExecOutput *)(void *)m, st->id, &e);
		r = handle(st, &e, err);
		protobuf_c_message_free_unpacked(m, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What waits, a part at a time as the call takes it, then the end. */
static int send_waiting(struct state *st, struct err *err)
{
	const char *data;
	size_t n;
	int r = 0;

	while (r == 0 && may_send(st) && (n = resend_next(&st->input, &data)) > 0) {
		n = n < INPUT_BYTES ? n : INPUT_BYTES;
		r = send_input(st, (const uint8_t *)data, n, err);
		if (r == 0)
			resend_sent(&st->input, n);
	}
	if (r == 0 && st->s->stdin_wanted && st->stdin_ended && !st->end_sent && st->input.open &&
	    !st->moving && st->input.sent == st->input.kept.len) {
		st->end_sent = true;
		r = rpc_client_call_end(st->call, err);
	}
	/* the call may have ended while we read: its status tells, not the pipe */
	return r == -EPIPE ? 0 : r;
}

static int read_stdin(struct state *st, struct err *err)
{
	uint8_t in[INPUT_BYTES], out[INPUT_BYTES + DETACH_MAX];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	const uint8_t *data = in;
	size_t n_out = n > 0 ? (size_t)n : 0;
	bool detached = false;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		st->stdin_open = false;
		st->stdin_ended = true;
		return 0;
	}
	if (st->term.raw) {
		detached = detach_filter(&st->detach, in, (size_t)n, out, &n_out);
		data = out;
	}
	if (resend_add(&st->input, data, n_out) < 0)
		return err_sys(err, ENOMEM, "input");
	if (detached) {
		st->left = true;
		st->stdin_open = false;
		st->leave_ns = fd_monotonic_ns() + LEAVE_NS;
		fprintf(stderr, "\r\nread escape sequence\r\n");
	}
	return 0;
}

/* Whether a message on the call is read at once, and not behind input that the container may never take. */
static bool goes_on(const struct state *st)
{
	return !st->stdin_ended && may_send(st) && st->input.kept.len == 0;
}

static int take_signal(struct state *st, struct err *err)
{
	struct signalfd_siginfo info;
	char name[16];
	int r = 0;

	if (read(st->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH)
		st->resized = st->s->tty;
	else {
		(void)snprintf(name, sizeof(name), "%u", info.ssi_signo);
		if (st->s->attach && !goes_on(st))
			kill_container(st, name);
		else if (!st->stdin_ended && may_send(st))
			r = send_signal(st, name, err);
	}
	return r == -EPIPE ? 0 : r;
}

/* Not while earlier input waits, for its call or in case that it has to be sent again. */
static bool wants_input(const struct state *st)
{
	return st->stdin_open && may_send(st) && st->input.open &&
	       st->input.sent == st->input.kept.len && !resend_full(&st->input);
}

/* The container has all, or takes nothing. */
static bool may_leave(const struct state *st)
{
	return st->left && (st->input.kept.len == 0 || fd_monotonic_ns() >= st->leave_ns);
}

static int step(struct state *st, struct err *err)
{
	struct rpc_client *client = st->cli->client;
	struct pollfd p[3] = {
		{ .fd = rpc_client_fd(client), .events = rpc_client_events(client) },
		{ .fd = st->signal_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	int r = receive(st, err), ms;

	if (r == 0 && !st->ended)
		r = send_waiting(st, err);
	st->ended = st->ended || may_leave(st);
	if (r < 0 || st->ended)
		return r;
	ms = rpc_client_timeout_ms(client);
	if (st->left)
		ms = fd_timeout_ms(ms, st->leave_ns);
	p[0].events = rpc_client_events(client);
	if (wants_input(st))
		p[2].fd = STDIN_FILENO;
	if (poll(p, 3, ms) < 0 && errno != EINTR)
		return err_sys(err, errno, "poll");
	if (p[1].revents)
		r = take_signal(st, err);
	if (r == 0 && st->resized && may_send(st))
		r = send_size(st, err);
	if (r == 0 && p[2].revents)
		r = read_stdin(st, err);
	if (r == 0 && !st->ended)
		/* what breaks here is told by the call's status */
		(void)rpc_client_process(client, err);
	return r;
}

static int session_loop(struct state *st, struct err *err)
{
	int r = open_call(st, err);

	while (r == 0 || st->failed_ns) {
		while (r == 0 && !st->ended) {
			*err = ERR_NULL;
			r = step(st, err);
		}
		if (r == 0 || st->left)
			return 0;
		st->call = rpc_client_call_close(st->call);
		resend_broken(&st->input);
		if (!remote_again(st->cli, err, &st->failed_ns))
			return r;
		*err = ERR_NULL;
		r = open_call(st, err);
	}
	return r;
}

static int watch_signals(struct state *st, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	if (st->s->sig_proxy && !st->s->tty) {
		static const int proxied[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
					       SIGUSR1, SIGUSR2, SIGCONT };

		for (size_t i = 0; i < ARRAY_LEN(proxied); i++)
			sigaddset(&set, proxied[i]);
	} else if (st->s->sig_proxy) {
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGHUP);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	st->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return st->signal_fd < 0 ? err_sys(err, errno, "signalfd") : 0;
}

static void tell_left(struct state *st)
{
	Cleat__V1__TellDetachedRequest req = CLEAT__V1__TELL_DETACHED_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__TellDetachedReply *reply = NULL;
	struct err err = ERR_NULL;

	if (st->s->attach)
		req.container = st->s->attach->container;
	else
		req.exec_id = st->id;
	(void)!remote_call(st->cli, &cleat_v1_containers, "TellDetached", &req.base, &reply, &err);
}

int session_run(struct cli *cli, struct session *session, struct err *err)
{
	struct state st = { .cli = cli, .s = session, .signal_fd = -1 };
	int r = detach_parse(&st.detach, session->detach_keys, err);

	if (r < 0)
		return r;
	str_random_id(st.key);
	str_random_id(st.input_key);
	r = watch_signals(&st, err);
	st.stdin_open = session->stdin_wanted;
	st.stdin_ended = !session->stdin_wanted;
	if (r == 0 && session->tty && session->stdin_wanted && isatty(STDIN_FILENO))
		r = term_raw(&st.term, STDIN_FILENO);
	if (r == 0)
		r = session_loop(&st, err);
	term_restore(&st.term, STDIN_FILENO);
	st.call = rpc_client_call_close(st.call);
	resend_deinit(&st.input);
	if (r == 0 && st.left && !st.exited)
		tell_left(&st);
	if (st.signal_fd >= 0)
		close(st.signal_fd);
	return r < 0 ? r : st.exit_code;
}
