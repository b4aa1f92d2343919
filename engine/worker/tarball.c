/* SPDX-License-Identifier: Apache-2.0 */
/* Up to two libarchive readers in a row: the first only decompresses, so that what the second parses
 * can be hashed and counted in between. A plain tar goes to the second without a copy. A stream that
 * grows a thousandfold is refused. */
#include "jobs.h"

#include <errno.h>
#include <string.h>

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
	static const unsigned char zeroes[TARBALL_HEAD];

	if (len >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
		return TARBALL_GZIP;
	if (len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
		return TARBALL_ZSTD;
	if (len >= TARBALL_HEAD && (is_header(head) || memcmp(head, zeroes, TARBALL_HEAD) == 0))
		return TARBALL_PLAIN;
	return TARBALL_OTHER;
}

/* What a reader is told; the sentence for people is in t->err. */
static ssize_t refuse(struct archive *a, const struct tarball *t)
{
	if (a)
		archive_set_error(a, EINVAL, "%s", t->err.message);
	return -1;
}

static ssize_t read_packed(struct archive *a, void *ctx, const void **data)
{
	struct tarball *t = ctx;
	ssize_t n = t->head_len;

	if (t->head) {
		*data = t->head;
		t->head = NULL;
	} else {
		n = t->read(t->ctx, data, &t->err);
	}
	if (n < 0)
		return refuse(a, t);
	t->packed += (uint64_t)n;
	return n;
}

static ssize_t inflate(struct archive *a, struct tarball *t, const void **data)
{
	ssize_t n = archive_read_data(t->bytes, t->out, OUT_BYTES);

	*data = t->out;
	if (n < 0)
		(void)tarball_fail(t, t->bytes, &t->err);
	else if (t->unpacked > RATIO_FROM && t->unpacked / RATIO_MAX > t->packed)
		n = err_set(&t->err, ERR_INVALID, "it grows more than %d-fold when decompressed",
			    RATIO_MAX);
	return n < 0 ? refuse(a, t) : n;
}

static ssize_t read_unpacked(struct archive *a, void *ctx, const void **data)
{
	struct tarball *t = ctx;
	ssize_t n = t->bytes ? inflate(a, t, data) : read_packed(a, t, data);

	if (n > 0) {
		t->unpacked += (uint64_t)n;
		if (t->digest)
			EVP_DigestUpdate(t->digest, *data, (size_t)n);
	}
	return n;
}

int tarball_fail(struct tarball *t, struct archive *a, struct err *err)
{
	if (t->err.code) {
		if (err && err != &t->err)
			*err = t->err;
		return err_to_errno(t->err.code);
	}
	return err_set(err, ERR_INVALID, "%s", str_or_empty(archive_error_string(a)));
}

static int open_bytes(struct tarball *t, struct err *err)
{
	struct archive_entry *entry;

	t->bytes = archive_read_new();
	t->out = malloc(OUT_BYTES);
	if (!t->bytes || !t->out)
		return err_sys(err, ENOMEM, "open the archive");
	archive_read_support_filter_gzip(t->bytes);
	archive_read_support_filter_zstd(t->bytes);
	archive_read_support_format_raw(t->bytes);
	if (archive_read_open(t->bytes, t, NULL, read_packed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(t->bytes, &entry) != ARCHIVE_OK)
		return tarball_fail(t, t->bytes, err);
	return 0;
}

int tarball_open_bytes(struct tarball *t, tarball_read_fn *read, void *ctx, bool hashed,
		       struct err *err)
{
	*t = (struct tarball){ .read = read, .ctx = ctx };
	t->head_len = read(ctx, &t->head, err);
	if (t->head_len < 0)
		return (int)t->head_len;
	if (t->head_len == 0)
		return err_set(err, ERR_INVALID, "it is empty");
	enum tarball_kind kind = tarball_kind(t->head, (size_t)t->head_len);

	if (kind == TARBALL_OTHER)
		return err_set(err, ERR_INVALID, "it is no tar, plain or compressed");
	t->digest = hashed ? EVP_MD_CTX_new() : NULL;
	if (hashed && (!t->digest || EVP_DigestInit_ex(t->digest, EVP_sha256(), NULL) != 1))
		return err_sys(err, ENOMEM, "open the archive");
	return kind == TARBALL_PLAIN ? 0 : open_bytes(t, err);
}

int tarball_open(struct tarball *t, tarball_read_fn *read, void *ctx, bool hashed, struct err *err)
{
	int r = tarball_open_bytes(t, read, ctx, hashed, err);

	t->tar = r == 0 ? archive_read_new() : NULL;
	if (!t->tar)
		return r ? r : err_sys(err, ENOMEM, "open the archive");
	archive_read_support_format_tar(t->tar);
	archive_read_set_options(t->tar, "hdrcharset=UTF-8");
	if (archive_read_open(t->tar, t, NULL, read_unpacked, NULL) != ARCHIVE_OK)
		return tarball_fail(t, t->tar, err);
	return 0;
}

void tarball_deinit(struct tarball *t)
{
	if (t->tar)
		archive_read_free(t->tar);
	if (t->bytes)
		archive_read_free(t->bytes);
	EVP_MD_CTX_free(t->digest);
	free(t->out);
}

int tarball_next(struct tarball *t, struct archive_entry **entry, struct err *err)
{
	int r = archive_read_next_header(t->tar, entry);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return tarball_fail(t, t->tar, err);
	return 1;
}

ssize_t tarball_read(struct tarball *t, const void **data, struct err *err)
{
	ssize_t n = read_unpacked(NULL, t, data);

	return n < 0 ? tarball_fail(t, NULL, err) : n;
}

int tarball_finish(struct tarball *t, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	const void *data;
	ssize_t n;

	while ((n = tarball_read(t, &data, err)) > 0)
		;
	if (n < 0)
		return (int)n;
	if (!t->digest)
		return 0;
	if (EVP_DigestFinal_ex(t->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}
