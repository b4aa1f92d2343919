/* SPDX-License-Identifier: Apache-2.0 */
/* Each stream has two aios, one a direction; a listener one for accepting and one to pause with when
 * descriptors run out. nng completes aios on its task threads without a lock held, never inside the
 * call that started them, so callers may start an operation under their own locks.
 *
 * A path too long for sockaddr_un is reached through /proc/self/fd of its directory. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "mem.h"

struct wire {
	nng_stream *stream;
	nng_aio *rx, *tx;
	const struct wire_events *events;
	void *arg;
	bool ipc;
};

struct wire_listener {
	nng_stream_listener *listener;
	nng_aio *aio, *pause;
	void (*accepted)(void *arg, struct wire *wire);
	void *arg;
	int dir_fd;
	bool ipc;
};

static const struct {
	int nng, sys;
} errors[] = {
	{ NNG_EINTR, EINTR },
	{ NNG_ENOMEM, ENOMEM },
	{ NNG_EINVAL, EINVAL },
	{ NNG_EBUSY, EBUSY },
	{ NNG_ETIMEDOUT, ETIMEDOUT },
	{ NNG_ECONNREFUSED, ECONNREFUSED },
	{ NNG_ECLOSED, ESHUTDOWN },
	{ NNG_ENOTSUP, EOPNOTSUPP },
	{ NNG_EADDRINUSE, EADDRINUSE },
	{ NNG_ENOENT, ENOENT },
	{ NNG_EPROTO, EPROTO },
	{ NNG_EUNREACHABLE, EHOSTUNREACH },
	{ NNG_EADDRINVAL, EADDRNOTAVAIL },
	{ NNG_EPERM, EACCES },
	{ NNG_EMSGSIZE, EMSGSIZE },
	{ NNG_ECONNABORTED, ECONNABORTED },
	{ NNG_ECONNRESET, ECONNRESET },
	{ NNG_ECANCELED, ECANCELED },
	{ NNG_ENOFILES, EMFILE },
	{ NNG_ENOSPC, ENOSPC },
	{ NNG_ECONNSHUT, ECONNRESET },
	{ NNG_EPEERAUTH, EKEYREJECTED },
	{ NNG_ECRYPTO, EKEYREJECTED },
};

static int to_errno(int rv)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].nng == rv)
			return -errors[i].sys;
	return rv & NNG_ESYSERR ? -(rv & ~NNG_ESYSERR) : rv == 0 ? 0 : -EIO;
}

static int fail(struct err *err, int rv, const char *what, const char *url)
{
	int r = to_errno(rv);

	if (r == -EKEYREJECTED)
		return err_set(err, ERR_UNAUTHENTICATED, "%s %s: %s", what, url, nng_strerror(rv)),
		       r;
	return err_sys(err, r, "%s %s", what, url);
}

static void read_done(void *arg)
{
	struct wire *w = arg;
	int rv = nng_aio_result(w->rx);
	ssize_t r = rv ? to_errno(rv) : (ssize_t)nng_aio_count(w->rx);

	if (rv == NNG_ECONNSHUT || rv == NNG_ECLOSED)
		r = 0;
	w->events->read_done(w->arg, r);
}

static void write_done(void *arg)
{
	struct wire *w = arg;
	int rv = nng_aio_result(w->tx);

	w->events->write_done(w->arg, rv ? to_errno(rv) : (ssize_t)nng_aio_count(w->tx));
}

/* Consumes the stream. */
static struct wire *wire_new(nng_stream *stream, bool ipc)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w || nng_aio_alloc(&w->rx, read_done, w) || nng_aio_alloc(&w->tx, write_done, w)) {
		wire_free(w);
		nng_stream_free(stream);
		return NULL;
	}
	w->stream = stream;
	w->ipc = ipc;
	if (!ipc) {
		(void)nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true);
		(void)nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true);
	}
	return w;
}

void wire_bind(struct wire *wire, const struct wire_events *events, void *arg)
{
	wire->events = events;
	wire->arg = arg;
}

void wire_read(struct wire *wire, void *data, size_t n)
{
	nng_iov iov = { .iov_buf = data, .iov_len = n };

	(void)nng_aio_set_iov(wire->rx, 1, &iov);
	nng_stream_recv(wire->stream, wire->rx);
}

void wire_write(struct wire *wire, const void *data, size_t n)
{
	nng_iov iov = { .iov_buf = (void *)(uintptr_t)data, .iov_len = n };

	(void)nng_aio_set_iov(wire->tx, 1, &iov);
	nng_stream_send(wire->stream, wire->tx);
}

