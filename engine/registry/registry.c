/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in is lazy: the first request goes without, and what the registry answers 401 with says how. The
 * header that came of it is kept with a number, so that of several threads which find it has expired one
 * fetches a new one and the others wait for that. */
#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "regjson.h"
#include "str.h"
#include "urltext.h"

enum { PROBE_TRIES = 3 };

struct registry {
	struct registry_options options;
	struct endpoint endpoint;
	char *path, *base, *scope;
	_Atomic bool met; /* it has answered, or begun to: a failure to reach it may pass */
	pthread_mutex_t mutex;
	char *header; /* "Authorization: ...", NULL = none so far */
	unsigned int generation;
};

struct registry *registry_free(struct registry *r)
{
	if (!r)
		return NULL;
	pthread_mutex_destroy(&r->mutex);
	free(r->path);
	free(r->base);
	free(r->scope);
	free(r->header);
	free(r);
	return NULL;
}

void registry_freep(struct registry **r)
{
	*r = registry_free(*r);
}

const char *registry_base(const struct registry *r)
{
	return r->base;
}

int registry_transfer(const struct registry *r, int stop_fd, struct transfer **out, struct err *err)
{
	const struct config *config = r->options.config;
	const struct transfer_options options = { .certs_dir = config->registry_certs,
						  .timeout_s = config->registry_timeout_s,
						  .stop_fd = stop_fd };

	return transfer_open(out, &options, err);
}

static int set_base(struct registry *r, bool plain)
{
	free(r->base);
	r->base = str_printf("%s://%s%s", plain ? "http" : "https", r->endpoint.host,
			     r->endpoint.path);
	return r->base ? 0 : -ENOMEM;
}

/* Where plain HTTP will do, TLS is tried first, as Docker does. A connection that is cut says little of what the server
 * speaks, so it is tried more than once. */
static int probe(struct registry *r, struct err *err)
{
	cleanup(transfer_freep) struct transfer *t = NULL;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	struct err own = ERR_NULL;
	int n = registry_transfer(r, r->options.stop_fd, &t, err);
	cleanup_free char *url = str_printf("%s/v2/", r->base);
	const struct transfer_request request = {
		.method = "GET", .url = url, .host = r->endpoint.host, .insecure = true
	};

	if (n < 0 || !url)
		return n ? n : err_sys(err, ENOMEM, "registry");
	for (unsigned int tries = 1;; tries++) {
		n = transfer_run(t, &request, &reply, &own);
		if (n == 0 || !reply.cut || tries == PROBE_TRIES)
			break;
		transfer_reply_deinit(&reply);
		n = transfer_back_off(t, tries, NULL, err);
		if (n < 0)
			return n;
		own = ERR_NULL;
	}
	if (n == 0 || own.code != ERR_UNAVAILABLE) {
		if (n < 0 && err)
			*err = own;
		return n;
	}
	return set_base(r, true);
}

static char *make_scope(const struct registry_options *o)
{
	cleanup(buf_deinit) struct buf scope = BUF_NULL;

	if (o->path)
		buf_printf(&scope, "repository:%s:pull%s", o->path, o->push ? ",push" : "");
	for (size_t i = 0; o->sources && i < o->sources->n; i++)
		buf_printf(&scope, " repository:%s:pull", o->sources->v[i]);
	return buf_steal(&scope);
}

int registry_open(struct registry **out, const struct registry_options *options,
		  const struct endpoint *endpoint, struct err *err)
{
	cleanup(registry_freep) struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return err_sys(err, ENOMEM, "registry");
	pthread_mutex_init(&r->mutex, NULL);
	r->options = *options;
	r->endpoint = *endpoint;
	r->path = options->path ? str_printf("%s/", options->path) : strdup("");
	r->scope = make_scope(options);
	int n = r->path && r->scope ? set_base(r, endpoint->plain) : -ENOMEM;

	if (n < 0)
		return err_sys(err, n, "registry");
	n = endpoint->insecure && !endpoint->plain ? probe(r, err) : 0;
	if (n == 0)
		*out = steal(&r);
	return n;
}

/* Only for its own host: an upload may go on elsewhere. */
static char *signature(struct registry *r, const char *url, unsigned int *generation)
{
	char *copy;

	pthread_mutex_lock(&r->mutex);
	*generation = r->generation;
	copy = r->header && urltext_below(url, r->base) ? strdup(r->header) : NULL;
	pthread_mutex_unlock(&r->mutex);
	return copy;
}

