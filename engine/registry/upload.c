/* SPDX-License-Identifier: Apache-2.0 */
/* A session of the distribution-spec: POST opens it, PATCH adds a chunk, PUT adds the last one and names the
 * digest; each answer says where the next one goes. After a failure the session is asked how far it got. */
#include "upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "urltext.h"

struct session {
	struct upload *upload;
	char *url; /* where the next chunk goes */
	uint64_t at;
	unsigned int restarts;
};

enum { RESTARTS_MAX = 3, RESTART_MS = 500 };

/* 1 = the registry has it, 0 = not. */
static int exists(const struct upload *u, struct err *err)
{
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "HEAD" };
	char what[96];

	snprintf(what, sizeof(what), "blobs/%s", u->digest);
	int r = registry_ask(u->registry, u->transfer, &request, what, &reply, err);

	if (r < 0)
		return r;
	if (reply.status == 200 || reply.status == 404)
		return reply.status == 200;
	return registry_refused(&reply, err, "push");
}

static int follow(struct session *s, const struct transfer_reply *reply, struct err *err)
{
	free(s->url);
	s->url = urltext_resolve(str_or_empty(reply->url), reply->location);
	return s->url ? 0
		      : err_set(err, ERR_INVALID, "the registry sends the upload to \"%.100s\"",
				reply->location);
}

/* Opens a session or, with `from`, has the blob mounted. 1 = mounted. */
static int begin(struct session *s, const char *from, struct err *err)
{
	const struct upload *u = s->upload;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "POST" };
	cleanup(buf_deinit) struct buf what = BUF_NULL;

	buf_puts(&what, "blobs/uploads/");
	if (from) {
		buf_printf(&what, "?mount=%s&from=", u->digest);
		urltext_escape(&what, from);
	}
	if (what.error)
		return err_sys(err, ENOMEM, "push");
	int r = registry_ask(u->registry, u->transfer, &request, what.data, &reply, err);

	if (r < 0)
		return r;
	if (from && reply.status == 201)
		return 1;
	if (reply.status != 202)
		return registry_refused(&reply, err, "push");
	s->at = 0;
	return follow(s, &reply, err);
}

static int send_chunk(struct session *s, struct transfer_reply *reply, struct err *err)
{
	const struct upload *u = s->upload;
	uint64_t left = u->size_bytes - s->at;
	bool last = left <= UPLOAD_CHUNK_BYTES;
	uint64_t n = last ? left : UPLOAD_CHUNK_BYTES;
	const char *to = str_or_empty(s->url);
	char range[64];
	cleanup_free char *url =
		last ? str_printf("%s%cdigest=%s", to, strchr(to, '?') ? '&' : '?', u->digest)
		     : strdup(to);
	const struct transfer_request request = {
		.method = last ? "PUT" : "PATCH",
		.url = url,
		.headers = { "Content-Type: application/octet-stream", n && !last ? range : NULL },
		.data = u->data ? (const char *)u->data + s->at : NULL,
		.fd = u->fd,
		.offset = s->at,
		.len = n,
		.sent = u->sent,
	};

	if (!url)
		return err_sys(err, ENOMEM, "push");
	snprintf(range, sizeof(range), "Content-Range: %" PRIu64 "-%" PRIu64, s->at, s->at + n - 1);
	return registry_try(u->registry, u->transfer, &request, NULL, reply, err);
}

/* Where the registry stands: "0-99" is 100 bytes. A session it does not know any more is begun anew. */
static int ask_again(struct session *s, struct err *err)
{
	const struct upload *u = s->upload;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "GET", .url = s->url };
	const char *dash;
	uint64_t end;
	int r = registry_ask(u->registry, u->transfer, &request, NULL, &reply, err);

	if (r < 0)
		return r;
	dash = strchr(reply.range, '-');
	if (reply.status == 204 && dash && str_u64(dash + 1, &end) == 0 && end < u->size_bytes) {
		s->at = end ? end + 1 : 0; /* "0-0" stands for nothing as well */
		r = reply.location[0] ? follow(s, &reply, err) : 0;
	} else {
		r = begin(s, NULL, err);
	}
	if (r == 0 && u->sent)
		*u->sent = s->at;
	return r;
}

/* Some registries drop an upload that holds part of a chunk (docker-registry 2 takes it for one that goes on at a
 * wrong place): what they know nothing of any more is begun anew. */
static int restart(struct session *s, const struct transfer_reply *reply, struct err *err)
{
	bool lost = reply->status == 400 || reply->status == 404 || reply->status == 416;

	if (!lost || s->restarts++ >= RESTARTS_MAX)
		return registry_refused(reply, err, "push");
	int r = transfer_wait(s->upload->transfer, RESTART_MS, err);

	if (r == 0 && s->upload->sent)
		*s->upload->sent = 0;
	return r ? r : begin(s, NULL, err);
}

/* One chunk, however often it takes. 1 = the blob is there. */
static int push_chunk(struct session *s, unsigned int *tries, struct err *err)
{
	const struct upload *u = s->upload;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	uint64_t left = u->size_bytes - s->at;
	bool last = left <= UPLOAD_CHUNK_BYTES;
	struct err own = ERR_NULL;
	int r = send_chunk(s, &reply, &own);

	if (r == 0 && reply.status == 201)
		return 1;
	/* to the last one it is no answer: there is nothing more to send */
	if (r == 0 && reply.status == 202 && !last) {
		*tries = 1;
		s->at += UPLOAD_CHUNK_BYTES;
		return follow(s, &reply, err);
	}
	r = registry_pause(u->registry, u->transfer, (*tries)++, r, &reply, &own);
	if (r > 0)
		return restart(s, &reply, err);
	if (r < 0) {
		if (err)
			*err = own;
		return r;
	}
	return ask_again(s, err);
}

static int mount(struct session *s, struct err *err)
{
	struct upload *u = s->upload;
	int r = 0;

	for (size_t i = 0; r == 0 && u->sources && i < u->sources->n; i++) {
		free(s->url);
		s->url = NULL;
		r = begin(s, u->sources->v[i], err);
		u->mounted_from = u->sources->v[i];
	}
	return r;
}

static int push(struct session *s, enum upload_end *end, struct err *err)
{
	unsigned int tries = 1;
	int r = mount(s, err);

	if (r) {
		*end = UPLOAD_MOUNTED;
		return r < 0 ? r : 0;
	}
	if (!s->upload->data && s->upload->fd < 0) {
		(void)err_set(err, ERR_NOT_FOUND, "blob %.19s is neither here nor there",
			      s->upload->digest);
		return -ENOENT;
	}
	r = s->url ? 0 : begin(s, NULL, err);
	while (r == 0)
		r = push_chunk(s, &tries, err);
	return r < 0 ? r : 0;
}

int upload_blob(struct upload *u, enum upload_end *end, struct err *err)
{
	struct session s = { .upload = u };
	int r = exists(u, err);

	*end = r > 0 ? UPLOAD_EXISTED : UPLOAD_SENT;
	r = r ? r : push(&s, end, err);
	free(s.url);
	return r < 0 ? err_wrap(err, r, "blob %.19s", u->digest) : 0;
}
