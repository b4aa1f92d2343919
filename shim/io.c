/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams. The container's output FIFOs are opened read-write on both sides, by the shim and
 * as the container's own stdout and stderr: so neither the shim's death nor its absence gives the
 * container a SIGPIPE or an end of file, it only finds a full pipe after 64 KiB. There is therefore no
 * end of file to wait for: when the process has ended, what is in the FIFOs is all there will be. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "shim.h"

static const char *const fifo_names[] = { "stdout", "stderr" };

void io_init(struct shim *shim, struct io *io, struct logfile *log)
{
	*io = (struct io){ .shim = shim, .log = log, .in_fd = -1 };
	list_init(&io->sessions);
	list_init(&io->counted);
	for (uint8_t i = 0; i < 2; i++)
		io->out[i] = (struct stream){ .io = io, .src.fd = -1, .number = (uint8_t)(i + 1) };
}

static bool wanted(const struct io *io, uint8_t number)
{
	struct session *session;

	list_each (session, &io->sessions, link)
		if (session->want[number])
			return true;
	return false;
}

static void hand_out(struct io *io, uint8_t number, uint64_t position, const char *data, size_t n)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	struct session *session, *next;

	frame.stream = number;
	frame.position = position;
	frame.data.data = (uint8_t *)(uintptr_t)data;
	frame.data.len = n;
	list_each_safe (session, next, &io->sessions, link)
		if (session->want[number])
			session_frame(session, &frame);
}

static bool held_up(const struct io *io)
{
	struct session *session;

	list_each (session, &io->sessions, link)
		if (session_full(session))
			return true;
	return false;
}

void io_pause(struct io *io)
{
	for (size_t i = 0; i < ARRAY_LEN(io->out); i++) {
		struct stream *out = &io->out[i];

		if (!out->src.added)
			continue;
		loop_remove(&io->shim->loop, &out->src);
		out->paused = true;
	}
}

void io_resume(struct io *io)
{
	if (io->held || held_up(io))
		return;
	for (size_t i = 0; i < ARRAY_LEN(io->out); i++) {
		struct stream *out = &io->out[i];

		if (out->paused && loop_add(&io->shim->loop, &out->src, EPOLLIN) == 0)
			out->paused = false;
	}
}

/* One portion of output; its size, 0 = nothing there now, -errno at the end. */
static ssize_t take(struct stream *out)
{
	static char data[LOGREC_DATA_MAX];
	struct io *io = out->io;
	char *copy = wanted(io, out->number) ? data : NULL;
	uint64_t position = io->log ? io->log->position : io->recent.position;
	ssize_t n;

	if (io->log) {
		n = logfile_take(io->log, out->src.fd, out->is_pipe, out->number, fd_realtime_ns(),
				 copy);
		if (io->log->rotated) {
			/* where output is must not be in a segment alone that may now be compressed */
			status_publish(io->shim);
			control_tell_rotated(io->shim, NULL);
		}
	} else {
		copy = data;
		n = read(out->src.fd, data, sizeof(data));
		if (n < 0)
			n = errno == EAGAIN ? 0 : -errno;
		else if (n == 0)
			n = -EPIPE;
	}
	if (n > 0 && io->exec && io->exec->probe)
		probe_output(io->exec, data, (size_t)n);
	else if (n > 0 && !io->log)
		recent_add(&io->recent, out->number, data, (size_t)n);
	if (n > 0 && copy)
		hand_out(io, out->number, position, copy, (size_t)n);
	return n;
}

static void close_stream(struct stream *out)
{
	if (out->src.fd < 0)
		return;
	loop_remove(&out->io->shim->loop, &out->src);
	close(out->src.fd);
	out->src.fd = -1;
	out->paused = false;
}

static void out_ready(struct source *src, uint32_t events)
{
	struct stream *out = container_of(src, struct stream, src);

	(void)events;
	if (take(out) < 0)
		close_stream(out);
	else if (held_up(out->io))
		io_pause(out->io);
}

static int watch_out(struct stream *out, int fd, bool is_pipe)
{
	out->src = (struct source){ .fd = fd, .ready = out_ready };
	out->is_pipe = is_pipe;
	return loop_add(&out->io->shim->loop, &out->src, EPOLLIN);
}

