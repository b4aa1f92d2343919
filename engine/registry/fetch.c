/* SPDX-License-Identifier: Apache-2.0 */
/* The file's end is where the next try goes on, so what is in it counts only as hashed: bytes of an earlier try
 * are read and hashed first, and told to the reader like those that come. A server that answers a range with
 * everything has the known part passed over; one that answers with other bytes is asked for everything, once. */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "blobs.h"
#include "digest.h"
#include "fault.h"
#include "fd.h"
#include "str.h"

enum { HASH_BYTES = 256 << 10, BEHIND_BYTES = 8 << 20, WAIT_MS = 100 };

struct state {
	const struct fetch *fetch;
	EVP_MD_CTX *digest;
	int fd;
	uint64_t have;
	uint64_t skip; /* of the reply at hand */
	bool replied;  /* its first byte has come */
	bool recalled; /* some of it is of an earlier try */
	bool unranged; /* the server did not give what was asked for from the middle: all of it then */
};

static int add(struct state *s, const void *data, size_t n, struct err *err)
{
	int r = digest_add(s->digest, data, n, err);

	if (r < 0)
		return r;
	s->have += n;
	growing_add(s->fetch->out, n);
	return 0;
}

/* "bytes 100-199/200": where the bytes begin. */
static int range_start(const char *text, uint64_t *start)
{
	char digits[24];

	return sscanf(text, "bytes %20[0-9]-", digits) == 1 ? str_u64(digits, start) : -EINVAL;
}

/* What the first bytes of a reply mean. */
static int begin_reply(struct state *s, const struct transfer_reply *reply, struct err *err)
{
	uint64_t start = 0;

	s->replied = true;
	s->skip = s->have;
	if (reply->status == 200)
		return 0;
	if (range_start(reply->content_range, &start) < 0 || start > s->have) {
		s->unranged = true;
		return err_set(err, ERR_INVALID,
			       "asked for bytes from %" PRIu64 " on, it sent \"%s\"", s->have,
			       reply->content_range);
	}
	s->skip = s->have - start;
	return 0;
}

/* The disk works while bytes come, so that little is left to wait for at the end. */
static void write_behind(const struct state *s, size_t n)
{
	uint64_t from = s->have / BEHIND_BYTES, to = (s->have + n) / BEHIND_BYTES;

	if (to > from)
		(void)sync_file_range(s->fd, (off_t)(from * BEHIND_BYTES),
				      (off_t)((to - from) * BEHIND_BYTES), SYNC_FILE_RANGE_WRITE);
}

static int on_bytes(void *ctx, const struct transfer_reply *reply, const void *data, size_t n,
		    struct err *err)
{
	struct state *s = ctx;
	int r = s->replied ? 0 : begin_reply(s, reply, err);

	if (r < 0)
		return r;
	size_t drop = s->skip < n ? (size_t)s->skip : n;

	s->skip -= drop;
	data = (const char *)data + drop;
	n -= drop;
	if (n > s->fetch->blob->size - s->have)
		return err_set(err, ERR_INVALID,
			       "it is longer than the %" PRIu64 " bytes it should be",
			       s->fetch->blob->size);
	r = n ? fd_write_all(s->fd, data, n) : 0;
	fault_point(FAULT_PULL_PART_GREW);
	write_behind(s, n);
	return r < 0 ? err_sys(err, r, "keep a blob") : add(s, data, n, err);
}

static int ask(struct state *s, struct transfer_reply *reply, struct err *err)
{
	const struct fetch *f = s->fetch;
	char range[48] = "", what[96];
	struct transfer_request request = { .method = "GET", .sink = on_bytes, .ctx = s };

	snprintf(what, sizeof(what), "blobs/%s", f->blob->digest);
	if (s->have && !s->unranged) {
		snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", s->have);
		request.headers[0] = range;
	}
	s->replied = false;
	if (lseek(s->fd, (off_t)s->have, SEEK_SET) < 0)
		return err_sys(err, errno, "keep a blob");
	int r = registry_try(f->registry, f->transfer, &request, what, reply, err);

	if (r == 0 && (reply->status == 200 || reply->status == 206) && s->have < f->blob->size)
		return err_set(err, ERR_UNAVAILABLE,
			       "the registry ended after %" PRIu64 " of %" PRIu64 " bytes", s->have,
			       f->blob->size);
	return r;
}

static int bring(struct state *s, struct err *err)
{
	const struct fetch *f = s->fetch;

	for (unsigned int tries = 1; s->have < f->blob->size; tries++) {
		cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
		struct err own = ERR_NULL;
		uint64_t before = s->have;
		bool ranged = s->have && !s->unranged;
		int r = ask(s, &reply, &own);

		s->unranged = s->unranged || (ranged && r == 0 && reply.status == 416);
		if (ranged && s->unranged)
			continue; /* once */
		if (s->have == f->blob->size && r != -ECANCELED)
			break;
		/* whoever gets on is not to be given up */
		tries = s->have > before ? 1 : tries;
		r = registry_pause(f->registry, f->transfer, tries, r, &reply, &own);
		if (r > 0)
			return registry_refused(&reply, err, "blob");
		if (r < 0) {
			if (err)
				*err = own;
			return r;
		}
	}
	return 0;
}