void wire_peer(const struct wire *wire, struct rpc_peer *peer)
{
	uint64_t uid, gid, pid;

	*peer = (struct rpc_peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (wire->ipc && !nng_stream_get_uint64(wire->stream, NNG_OPT_IPC_PEER_UID, &uid) &&
	    !nng_stream_get_uint64(wire->stream, NNG_OPT_IPC_PEER_GID, &gid) &&
	    !nng_stream_get_uint64(wire->stream, NNG_OPT_IPC_PEER_PID, &pid)) {
		peer->has_credentials = true;
		peer->uid = (uid_t)uid;
		peer->gid = (gid_t)gid;
		peer->pid = (pid_t)pid;
	}
}

bool wire_is_ipc(const struct wire *wire)
{
	return wire->ipc;
}

void wire_close(struct wire *wire)
{
	nng_stream_close(wire->stream);
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	if (wire->stream)
		nng_stream_close(wire->stream);
	if (wire->rx)
		nng_aio_stop(wire->rx);
	if (wire->tx)
		nng_aio_stop(wire->tx);
	if (wire->stream)
		nng_stream_free(wire->stream);
	if (wire->rx)
		nng_aio_free(wire->rx);
	if (wire->tx)
		nng_aio_free(wire->tx);
	free(wire);
}

static void accept_done(void *arg)
{
	struct wire_listener *l = arg;
	int rv = nng_aio_result(l->aio);

	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return;
	if (rv) { /* out of descriptors or memory: not in a tight loop */
		nng_sleep_aio(50, l->pause);
		return;
	}
	struct wire *w = wire_new(nng_aio_get_output(l->aio, 0), l->ipc);
	if (w)
		l->accepted(l->arg, w);
	nng_stream_listener_accept(l->listener, l->aio);
}

static void pause_done(void *arg)
{
	struct wire_listener *l = arg;

	if (nng_aio_result(l->pause) == 0)
		nng_stream_listener_accept(l->listener, l->aio);
}

/* `url`, or for long ipc paths one through an open directory (*dir_fd, owned by the caller). */
static char *short_url(const char *url, int *dir_fd)
{
	const char *path = url + strlen("ipc://");
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = NULL;
	char *out = NULL;

	*dir_fd = -1;
	if (strncmp(url, "ipc://", 6) != 0 || !slash ||
	    strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return strdup(url);
	dir = strndup(path, (size_t)(slash - path));
	*dir_fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (*dir_fd < 0 || asprintf(&out, "ipc:///proc/self/fd/%d%s", *dir_fd, slash) < 0)
		return NULL;
	return out;
}

int wire_listen(struct wire_listener **out, const char *url,
		void (*accepted)(void *arg, struct wire *wire), void *arg, struct err *err)
{
	struct wire_listener *l = calloc(1, sizeof(*l));
	cleanup_free char *actual = NULL;
	int rv;

	if (!l)
		return err_sys(err, ENOMEM, "listen at %s", url);
	*l = (struct wire_listener){
		.accepted = accepted, .arg = arg, .dir_fd = -1, .ipc = !strncmp(url, "ipc://", 6)
	};
	actual = short_url(url, &l->dir_fd);
	rv = actual ? nng_stream_listener_alloc(&l->listener, actual) : NNG_ENOENT;
	if (!rv)
		rv = nng_aio_alloc(&l->aio, accept_done, l);
	if (!rv)
		rv = nng_aio_alloc(&l->pause, pause_done, l);
	if (!rv && l->ipc)
		rv = nng_stream_listener_set_int(l->listener, NNG_OPT_IPC_PERMISSIONS, 0660);
	if (!rv)
		rv = nng_stream_listener_listen(l->listener);
	if (rv) {
		wire_listener_free(l);
		return fail(err, rv, "listen at", url);
	}
	nng_stream_listener_accept(l->listener, l->aio);
	*out = l;
	return 0;
}

int wire_listener_port(const struct wire_listener *listener)
{
	int port = 0;

	if (listener->ipc ||
	    nng_stream_listener_get_int(listener->listener, NNG_OPT_TCP_BOUND_PORT, &port))
		return 0;
	return port;
}

void wire_listener_free(struct wire_listener *listener)
{
	if (!listener)
		return;
	if (listener->listener)
		nng_stream_listener_close(listener->listener);
	if (listener->pause)
		nng_aio_stop(listener->pause);
	if (listener->aio)
		nng_aio_stop(listener->aio);
	if (listener->listener)
		nng_stream_listener_free(listener->listener);
	if (listener->pause)
		nng_aio_free(listener->pause);
	if (listener->aio)
		nng_aio_free(listener->aio);
	if (listener->dir_fd >= 0)
		close(listener->dir_fd);
	free(listener);
}
