/* SPDX-License-Identifier: Apache-2.0 */
#include "download.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "backoff.h"
#include "fd.h"
#include "str.h"
#include "transfer.h"

enum { TIMEOUT_S = 60 };

bool download_is_url(const char *text)
{
	return str_has_prefix(text, "http://") || str_has_prefix(text, "https://");
}

bool download_is_git(const char *text)
{
	const char *hash = strchr(text, '#');
	size_t n = hash ? (size_t)(hash - text) : strlen(text);

	return str_has_prefix(text, "git@") || str_has_prefix(text, "git://") ||
	       str_has_prefix(text, "ssh://") ||
	       (download_is_url(text) && n > 4 && strncmp(text + n - 4, ".git", 4) == 0);
}

char *download_name(const char *url)
{
	const char *path = strstr(url, "://");
	size_t n;

	path = path ? strchr(path + 3, '/') : NULL;
	if (!path)
		return strdup("");
	n = strcspn(path, "?#");
	const char *slash = memrchr(path, '/', n);

	return strndup(slash + 1, n - (size_t)(slash + 1 - path));
}

struct sink {
	int fd;
	EVP_MD_CTX *digest;
};

static int take(void *ctx, const struct transfer_reply *reply, const void *data, size_t n,
		struct err *err)
{
	const struct sink *s = ctx;
	int r = fd_write_all(s->fd, data, n);

	(void)reply;
	if (r == 0 && EVP_DigestUpdate(s->digest, data, n) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	return r < 0 ? err_sys(err, r, "write") : 0;
}

/* Nothing has come yet. */
static int begin(const struct sink *sink, struct err *err)
{
	if (ftruncate(sink->fd, 0) < 0 || lseek(sink->fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "write");
	if (EVP_DigestInit_ex(sink->digest, EVP_sha256(), NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	return 0;
}

/* *again: it failed as another try may not, for which the time has come. */
static int try_once(struct transfer *transfer, const struct transfer_request *request,
		    unsigned int tries, bool *again, struct err *err)
{
	struct transfer_reply reply = { 0 };
	struct err stopped = ERR_NULL;
	int r = begin(request->ctx, err);

	r = r ? r : transfer_run(transfer, request, &reply, err);
	if (r == 0 && reply.status != 200)
		r = err_set(err, reply.status == 404 ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
			    "invalid response status %ld", reply.status);
	*again = r < 0 && tries < BACKOFF_TRIES && (reply.cut || backoff_retries(reply.status));
	if (*again && transfer_back_off(transfer, tries, &reply, &stopped) < 0) {
		*again = false;
		*err = stopped;
		r = -ECANCELED;
	}
	transfer_reply_deinit(&reply);
	return r;
}

static int run(struct transfer *transfer, const char *url, struct sink *sink, struct err *err)
{
	const struct transfer_request request = {
		.method = "GET", .url = url, .fd = -1, .sink = take, .ctx = sink
	};
	struct err own;
	bool again = true;
	int r = 0;

	for (unsigned int tries = 1; again; tries++) {
		own = ERR_NULL;
		r = try_once(transfer, &request, tries, &again, &own);
	}
	if (r < 0 && err)
		*err = own;
	return r;
}

static int finish(EVP_MD_CTX *digest, char sha[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, sha);
	return 0;
}

int download_file(const struct engine *engine, const char *url, int cancel_fd, int fd, char sha[65],
		  struct err *err)
{
	const struct transfer_options options = { .certs_dir = engine->config.registry_certs,
						  .timeout_s = TIMEOUT_S,
						  .stop_fd = cancel_fd };
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	struct sink sink = { fd, EVP_MD_CTX_new() };
	int r = sink.digest ? transfer_open(&transfer, &options, err)
			    : err_sys(err, ENOMEM, "sha256");

	r = r ? r : run(transfer, url, &sink, err);
	r = r ? r : finish(sink.digest, sha, err);
	EVP_MD_CTX_free(sink.digest);
	return r < 0 ? err_wrap(err, r, "fetch %.120s", url) : 0;
}
