/* SPDX-License-Identifier: Apache-2.0 */
/* Two libarchive readers in a row: the first only decompresses, so that what the second parses can
 * be hashed and counted in between. A stream that grows a thousandfold is refused. */
#include "jobs.h"

#include <errno.h>
#include <string.h>

#include "str.h"

enum { RATIO_MAX = 1100, RATIO_FROM = 64 << 20 };

static ssize_t read_packed(struct archive *a, void *ctx, const void **data)
{
	struct tarball *t = ctx;
	ssize_t n;

	do
		n = read(t->fd, t->in, sizeof(t->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "read: %s", strerror(errno));
	t->packed += n > 0 ? (uint64_t)n : 0;
	*data = t->in;
	return n;
}

static ssize_t read_unpacked(struct archive *a, void *ctx, const void **data)
{
	struct tarball *t = ctx;
	ssize_t n = archive_read_data(t->bytes, t->out, sizeof(t->out));

	*data = t->out;
	if (n < 0) {
		archive_set_error(a, EINVAL, "%s", archive_error_string(t->bytes));
		return -1;
	}
	t->unpacked += (uint64_t)n;
	if (t->unpacked > RATIO_FROM && t->unpacked / RATIO_MAX > t->packed) {
		archive_set_error(a, EFBIG, "it grows more than %d-fold when decompressed",
				  RATIO_MAX);
		return -1;
	}
	EVP_DigestUpdate(t->digest, t->out, (size_t)n);
	return n;
}

static int fail(struct archive *a, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s", str_or_empty(archive_error_string(a)));
}

int tarball_open(struct tarball *t, int fd, struct err *err)
{
	struct archive_entry *entry;

	t->fd = fd;
	t->bytes = archive_read_new();
	t->tar = archive_read_new();
	t->digest = EVP_MD_CTX_new();
	if (!t->bytes || !t->tar || !t->digest ||
	    EVP_DigestInit_ex(t->digest, EVP_sha256(), NULL) != 1)
		return err_sys(err, ENOMEM, "open the archive");
	archive_read_support_filter_gzip(t->bytes);
	archive_read_support_filter_zstd(t->bytes);
	archive_read_support_format_raw(t->bytes);
	archive_read_support_format_tar(t->tar);
	archive_read_set_options(t->tar, "hdrcharset=UTF-8");
	if (archive_read_open(t->bytes, t, NULL, read_packed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(t->bytes, &entry) != ARCHIVE_OK)
		return fail(t->bytes, err);
	if (archive_read_open(t->tar, t, NULL, read_unpacked, NULL) != ARCHIVE_OK)
		return fail(t->tar, err);
	return 0;
}

void tarball_deinit(struct tarball *t)
{
	if (t->tar)
		archive_read_free(t->tar);
	if (t->bytes)
		archive_read_free(t->bytes);
	EVP_MD_CTX_free(t->digest);
}

int tarball_next(struct tarball *t, struct archive_entry **entry, struct err *err)
{
	int r = archive_read_next_header(t->tar, entry);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return fail(t->tar, err);
	return 1;
}

int tarball_finish(struct tarball *t, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	const void *data;
	ssize_t n;

	while ((n = read_unpacked(t->tar, t, &data)) > 0)
		;
	if (n < 0)
		return fail(t->tar, err);
	if (EVP_DigestFinal_ex(t->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}
