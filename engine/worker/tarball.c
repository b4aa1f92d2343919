/* SPDX-License-Identifier: Apache-2.0 */
/* First the bytes are decompressed, gzip by ISA-L, what else there is by a libarchive reader that does nothing
 * more; then they are given to who asked for them, or to the parser of the tar. In between they are
 * hashed and counted. A plain tar is not copied. A stream that grows a thousandfold is refused. */
#include "jobs.h"

#include <archive.h>
#include <errno.h>
#include <string.h>

#include "fd.h"
#include "gunzip.h"
#include "str.h"

enum { RATIO_MAX = 1100, RATIO_FROM = 64 << 20, OUT_BYTES = 256 << 10 };

/* The header's checksum: the sum of its bytes with the field itself taken as blanks (tar(5)). */
static bool is_header(const unsigned char *h)
{
	unsigned int sum = 8 * ' ', said = 0, digits = 0;

	for (int i = 0; i < TARBALL_HEAD; i++)
		sum += i >= 148 && i < 156 ? 0u : h[i];
	for (int i = 148; i < 156 && (h[i] == ' ' || (h[i] >= '0' && h[i] <= '7')); i++) {
		if (h[i] == ' ' && digits)
			break;
		if (h[i] != ' ') {
			said = said * 8 + (h[i] - '0');
			digits++;
		}
	}
	return digits && said == sum;
}

