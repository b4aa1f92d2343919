/* SPDX-License-Identifier: Apache-2.0 */
#include "imagesearch.h"

#include <errno.h>
#include <string.h>

#include "imagepull.h"
#include "registry/search.h"
#include "service.h"
#include "str.h"

enum { LIMIT_DEFAULT = 25, LIMIT_MAX = 100 };

struct wanted {
	int official; /* 1, 0, -1 = either */
	uint64_t stars;
};

static int read_filter(const Cleat__V1__Filter *f, struct wanted *w, struct err *err)
{
	const char *value = f->n_values ? f->values[0] : "";
	bool yes = !strcmp(value, "true") || !strcmp(value, "1");
	bool no = !strcmp(value, "false") || !strcmp(value, "0");

	if (!strcmp(f->key, "is-official") && (yes || no))
		w->official = yes;
	else if (strcmp(f->key, "stars") != 0 || str_u64(value, &w->stars) < 0)
		return err_set(err, ERR_INVALID, "invalid filter '%.60s=[%.60s]'", f->key, value);
	return 0;
}

static int read_filters(const Cleat__V1__SearchImagesRequest *req, struct wanted *w,
			struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < req->n_filters; i++)
		r = read_filter(req->filters[i], w, err);
	if (r == 0 && req->limit > LIMIT_MAX)
		r = err_set(err, ERR_INVALID, "limit %u is outside the range of [1, %d]",
			    req->limit, LIMIT_MAX);
	return r;
}

/* Takes the texts over. */
static int add(Cleat__V1__SearchImagesReply *reply, struct regjson_found *found)
{
	Cleat__V1__SearchImagesReply__Result *out = malloc(sizeof(*out));

	if (!out)
		return -ENOMEM;
	cleat__v1__search_images_reply__result__init(out);
	reply->results[reply->n_results++] = out;
	out->name = steal(&found->name);
	out->description = steal(&found->description);
	out->stars = found->stars;
	out->official = found->official;
	return 0;
}

int imagesearch(struct rpc_call *call, const Cleat__V1__SearchImagesRequest *req,
		Cleat__V1__SearchImagesReply *reply, struct err *err)
{
	struct wanted wanted = { .official = -1 };
	struct auth_credentials auth = { 0 };
	struct search_options options = { .term = req->term,
					  .limit = req->limit ? req->limit : LIMIT_DEFAULT,
					  .cancel_fd = rpc_call_cancel_fd(call) };
	struct regjson_found *found = NULL;
	size_t n = 0;
	int r = read_filters(req, &wanted, err);

	if (req->auth) {
		auth = imagepull_auth(req->auth);
		options.auth = &auth;
	}
	r = r ? r : registry_search(service_engine(call), &options, &found, &n, err);
	if (r < 0)
		return r;
	reply->results = calloc(n + 1, sizeof(*reply->results));
	r = reply->results ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((wanted.official < 0 || wanted.official == found[i].official) &&
		    found[i].stars >= wanted.stars)
			r = add(reply, &found[i]);
	regjson_found_free(found, n);
	return r < 0 ? err_sys(err, ENOMEM, "search") : 0;
}
