/* SPDX-License-Identifier: Apache-2.0 */
/* A session's frames go straight into its socket; what does not fit waits in its queue. Only a lossless
 * session may have a queue while the process runs, and then its io reads no further output; at the end
 * any session may, so that the last bytes and the exit code arrive. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

enum { FRAME_MAX = LOGREC_DATA_MAX + 64, QUEUE_MAX = 2 << 20, LEFT_MAX = 512 << 10 };

void session_remove(struct session *session)
{
	struct io *io = session->io;

	loop_remove(&io->shim->loop, &session->src);
	close(session->src.fd);
	list_remove(&session->link);
	if (session->counted)
		session->counted->session = NULL;
	io->shim->n_sessions--;
	buf_deinit(&session->queue);
	free(session);
	if (io->exec && list_empty(&io->sessions))
		exec_alone(io->exec);
	io_resume(io);
	life_quit(io->shim);
}

bool session_full(const struct session *session)
{
	return session->lossless && session->queue.len > 0;
}

bool session_busy(const struct io *io)
{
	struct session *session;

	list_each (session, &io->sessions, link)
		if (session->queue.len > 0)
			return true;
	return false;
}

static uint32_t watched(const struct session *session)
{
	/* What comes before there is a stdin to write to waits in the socket, and so does what comes
	 * while earlier input waits. */
	bool reading = session->want[0] && session->io->in_fd >= 0 && session->io->input.len == 0 &&
		       !session->ending;
	bool writing = session->queue.len > 0 || session->untold;

	return (reading ? EPOLLIN : 0u) | (writing ? EPOLLOUT : 0u);
}

static void rewatch(struct session *session)
{
	if (loop_change(&session->io->shim->loop, &session->src, watched(session)) < 0)
		log_error("session cannot be watched");
}

/* Sends queued frames until the socket is full. False when the peer is gone. */
static bool flush(struct session *session)
{
	struct buf *q = &session->queue;
	size_t at = 0;
	int r = 0;

	while (at < q->len) {
		uint32_t len;

		memcpy(&len, q->data + at, sizeof(len));
		r = fd_send(session->src.fd, q->data + at + sizeof(len), len, NULL, 0,
			    MSG_DONTWAIT);
		if (r < 0)
			break;
		at += sizeof(len) + len;
	}
	buf_consume(q, at);
	return r == 0 || r == -EAGAIN;
}

static void leave(struct session *session);

static bool enqueue(struct session *session, const uint8_t *bytes, uint32_t len)
{
	buf_append(&session->queue, &len, sizeof(len));
	buf_append(&session->queue, bytes, len);
	if (session->queue.error || session->queue.len > QUEUE_MAX) {
		leave(session);
		return false;
	}
	rewatch(session);
	return true;
}

bool session_frame(struct session *session, const Cleat__Shim__V1__StreamFrame *frame)
{
	static uint8_t bytes[FRAME_MAX];
	size_t len = cleat__shim__v1__stream_frame__get_packed_size(frame);
	int r;

	if (len > sizeof(bytes))
		return true;
	cleat__shim__v1__stream_frame__pack(frame, bytes);
	if (session->queue.len > 0)
		return enqueue(session, bytes, (uint32_t)len);
	r = fd_send(session->src.fd, bytes, len, NULL, 0, MSG_DONTWAIT);
	if (r == 0 && !session->ending)
		return true;
	if (r == -EAGAIN && (session->lossless || session->ending))
		return enqueue(session, bytes, (uint32_t)len);
	leave(session);
	return false;
}

/* How much was taken, in the next frame that the socket has room for. */
static void tell_taken(struct session *session)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	uint8_t bytes[32];

	frame.stream = 3;
	frame.input_taken = session->counted->taken;
	session->untold =
		session->queue.len > 0 ||
		fd_send(session->src.fd, bytes, cleat__shim__v1__stream_frame__pack(&frame, bytes),
			NULL, 0, MSG_DONTWAIT) == -EAGAIN;
	if (session->untold)
		rewatch(session);
}

void session_count(struct session *session, const Cleat__Shim__V1__CountedInput *input)
{
	struct counted *counted = input ? counted_get(session->io, input) : NULL;

	if (!counted)
		return;
	if (counted->session)
		session_remove(counted->session);
	counted->session = session;
	session->counted = counted;
}