static int make_fifo(struct shim *shim, const char *name)
{
	int fd;

	if (mkfifoat(shim->run_fd, name, 0600) < 0 && errno != EEXIST)
		return -errno;
	if ((shim->spec->uid || shim->spec->gid) &&
	    fchownat(shim->run_fd, name, shim->spec->uid, shim->spec->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	fd = openat(shim->run_fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void in_ready(struct source *src, uint32_t events)
{
	(void)events;
	io_input_flush(container_of(src, struct io, in_src));
}

static void set_input(struct io *io, int fd)
{
	io->in_fd = fd;
	io->in_src = (struct source){ .fd = fd, .ready = in_ready };
	/* what came before: by the loop, when the process holds the other end */
	if ((io->input.len > 0 || io->close_in) &&
	    loop_add(&io->shim->loop, &io->in_src, EPOLLOUT) < 0)
		io->input.len = 0;
	session_input_changed(io);
}

int io_open_fifos(struct shim *shim)
{
	struct io *io = &shim->io;

	for (size_t i = 0; i < ARRAY_LEN(io->out); i++) {
		int fd, r;

		if (io->out[i].src.fd >= 0)
			continue;
		fd = make_fifo(shim, fifo_names[i]);
		r = fd < 0 ? fd : watch_out(&io->out[i], fd, true);
		if (r < 0)
			return r;
	}
	if (shim->spec->open_stdin && io->in_fd < 0) {
		int fd = make_fifo(shim, "stdin");

		if (fd < 0)
			return fd;
		set_input(io, fd);
	}
	return 0;
}

static int nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int io_open_pipes(struct io *io, int out_fd, int err_fd, int in_fd)
{
	int fds[] = { out_fd, err_fd }, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] < 0)
			continue;
		r = r ? r : nonblocking(fds[i]);
		r = r ? r : watch_out(&io->out[i], fds[i], true);
		if (io->out[i].src.fd < 0)
			close(fds[i]);
	}
	if (in_fd >= 0) {
		r = r ? r : nonblocking(in_fd);
		set_input(io, in_fd);
	}
	return r;
}

int io_open_tty(struct io *io, int fd)
{
	/* of its own for input, as a loop knows a descriptor once */
	int in = fcntl(fd, F_DUPFD_CLOEXEC, 0), r = in < 0 ? -errno : nonblocking(in);
	int watched = watch_out(&io->out[0], fd, false);

	io->tty = true;
	if (in >= 0)
		set_input(io, in);
	return r < 0 ? r : watched;
}

static void close_input(struct io *io)
{
	loop_remove(&io->shim->loop, &io->in_src);
	closep(&io->in_fd);
	io->in_fd = -1;
	buf_deinit(&io->input);
	io->close_in = false;
}

bool io_awaits_start(const struct io *io)
{
	return !io->exec && io->in_fd < 0 && io->shim->spec->open_stdin &&
	       io->shim->status.state == CLEAT__SHIM__V1__STATE__CREATED;
}

void io_input_flush(struct io *io)
{
	bool waited = io->input.len > 0;

	if (io_awaits_start(io))
		return;
	while (io->in_fd >= 0 && io->input.len > 0) {
		ssize_t n = write(io->in_fd, io->input.data, io->input.len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			io->input.len = 0;
			break;
		}
		buf_consume(&io->input, (size_t)n);
	}
	if (io->input.len > 0) {
		if (!io->in_src.added && loop_add(&io->shim->loop, &io->in_src, EPOLLOUT) < 0)
			io->input.len = 0;
		return;
	}
	loop_remove(&io->shim->loop, &io->in_src);
	if (waited)
		session_input_changed(io);
	if (io->close_in && !io->tty) {
		close_input(io);
		keep_tell(io);
	}
}

void io_drain(struct io *io)
{
	for (size_t i = 0; i < ARRAY_LEN(io->out); i++)
		while (io->out[i].src.fd >= 0 && take(&io->out[i]) > 0)
			;
}

void io_close_streams(struct io *io)
{
	for (size_t i = 0; i < ARRAY_LEN(io->out); i++)
		close_stream(&io->out[i]);
	if (io->in_fd >= 0)
		close_input(io);
	keep_tell(io);
}

void io_end(struct io *io, int exit_code, bool oom_killed)
{
	Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	struct session *session, *next;

	frame.stream = 3;
	frame.ended = true;
	frame.exit_code = exit_code;
	frame.oom_killed = oom_killed;
	list_each_safe (session, next, &io->sessions, link) {
		session->ending = true;
		session_frame(session, &frame);
	}
	io_close_streams(io);
}

int io_resize(struct io *io, uint32_t rows, uint32_t columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	if (!io->tty || io->in_fd < 0)
		return -ENOTTY;
	return ioctl(io->in_fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
