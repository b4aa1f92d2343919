/* SPDX-License-Identifier: Apache-2.0 */
/* The first block is read ahead, as its bytes tell a layer from a document; a short one (the outer
 * archive's blocks end anywhere) is filled up to what a tar's header needs. */
#include "jobs.h"

#include <errno.h>
#include <string.h>

#include "str.h"

/* The next block of the entry; 0 at its end. */
static ssize_t next_block(struct member *m, const void **data, struct err *err)
{
	ssize_t n = untar_data(m->tar, data, err);

	if (n <= 0)
		return n;
	m->size += (uint64_t)n;
	if (EVP_DigestUpdate(m->digest, *data, (size_t)n) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	return n;
}

/* Gathers the first bytes in m->head; what is left of the last block is given out behind it. */
static int fill_head(struct member *m, const void *data, size_t n, struct err *err)
{
	ssize_t more = (ssize_t)n;
	size_t have = 0;

	while (more > 0 && have < TARBALL_HEAD) {
		size_t take =
			TARBALL_HEAD - have < (size_t)more ? TARBALL_HEAD - have : (size_t)more;

		memcpy(m->head + have, data, take);
		have += take;
		m->rest = (const char *)data + take;
		m->rest_len = (size_t)more - take;
		if (have < TARBALL_HEAD)
			more = next_block(m, &data, err);
	}
	m->first = m->head;
	m->first_len = have;
	return more < 0 ? (int)more : 0;
}

int member_open(struct member *m, struct untar *tar, struct err *err)
{
	const void *data = NULL;

	*m = (struct member){ .tar = tar, .digest = EVP_MD_CTX_new() };
	if (tar->entry.sparse)
		return err_set(err, ERR_INVALID, "a file with holes cannot be part of an image");
	if (!m->digest || EVP_DigestInit_ex(m->digest, EVP_sha256(), NULL) != 1)
		return err_sys(err, ENOMEM, "sha256");
	ssize_t n = next_block(m, &data, err);

	if (n < 0)
		return (int)n;
	if (n < TARBALL_HEAD)
		return fill_head(m, data, (size_t)n, err);
	m->first = data;
	m->first_len = (size_t)n;
	return 0;
}

void member_deinit(struct member *m)
{
	EVP_MD_CTX_free(m->digest);
}

ssize_t member_read(void *ctx, const void **data, struct err *err)
{
	struct member *m = ctx;

	if (m->first) {
		*data = m->first;
		m->first = NULL;
		return (ssize_t)m->first_len;
	}
	if (m->rest_len) {
		size_t n = m->rest_len;

		*data = m->rest;
		m->rest_len = 0;
		return (ssize_t)n;
	}
	return next_block(m, data, err);
}

int member_finish(struct member *m, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	const void *data;
	ssize_t n;

	while ((n = next_block(m, &data, err)) > 0)
		;
	if (n < 0)
		return (int)n;
	if (EVP_DigestFinal_ex(m->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}