void session_tell_count(const struct session *session, Cleat__Shim__V1__ShimReply *reply)
{
	if (!session || !session->counted)
		return;
	reply->input_case = CLEAT__SHIM__V1__SHIM_REPLY__INPUT_INPUT_TAKEN;
	reply->input_taken = session->counted->taken;
}

/* The end of a client's input. */
static void end_input(struct session *session)
{
	struct io *io = session->io;

	session->want[0] = false;
	if (io->stdin_once && !io->tty) {
		io->close_in = true;
		io_input_flush(io);
	}
	rewatch(session);
}

static void take_input(struct session *session, const Cleat__Shim__V1__StreamFrame *frame)
{
	struct io *io = session->io;

	if (frame->stream == 3 && frame->rows) {
		/* Before the container runs it is the size its terminal will have. */
		if (io_resize(io, frame->rows, frame->columns) < 0 && !io->exec) {
			io->shim->spec->rows = frame->rows;
			io->shim->spec->columns = frame->columns;
		}
		return;
	}
	if (frame->stream == 0 && frame->ended && session->want[0])
		end_input(session);
	if (frame->stream != 0 || (io->in_fd < 0 && !io_awaits_start(io)))
		return;
	buf_append(&io->input, frame->data.data, frame->data.len);
	if (session->counted) {
		session->counted->taken += frame->data.len;
		tell_taken(session);
	}
	io_input_flush(io);
	if (io->input.len > 0)
		session_input_changed(io);
}

/* Takes the next frame that has come: its size, 0 when no more will, -EAGAIN, -errno. */
static ssize_t take_next(struct session *session)
{
	static uint8_t bytes[FRAME_MAX];
	ssize_t n = fd_recv(session->src.fd, bytes, sizeof(bytes), NULL, NULL, MSG_DONTWAIT);
	Cleat__Shim__V1__StreamFrame *frame;

	if (n <= 0)
		return n;
	frame = cleat__shim__v1__stream_frame__unpack(NULL, (size_t)n, bytes);
	if (!frame)
		return -EBADMSG;
	take_input(session, frame);
	cleat__shim__v1__stream_frame__free_unpacked(frame, NULL);
	return n;
}

/* What a client that is gone has sent is taken all the same, until too much waits of such ones. One that counts sends
 * the rest again. */
static ssize_t take_left(struct session *session)
{
	return session->io->input.len < LEFT_MAX ? take_next(session) : 0;
}

/* Removes the session of a client that takes no output. */
static void leave(struct session *session)
{
	while (!session->ending && session->want[0] && take_left(session) > 0)
		;
	session_remove(session);
}

static void session_ready(struct source *src, uint32_t events)
{
	struct session *session = container_of(src, struct session, src);
	bool left = events & (EPOLLHUP | EPOLLERR);
	ssize_t n;

	if (events & EPOLLOUT) {
		if (!flush(session) || (session->ending && session->queue.len == 0)) {
			leave(session);
			return;
		}
		if (session->untold)
			tell_taken(session);
		rewatch(session);
		io_resume(session->io);
	}
	if (!left && !(events & EPOLLIN))
		return;
	n = left ? take_left(session) : take_next(session);
	if (n > 0 || n == -EAGAIN)
		return;
	/* A half-closed socket has no hang-up: only input has ended. */
	if (n == 0 && !left && session->want[0])
		end_input(session);
	else
		session_remove(session);
}

void session_input_changed(struct io *io)
{
	struct session *session;

	list_each (session, &io->sessions, link)
		rewatch(session);
}

int session_add(struct io *io, int fd, const bool want[3], bool lossless, struct session **out)
{
	cleanup_fd int owned = fd;
	cleanup_free struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	if (io->shim->n_sessions >= SHIM_SESSIONS_MAX)
		return -EMFILE;
	*session = (struct session){
		.src = { .fd = fd, .ready = session_ready },
		.io = io,
		.lossless = lossless,
	};
	memcpy(session->want, want, sizeof(session->want));
	r = loop_add(&io->shim->loop, &session->src, watched(session));
	if (r < 0)
		return r;
	steal_fd(&owned);
	list_append(&io->sessions, &session->link);
	io->shim->n_sessions++;
	if (out)
		*out = session;
	steal(&session);
	return 0;
}
