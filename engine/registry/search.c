/* SPDX-License-Identifier: Apache-2.0 */
#include "search.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "registry.h"
#include "str.h"
#include "urltext.h"

enum { ANSWER_BYTES_MAX = 1 << 20 };

/* A first part with a dot or a port is a host, as in names of images. Returns what is searched for there. */
static const char *find_host(const struct engine *engine, const char *term, struct endpoint *out)
{
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t n = strcspn(term, "/");
	cleanup_free char *first = strndup(term, n);
	bool host = term[n] && first && (strpbrk(first, ".:") || !strcmp(first, "localhost"));
	const char *domain = host && strcmp(first, "index.docker.io") != 0 ? first : "docker.io";
	size_t count = endpoints_find(&engine->config, domain, endpoints);

	*out = endpoints[count - 1];
	if (strcmp(domain, "docker.io") == 0)
		snprintf(out->host, sizeof(out->host), "index.docker.io");
	term += host ? n + 1 : 0;
	return str_has_prefix(term, "library/") ? term + strlen("library/") : term;
}

static int ask(struct registry *registry, struct transfer *transfer, const char *word,
	       uint32_t limit, struct transfer_reply *reply, struct err *err)
{
	cleanup(buf_deinit) struct buf url = BUF_NULL;

	buf_printf(&url, "%s/v1/search?q=", registry_base(registry));
	urltext_escape(&url, word);
	buf_printf(&url, "&n=%u", limit);
	const struct transfer_request request = { .method = "GET",
						  .url = url.data,
						  .headers = { "X-Docker-Token: true" },
						  .body_max = ANSWER_BYTES_MAX };

	if (url.error)
		return err_sys(err, url.error, "search");
	int r = registry_ask(registry, transfer, &request, "", reply, err);

	return r == 0 && reply->status != 200 ? registry_refused(reply, err, "search") : r;
}

int registry_search(struct engine *engine, const struct search_options *options,
		    struct regjson_found **found, size_t *n, struct err *err)
{
	const struct registry_options who = { .config = &engine->config,
					      .auth = options->auth,
					      .stop_fd = options->cancel_fd };
	cleanup(registry_freep) struct registry *registry = NULL;
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	struct endpoint endpoint;
	const char *word = find_host(engine, options->term, &endpoint);

	if (!word[0])
		return err_set(err, ERR_INVALID, "search: a term is needed");
	int r = registry_open(&registry, &who, &endpoint, err);

	r = r ? r : registry_transfer(registry, options->cancel_fd, &transfer, err);
	r = r ? r : ask(registry, transfer, word, options->limit, &reply, err);
	return r ? r : regjson_search(str_or_empty(reply.body.data), reply.body.len, found, n, err);
}
