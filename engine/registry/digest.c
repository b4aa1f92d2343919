/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "str.h"

static int failed(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "sha256 failed");
}

static void format(const unsigned char *sum, char out[DIGEST_MAX])
{
	(void)snprintf(out, DIGEST_MAX, "sha256:");
	str_hex(sum, 32, out + strlen("sha256:"));
}

int digest_of(const void *bytes, size_t n, char out[DIGEST_MAX], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (EVP_Digest(bytes, n, sum, NULL, EVP_sha256(), NULL) != 1)
		return failed(err);
	format(sum, out);
	return 0;
}

int digest_begin(EVP_MD_CTX **ctx, struct err *err)
{
	*ctx = EVP_MD_CTX_new();
	return *ctx && EVP_DigestInit_ex(*ctx, EVP_sha256(), NULL) == 1 ? 0 : failed(err);
}

int digest_add(EVP_MD_CTX *ctx, const void *bytes, size_t n, struct err *err)
{
	return EVP_DigestUpdate(ctx, bytes, n) == 1 ? 0 : failed(err);
}

int digest_end(EVP_MD_CTX *ctx, char out[DIGEST_MAX], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		return failed(err);
	format(sum, out);
	return 0;
}

void digest_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
	*ctx = NULL;
}
