/* SPDX-License-Identifier: Apache-2.0 */
#include "tags.h"

#include <errno.h>

#include "registry.h"
#include "str.h"
#include "urltext.h"

enum { PAGE_BYTES_MAX = 4 << 20 };

/* One page; *url (NULL = the first) becomes the next one's, NULL behind the last. */
static int read_page(struct registry *registry, struct transfer *transfer, char **url,
		     struct strings *out, struct err *err)
{
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "GET",
						  .url = *url,
						  .body_max = PAGE_BYTES_MAX };
	int r = registry_ask(registry, transfer, &request, "tags/list", &reply, err);

	if (r < 0)
		return r;
	if (reply.status != 200)
		return registry_refused(&reply, err, "list the tags");
	r = regjson_tags(str_or_empty(reply.body.data), reply.body.len, out, err);
	if (r == 0 && out->n > TAGS_MAX)
		r = err_set(err, ERR_EXHAUSTED, "the repository has more than %d tags", TAGS_MAX);

	cleanup_free char *next = urltext_next(reply.link);

	free(*url);
	*url = next ? urltext_resolve(str_or_empty(reply.url), next) : NULL;
	return r;
}

int tags_list(struct engine *engine, const struct reference *ref,
	      const struct auth_credentials *auth, int cancel_fd, struct strings *out,
	      struct err *err)
{
	const struct registry_options options = {
		.config = &engine->config, .path = ref->path, .auth = auth, .stop_fd = cancel_fd
	};
	struct endpoint endpoints[ENDPOINTS_MAX];
	cleanup(registry_freep) struct registry *registry = NULL;
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	cleanup_free char *url = NULL;
	size_t n = endpoints_find(&engine->config, ref->domain, endpoints);
	int r = registry_open(&registry, &options, &endpoints[n - 1], err);

	r = r ? r : registry_transfer(registry, cancel_fd, &transfer, err);
	for (unsigned int pages = 0; r == 0 && (url || pages == 0); pages++)
		r = pages == TAGS_PAGES_MAX
			    ? err_set(err, ERR_EXHAUSTED,
				      "the registry's list of tags has more than %d pages",
				      TAGS_PAGES_MAX)
			    : read_page(registry, transfer, &url, out, err);
	return r;
}