static int answer(struct registry *r, struct transfer *t, const char *challenge_text,
		  struct err *err)
{
	static const struct auth_credentials nobody;
	struct challenge challenge;
	const struct auth_question question = {
		.challenge = &challenge,
		.scope = r->scope,
		.host = r->endpoint.host,
		.insecure = r->endpoint.insecure,
		.plain = str_has_prefix(r->base, "http://"),
		.identity_token = r->options.identity_token,
	};
	/* who somebody is for the registry is no business of its mirrors */
	const struct auth_credentials *who =
		r->options.auth && !r->endpoint.mirror ? r->options.auth : &nobody;
	cleanup_free char *value = NULL;

	if (challenge_parse(challenge_text, &challenge) < 0)
		return err_set(err, ERR_UNAUTHENTICATED,
			       "%s wants to know who asks, in a way that is not known: \"%.80s\"",
			       r->endpoint.host, challenge_text);
	int n = auth_answer(t, &question, who, &value, err);

	if (n < 0)
		return n;
	free(r->header);
	r->header = str_printf("Authorization: %s", value);
	r->generation++;
	return r->header ? 0 : err_sys(err, ENOMEM, "registry");
}

/* `generation` is that of the header which was refused. */
static int sign_in(struct registry *r, struct transfer *t, const char *challenge,
		   unsigned int generation, struct err *err)
{
	int n = 0;

	pthread_mutex_lock(&r->mutex);
	if (generation == r->generation)
		n = answer(r, t, challenge, err);
	pthread_mutex_unlock(&r->mutex);
	return n;
}

static int signed_run(struct registry *r, struct transfer *t, struct transfer_request *request,
		      struct transfer_reply *reply, struct err *err)
{
	int n = 0;

	for (int i = 0; n == 0 && i < 2; i++) {
		unsigned int generation;
		cleanup_free char *header = signature(r, request->url, &generation);

		request->headers[TRANSFER_HEADERS_MAX - 1] = header;
		n = transfer_run(t, request, reply, err);
		r->met = r->met || reply->status || reply->cut;
		if (n < 0 || reply->status != 401 || i == 1 ||
		    !urltext_below(str_or_empty(reply->url), r->base))
			break;

		cleanup_free char *challenge = strdup(reply->challenge);

		transfer_reply_deinit(reply);
		n = challenge ? sign_in(r, t, challenge, generation, err) : -ENOMEM;
	}
	return n;
}

int registry_try(struct registry *r, struct transfer *t, const struct transfer_request *request,
		 const char *what, struct transfer_reply *reply, struct err *err)
{
	struct transfer_request own = *request;
	cleanup_free char *url = request->url ? strdup(request->url)
					      : str_printf("%s/v2/%s%s", r->base, r->path, what);

	*reply = (struct transfer_reply){ 0 };
	if (!url)
		return err_sys(err, ENOMEM, "registry");
	own.url = url;
	own.host = r->endpoint.host;
	own.insecure = r->endpoint.insecure;
	return signed_run(r, t, &own, reply, err);
}

int registry_pause(struct registry *r, struct transfer *t, unsigned int tries, int n,
		   const struct transfer_reply *reply, struct err *err)
{
	if (n < 0 && (!err || err->code != ERR_UNAVAILABLE || !r->met))
		return n;
	if ((n == 0 && !backoff_retries(reply->status)) ||
	    tries >= (r->endpoint.mirror ? BACKOFF_MIRROR_TRIES : BACKOFF_TRIES))
		return n ? n : 1;
	return transfer_back_off(t, tries, n == 0 ? reply : NULL, err);
}

int registry_ask(struct registry *r, struct transfer *t, const struct transfer_request *request,
		 const char *what, struct transfer_reply *reply, struct err *err)
{
	struct err own = ERR_NULL;
	int n;

	for (unsigned int tries = 1;; tries++) {
		own = ERR_NULL;
		n = registry_try(r, t, request, what, reply, &own);
		int pause = registry_pause(r, t, tries, n, reply, &own);

		if (pause) {
			n = pause < 0 ? pause : 0;
			break;
		}
		transfer_reply_deinit(reply);
	}
	if (n < 0 && err)
		*err = own;
	return n;
}

int registry_refused(const struct transfer_reply *reply, struct err *err, const char *what)
{
	char why[REGJSON_TEXT_MAX];
	long status = reply->status;
	enum err_code code = status == 404   ? ERR_NOT_FOUND
			     : status == 401 ? ERR_UNAUTHENTICATED
			     : status == 403 ? ERR_PERMISSION
			     : status == 429 ? ERR_EXHAUSTED
			     : status >= 500 ? ERR_UNAVAILABLE
					     : ERR_INVALID;

	regjson_error(str_or_empty(reply->body.data), reply->body.len, why);
	if (why[0])
		return err_set(err, code, "%s: %s%s", what, status == 401 ? "unauthorized: " : "",
			       why);
	return err_set(err, code, "%s: the registry answered %ld", what, status);
}
