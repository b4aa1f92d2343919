/* SPDX-License-Identifier: Apache-2.0 */
/* Its output comes over a lossless attach from before its start to its end, which that tells too. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "cancel.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "hold.h"
#include "internal.h"
#include "lifecycle.h"
#include "log.h"
#include "make.h"
#include "remove.h"
#include "shimlink.h"
#include "start.h"
#include "str.h"

enum { FRAME_MAX = 40 << 10 };

int sandbox_open(struct sandbox *s, struct engine *engine,
		 const Cleat__V1__CreateContainerRequest *request, struct err *err)
{
	Cleat__V1__CreateContainerReply *reply =
		cleat__v1__create_container_reply__unpack(NULL, 0, NULL);
	Cleat__V1__CreateContainerRequest *own = internal_copy(request);
	int r = own && reply ? make_container(engine, own, "", reply, err)
			     : err_sys(err, ENOMEM, "build");

	s->engine = engine;
	if (r == 0)
		(void)snprintf(s->id, sizeof(s->id), "%s", reply->id);
	if (own)
		cleat__v1__create_container_request__free_unpacked(own, NULL);
	if (reply)
		cleat__v1__create_container_reply__free_unpacked(reply, NULL);
	if (r < 0)
		return r;
	s->hold_fd = hold_open(engine, s->id);
	return s->hold_fd < 0 ? err_sys(err, s->hold_fd, "hold the step's container") : 0;
}

void sandbox_deinit(struct sandbox *s)
{
	struct err err = ERR_NULL;

	closep(&s->sock);
	if (s->id[0] && remove_container(s->engine, s->id, true, "", INTERRUPT_NONE, &err) < 0 &&
	    err.code != ERR_NOT_FOUND)
		log_error("cannot remove a build's container id=%.12s: %s", s->id, err.message);
	closep(&s->hold_fd);
	*s = SANDBOX_NULL;
}

int sandbox_upper(const struct sandbox *s, struct err *err)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/upper", s->id);
	int fd = openat(s->engine->containers_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open the step's files") : fd;
}

static int attach(struct sandbox *s, struct err *err)
{
	Cleat__Shim__V1__AttachRequest body = CLEAT__SHIM__V1__ATTACH_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	cleanup(record_deinit) struct record record = { 0 };
	int pair[2], r = record_find(s->engine->store, s->id, &record, err);

	r = r ? r : lifecycle_reach(s->engine, &record, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "attach");
	body.stdout = body.stderr = body.lossless = true;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH;
	request.attach = &body;
	r = shims_call(s->engine->shims, s->id, &request, &pair[1], 1, SHIM_CALL_MS, NULL, err);
	close(pair[1]);
	s->sock = pair[0];
	return r;
}

struct reading {
	struct sandbox *s;
	int (*output)(void *ctx, int stream, const void *data, size_t n, struct err *err);
	void *ctx;
	int *code;
	bool ended;
	uint8_t bytes[FRAME_MAX];
};

static int read_frame(struct reading *reading, struct err *err)
{
	size_t n_fds = 0;
	ssize_t n = fd_recv(reading->s->sock, reading->bytes, FRAME_MAX, NULL, &n_fds, 0);
	Cleat__Shim__V1__StreamFrame *frame;
	int r = 0;

	if (n <= 0)
		return err_reason(err, ERR_UNAVAILABLE, "SHIM_GONE",
				  "the supervisor of the step's container ended");
	frame = cleat__shim__v1__stream_frame__unpack(NULL, (size_t)n, reading->bytes);
	if (!frame)
		return err_set(err, ERR_INTERNAL, "undecodable frame from the shim");
	reading->ended = frame->ended;
	if (frame->ended)
		*reading->code = frame->exit_code;
	else if (frame->stream == 1 || frame->stream == 2)
		r = reading->output(reading->ctx, (int)frame->stream, frame->data.data,
				    frame->data.len, err);
	cleat__shim__v1__stream_frame__free_unpacked(frame, NULL);
	return r;
}

int sandbox_run(struct sandbox *s,
		int (*output)(void *ctx, int stream, const void *data, size_t n, struct err *err),
		void *ctx, const int cancel_fds[2], int *code, struct err *err)
{
	cleanup_free struct reading *reading = calloc(1, sizeof(*reading));
	bool already;
	int r = reading ? attach(s, err) : err_sys(err, ENOMEM, "build");

	r = r ? r : start_container(s->engine, s->id, "", &already, err);
	if (r < 0)
		return r;
	*reading = (struct reading){ .s = s, .output = output, .ctx = ctx, .code = code };
	while (r == 0 && !reading->ended) {
		r = cancel_wait(cancel_fds, s->sock, "the build", err);
		r = r ? r : read_frame(reading, err);
	}
	return r;
}
