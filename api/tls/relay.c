/* SPDX-License-Identifier: Apache-2.0 */
/* One poll loop. A lane reads only when it is empty, so a side that does not take what it gets stops the
 * other. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reframe.h"

/* A silent peer is asked after 15 s, twice, as the RPC itself does on TCP. */
enum { PART = 32 << 10, LAST_MS = 1000, PROBE_S = 15, PROBES = 2, DEAD_MS = 45000 };

struct lane {
	struct reframe frames;
	bool from_tls, ended;
	size_t at, len;
	uint8_t data[2 * PART];
};

struct both {
	struct tls *tls;
	int fd;
	bool any, tls_waits; /* for tls_events() */
	bool hung;           /* the plain side has gone; what it sent may still be there */
	struct lane in, out; /* from TLS, to it */
	uint8_t raw[PART];
};

static bool is_empty(const struct lane *lane)
{
	return lane->at == lane->len;
}

static ssize_t plain_result(ssize_t n)
{
	return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

static ssize_t note_wait(struct both *b, ssize_t n)
{
	if (n == -EAGAIN)
		b->tls_waits = true;
	return n;
}

/* 1 = something moved, 0 = not now, -errno. */
static int fill(struct both *b, struct lane *lane)
{
	ssize_t n = lane->from_tls ? note_wait(b, tls_read(b->tls, b->raw, sizeof(b->raw)))
				   : plain_result(recv(b->fd, b->raw, sizeof(b->raw), 0));
	ptrdiff_t len = n;

	if (n <= 0) {
		lane->ended = n == 0;
		return n == -EAGAIN ? 0 : (int)n;
	}
	b->any = b->any || lane->from_tls;
	if (lane->frames.direction)
		len = reframe(&lane->frames, b->raw, (size_t)n, lane->data);
	else
		memcpy(lane->data, b->raw, (size_t)n);
	if (len < 0)
		return (int)len;
	lane->at = 0;
	lane->len = (size_t)len;
	return 1;
}

static int drain(struct both *b, struct lane *lane)
{
	const uint8_t *data = lane->data + lane->at;
	size_t left = lane->len - lane->at;
	ssize_t n = lane->from_tls ? plain_result(send(b->fd, data, left, MSG_NOSIGNAL))
				   : note_wait(b, tls_write(b->tls, data, left));

	/* nobody takes it any more; what was sent to us before is still to be read */
	if (lane->from_tls && (n == -EPIPE || n == -ECONNRESET))
		n = (ssize_t)left;
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	lane->at += (size_t)n;
	return 1;
}

static int move(struct both *b, struct lane *lane)
{
	int r = 0;

	if (is_empty(lane) && !lane->ended)
		r = fill(b, lane);
	if (r >= 0 && !is_empty(lane)) {
		int more = drain(b, lane);

		r = more < 0 ? more : r + more;
	}
	return r;
}

static int wait_for(struct both *b)
{
	bool last = b->in.ended || b->out.ended || b->hung;
	short plain = (short)((is_empty(&b->out) && !b->out.ended ? POLLIN : 0) |
			      (is_empty(&b->in) ? 0 : POLLOUT));
	struct pollfd p[] = {
		/* one that has gone is always ready, and there is nothing to do about it before `out` is empty */
		{ .fd = plain || !b->hung ? b->fd : -1, .events = plain },
		{ .fd = b->tls_waits ? tls_fd(b->tls) : -1, .events = tls_events(b->tls) },
	};
	int r;

	/* reading and writing wait for different things only within a handshake of TLS 1.2, which is not
	 * allowed to begin again */
	if (b->tls_waits && is_empty(&b->in) && !b->in.ended)
		p[1].events |= POLLIN;
	r = poll(p, 2, last ? LAST_MS : -1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents & (POLLHUP | POLLERR))
		b->hung = true;
	return r == 0 ? -ETIMEDOUT : 0;
}

static bool is_over(const struct both *b)
{
	return (b->in.ended && is_empty(&b->in)) || (b->out.ended && is_empty(&b->out));
}

void relay_tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },        { SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, PROBE_S }, { IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, PROBES },   { IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_MS },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

int relay(struct tls *tls, int fd, bool frames, bool *any)
{
	cleanup_free struct both *b = calloc(1, sizeof(*b));
	int r = 0;

	*any = false;
	if (!b)
		return -ENOMEM;
	b->tls = tls;
	b->fd = fd;
	b->in.from_tls = true;
	b->in.frames.direction = frames ? REFRAME_TO_IPC : 0;
	b->out.frames.direction = frames ? REFRAME_TO_TCP : 0;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	while (r >= 0 && !is_over(b)) {
		int moved;

		b->tls_waits = false;
		moved = move(b, &b->in);
		r = moved < 0 ? moved : move(b, &b->out);
		if (r == 0 && moved == 0 && !is_over(b))
			r = wait_for(b);
	}
	*any = b->any;
	return r < 0 ? r : 0;
}