/* Bytes that are here already. */
static int recall(struct state *s, struct err *err)
{
	cleanup_free char *block = malloc(HASH_BYTES);
	ssize_t n;

	if (!block)
		return err_sys(err, ENOMEM, "fetch");
	while ((n = pread(s->fd, block, HASH_BYTES, (off_t)s->have)) > 0) {
		/* whoever promised it then spoke of more bytes: those are none of this blob's */
		if ((uint64_t)n > s->fetch->blob->size - s->have)
			n = (ssize_t)(s->fetch->blob->size - s->have);
		if (n == 0)
			return ftruncate(s->fd, (off_t)s->have) < 0
				       ? err_sys(err, errno, "keep a blob")
				       : 0;
		int r = add(s, block, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return n < 0 ? err_sys(err, errno, "read a blob") : 0;
}

static void forget_part(const struct state *s)
{
	char path[BLOBS_PATH_MAX];

	blobs_partial_path(s->fetch->blob->digest, path);
	(void)!unlinkat(s->fetch->engine->state_fd, path, 0);
}

/* For a try without it. */
static int drop_part(const struct state *s, struct err *err)
{
	forget_part(s);
	return err_set(err, ERR_ABORTED, "what was kept of an earlier try is wrong: try again");
}

static int wrong(const char *digest, const struct descriptor *blob, struct err *err)
{
	return err_set(err, ERR_DATA_LOSS, "what the registry sent has the digest %s, expected %s",
		       digest, blob->digest);
}

/* What is wrong is not kept. */
static int verify(struct state *s, struct err *err)
{
	char digest[DIGEST_MAX];
	int r = digest_end(s->digest, digest, err);

	if (r < 0)
		return r;
	if (strcmp(digest, s->fetch->blob->digest) == 0) {
		r = fdatasync(s->fd) < 0 ? -errno : blobs_seal(s->fd);
		return r < 0 ? err_sys(err, r, "write a blob to disk") : 0;
	}
	if (s->recalled)
		return drop_part(s, err);
	forget_part(s);
	return wrong(digest, s->fetch->blob, err);
}

static int take_part(struct state *s, struct err *err)
{
	int r = digest_begin(&s->digest, err);
	struct stat st;

	/* what is whole may be a blob by now, whatever size somebody claims it to have */
	if (r == 0 && blobs_is_sealed(s->fd) &&
	    (fstat(s->fd, &st) < 0 || (uint64_t)st.st_size != s->fetch->blob->size))
		return drop_part(s, err);
	r = r ? r : recall(s, err);
	s->recalled = s->have > 0;
	r = r ? r : bring(s, err);
	fault_point(FAULT_PULL_PART_FETCHED);
	r = r ? r : verify(s, err);
	fault_point(FAULT_PULL_PART_VERIFIED);
	return r;
}

/* The store's own, whole. 1 = it has it. */
static int take_kept(const struct fetch *f, struct err *err)
{
	int fd = blobs_open(f->engine, f->blob->digest);
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, fd < 0 ? fd : errno, "open a blob");
	growing_begin(f->out, fd);
	growing_add(f->out, (uint64_t)st.st_size);
	return 1;
}

/* 1 = the store has it, 0 = *lock holds the part, which is in the growing file. */
static int take_lock(const struct fetch *f, int *fd, int *lock, struct err *err)
{
	for (;;) {
		int r = take_kept(f, err);

		if (r)
			return r;
		r = blobs_partial(f->engine, f->blob->digest, fd, lock);
		if (r == 0)
			return 0;
		r = r == -EAGAIN ? transfer_wait(f->transfer, WAIT_MS, err)
				 : err_sys(err, r, "keep a blob");
		if (r < 0)
			return r;
	}
}

int fetch_blob(const struct fetch *f, struct err *err)
{
	cleanup_fd int lock = -1;
	struct state s = { .fetch = f, .fd = -1 };
	int r = take_lock(f, &s.fd, &lock, err);

	if (r)
		return r < 0 ? r : 0;
	fault_point(FAULT_PULL_PART_MADE);
	growing_begin(f->out, s.fd);
	r = take_part(&s, err);
	digest_freep(&s.digest);
	return r;
}

static int check_document(const struct descriptor *blob, const struct buf *text, struct err *err)
{
	char digest[DIGEST_MAX];
	int r = digest_of(str_or_empty(text->data), text->len, digest, err);

	return r == 0 && strcmp(digest, blob->digest) != 0 ? wrong(digest, blob, err) : r;
}

int fetch_document(const struct fetch *f, size_t max, struct buf *out, struct err *err)
{
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "GET", .body_max = max };
	char what[96];

	if (f->blob->size > max)
		return err_set(err, ERR_INVALID,
			       "it has %" PRIu64 " bytes, at most %zu are possible", f->blob->size,
			       max);
	int r = blobs_read(f->engine, f->blob->digest, max, out);

	if (r != -ENOENT)
		return r < 0 ? err_sys(err, r, "read a blob") : check_document(f->blob, out, err);
	snprintf(what, sizeof(what), "blobs/%s", f->blob->digest);
	r = registry_ask(f->registry, f->transfer, &request, what, &reply, err);
	if (r < 0)
		return r;
	if (reply.status != 200)
		return registry_refused(&reply, err, "blob");
	buf_append(out, reply.body.data, reply.body.len);
	return out->error ? err_sys(err, out->error, "fetch") : check_document(f->blob, out, err);
}