enum tarball_kind tarball_kind(const void *head, size_t len)
{
	static const char *const filtered[] = { "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "BZh" };
	static const unsigned char zeroes[TARBALL_HEAD];

	if (len >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
		return TARBALL_GZIP;
	for (size_t i = 0; i < ARRAY_LEN(filtered); i++)
		if (len >= strlen(filtered[i]) &&
		    memcmp(head, filtered[i], strlen(filtered[i])) == 0)
			return TARBALL_FILTERED;
	if (len >= TARBALL_HEAD && (is_header(head) || memcmp(head, zeroes, TARBALL_HEAD) == 0))
		return TARBALL_PLAIN;
	return TARBALL_OTHER;
}

/* The source's next block: its length, 0 at the end, -1 with t->err set. */
static ssize_t read_packed(struct tarball *t, const void **data)
{
	ssize_t n = t->head_len;

	if (t->head) {
		*data = t->head;
		t->head = NULL;
	} else {
		n = t->read(t->ctx, data, &t->err);
	}
	if (n < 0)
		return -1;
	t->packed += (uint64_t)n;
	return n;
}

static ssize_t archive_packed(struct archive *a, void *ctx, const void **data)
{
	struct tarball *t = ctx;
	ssize_t n = read_packed(t, data);

	if (n < 0)
		archive_set_error(a, EINVAL, "%s", t->err.message);
	return n;
}

/* ---- decompression: each fills `to` unless the end comes first; -1 with t->err set */

static ssize_t damaged(struct tarball *t, const char *sentence)
{
	(void)err_set(&t->err, ERR_INVALID, "%s", sentence);
	return -1;
}

/* Makes sure that there is input, if there is any. */
static int refill(struct tarball *t)
{
	ssize_t n = 0;

	if (t->in_len || t->in_end)
		return 0;
	n = read_packed(t, &t->in);
	t->in_len = n > 0 ? (size_t)n : 0;
	t->in_end = n == 0;
	return n < 0 ? -1 : 0;
}

static ssize_t fill_gzip(struct tarball *t, char *to, size_t n)
{
	size_t done = 0;

	while (done < n && !gunzip_ended(t->gunzip)) {
		size_t got = n - done;

		if (refill(t) < 0)
			return -1;
		if (gunzip(t->gunzip, &t->in, &t->in_len, to + done, &got) < 0)
			return damaged(t, "gzip decompression failed");
		done += got;
		if (got || t->in_len || !t->in_end)
			continue;
		if (!gunzip_complete(t->gunzip))
			return damaged(t, "Truncated gzip input");
		break;
	}
	return (ssize_t)done;
}

/* Puts the reason the bytes at hand cannot be read into *err. */
static int fail(struct tarball *t, struct archive *a, struct err *err)
{
	if (t->err.code) {
		if (err && err != &t->err)
			*err = t->err;
		return err_to_errno(t->err.code);
	}
	return err_set(err, ERR_INVALID, "%s", str_or_empty(archive_error_string(a)));
}

static ssize_t fill_filtered(struct tarball *t, char *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = archive_read_data(t->bytes, to + done, n - done);

		if (got < 0) {
			(void)fail(t, t->bytes, &t->err);
			return -1;
		}
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static ssize_t fill_plain(struct tarball *t, char *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		if (refill(t) < 0)
			return -1;
		if (t->in_end)
			break;
		size_t take = n - done < t->in_len ? n - done : t->in_len;

		memcpy(to + done, t->in, take);
		done += take;
		t->in = (const char *)t->in + take;
		t->in_len -= take;
	}
	return (ssize_t)done;
}

static ssize_t count(struct tarball *t, ssize_t n)
{
	if (n > 0)
		t->unpacked += (uint64_t)n;
	if (t->unpacked > RATIO_FROM && t->unpacked / RATIO_MAX > t->packed) {
		(void)err_set(&t->err, ERR_INVALID, "it grows more than %d-fold when decompressed",
			      RATIO_MAX);
		return -1;
	}
	if (t->max_bytes && t->unpacked > t->max_bytes) {
		(void)err_set(
			&t->err, ERR_EXHAUSTED,
			"it has more than the %llu bytes that layer-max-size lets a layer have",
			(unsigned long long)t->max_bytes);
		return -1;
	}
	return n;
}

static ssize_t fill(struct tarball *t, char *to, size_t n)
{
	if (t->kind == TARBALL_GZIP)
		return count(t, fill_gzip(t, to, n));
	return count(t,
		     t->kind == TARBALL_FILTERED ? fill_filtered(t, to, n) : fill_plain(t, to, n));
}

ssize_t tarball_fill(struct tarball *t, char *to, size_t n, struct err *err)
{
	ssize_t got = fill(t, to, n);

	return got < 0 ? fail(t, NULL, err) : got;
}

/* ---- the tar, borrowed block by block */

static ssize_t read_unpacked(struct tarball *t, const void **data)
{
	ssize_t n;

	if (t->kind == TARBALL_PLAIN) {
		n = count(t, read_packed(t, data));
	} else {
		n = fill(t, t->out, OUT_BYTES);
		*data = t->out;
	}
	if (n > 0 && t->digest)
		EVP_DigestUpdate(t->digest, *data, (size_t)n);
	int r = n > 0 && t->copy_fd >= 0 ? fd_write_all(t->copy_fd, *data, (size_t)n) : 0;

	if (r < 0)
		(void)err_sys(&t->err, r, "keep the tar");
	return r < 0 ? -1 : n;
}

static ssize_t give_unpacked(void *ctx, const void **data, struct err *err)
{
	ssize_t n = read_unpacked(ctx, data);

	return n < 0 ? fail(ctx, NULL, err) : n;
}

static int open_filtered(struct tarball *t, struct err *err)
{
	struct archive_entry *entry;

	t->bytes = archive_read_new();
	if (!t->bytes)
		return err_sys(err, ENOMEM, "open the archive");
	archive_read_support_filter_zstd(t->bytes);
	archive_read_support_filter_xz(t->bytes);
	archive_read_support_filter_bzip2(t->bytes);
	archive_read_support_format_raw(t->bytes);
	if (archive_read_open(t->bytes, t, NULL, archive_packed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(t->bytes, &entry) != ARCHIVE_OK)
		return fail(t, t->bytes, err);
	return 0;
}

int tarball_open_bytes(struct tarball *t, tarball_read_fn *read, void *ctx, struct err *err)
{
	*t = (struct tarball){ .read = read, .ctx = ctx, .copy_fd = -1 };
	t->head_len = read(ctx, &t->head, err);
	if (t->head_len < 0)
		return (int)t->head_len;
	if (t->head_len == 0)
		return err_set(err, ERR_INVALID, "it is empty");
	t->kind = tarball_kind(t->head, (size_t)t->head_len);
	if (t->kind == TARBALL_OTHER)
		return err_set(err, ERR_INVALID, "it is no tar, plain or compressed");
	if (t->kind == TARBALL_FILTERED)
		return open_filtered(t, err);
	if (t->kind == TARBALL_GZIP && !(t->gunzip = gunzip_new()))
		return err_sys(err, ENOMEM, "open the archive");
	return 0;
}

int tarball_open(struct tarball *t, tarball_read_fn *read, void *ctx, bool hashed, struct err *err)
{
	int r = tarball_open_bytes(t, read, ctx, err);

	if (r < 0)
		return r;
	t->tar = (struct untar){ .read = give_unpacked, .ctx = t };
	t->digest = hashed ? EVP_MD_CTX_new() : NULL;
	t->out = malloc(OUT_BYTES);
	if (!t->out ||
	    (hashed && (!t->digest || EVP_DigestInit_ex(t->digest, EVP_sha256(), NULL) != 1)))
		return err_sys(err, ENOMEM, "open the archive");
	return 0;
}

void tarball_deinit(struct tarball *t)
{
	untar_deinit(&t->tar);
	if (t->bytes)
		archive_read_free(t->bytes);
	gunzip_free(t->gunzip);
	EVP_MD_CTX_free(t->digest);
	free(t->out);
}

int tarball_next(struct tarball *t, const struct tar_entry **entry, struct err *err)
{
	*entry = &t->tar.entry;
	return untar_next(&t->tar, err);
}

int tarball_finish(struct tarball *t, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	const void *data;
	ssize_t n;

	while ((n = read_unpacked(t, &data)) > 0)
		;
	if (n < 0)
		return fail(t, NULL, err);
	if (!t->digest)
		return 0;
	if (EVP_DigestFinal_ex(t->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}
