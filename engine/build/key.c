/* SPDX-License-Identifier: Apache-2.0 */
/* Each part is written with its length in front, so that no two lists of parts are the same bytes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "work.h"

int key_open(struct key *key, const char *kind, struct err *err)
{
	key->digest = EVP_MD_CTX_new();
	if (!key->digest || EVP_DigestInit_ex(key->digest, EVP_sha256(), NULL) != 1)
		return err_sys(err, ENOMEM, "build");
	key_add(key, "kind", kind);
	return 0;
}

void key_deinit(struct key *key)
{
	EVP_MD_CTX_free(key->digest);
	key->digest = NULL;
}

void key_add(struct key *key, const char *name, const char *value)
{
	char head[80];
	int n = snprintf(head, sizeof(head), "%.40s %zu ", name, strlen(value));

	if (EVP_DigestUpdate(key->digest, head, (size_t)n) != 1 ||
	    EVP_DigestUpdate(key->digest, value, strlen(value)) != 1)
		key->failed = true;
}

void key_add_list(struct key *key, const char *name, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		key_add(key, name, words[i]);
}

void key_add_stage(struct key *key, const struct work *w)
{
	const Cleat__V1__BuildRequest__Options *o = w->build->options->request;
	char time[32] = "";

	if (o->reproducible_case ==
	    CLEAT__V1__BUILD_REQUEST__OPTIONS__REPRODUCIBLE_TIMESTAMP_SECONDS)
		(void)snprintf(time, sizeof(time), "%lld", (long long)o->timestamp_seconds);
	key_add(key, "time", time);
	key_add_list(key, "layer", w->stack.layers.v, w->stack.layers.n);
}

int key_finish(struct key *key, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (key->failed || EVP_DigestFinal_ex(key->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}
