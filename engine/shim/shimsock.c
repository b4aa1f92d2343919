/* SPDX-License-Identifier: Apache-2.0 */
#include "shimsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fd.h"
#include "shimlink.h"

int shimsock_dir(const struct engine *engine, const char *id)
{
	int fd = openat(engine->shims_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int shimsock_dial(const struct engine *engine, const char *id)
{
	cleanup_fd int dir = shimsock_dir(engine, id);
	int sock;

	if (dir < 0)
		return -ENOTCONN;
	sock = fd_unix_connect(dir, "sock", SOCK_SEQPACKET | SOCK_NONBLOCK);
	return sock == -ENOENT || sock == -ECONNREFUSED ? -ENOTCONN : sock;
}

bool shims_alive(const struct engine *engine, const char *id)
{
	cleanup_fd int dir = shimsock_dir(engine, id);
	cleanup_fd int lock = dir < 0 ? dir : fd_lock_existing(dir, "lock", false);

	return lock == -EAGAIN || lock == -EACCES;
}

int shimsock_send(int sock, const Cleat__Shim__V1__ShimRequest *request, const int *fds,
		  size_t n_fds)
{
	size_t len = cleat__shim__v1__shim_request__get_packed_size(request);
	cleanup_free uint8_t *bytes = malloc(len + 1);

	if (!bytes)
		return -ENOMEM;
	if (len > SHIMSOCK_MESSAGE_MAX)
		return -EMSGSIZE;
	cleat__shim__v1__shim_request__pack(request, bytes);
	return fd_send(sock, bytes, len, fds, n_fds, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int shimsock_subscribe(int sock, int64_t last_seq, bool layers)
{
	Cleat__Shim__V1__SubscribeRequest body = CLEAT__SHIM__V1__SUBSCRIBE_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	body.from_seq = (uint64_t)last_seq + 1;
	body.layers = layers;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_SUBSCRIBE;
	request.subscribe = &body;
	return shimsock_send(sock, &request, NULL, 0);
}

int shimsock_release(int sock, uint64_t seq)
{
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__ReleaseRequest body = CLEAT__SHIM__V1__RELEASE_REQUEST__INIT;

	body.seq = seq;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RELEASE;
	request.release = &body;
	return shimsock_send(sock, &request, NULL, 0);
}
