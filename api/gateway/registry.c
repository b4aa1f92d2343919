/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's routes that have to do with registries: pull, push, auth. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/images.pb-c.h"
#include "cleat/v1/system.pb-c.h"
#include "exchange.h"
#include "platformmsg.h"
#include "registryauth.h"
#include "str.h"

enum { BAR_CELLS = 50 };

/* "[====>    ] 12/100": older clients show it as it is. */
static json_t *bar(uint64_t now, uint64_t total)
{
	char cells[BAR_CELLS + 1];
	size_t done = now < total ? (size_t)(now * BAR_CELLS / total) : BAR_CELLS;

	memset(cells, ' ', BAR_CELLS);
	memset(cells, '=', done);
	if (done < BAR_CELLS)
		cells[done] = '>';
	cells[BAR_CELLS] = '\0';
	return json_sprintf("[%s] %lluB/%lluB", cells, (unsigned long long)now,
			    (unsigned long long)total);
}

static int tell_progress(struct gw *gw, const Cleat__V1__Progress *p)
{
	json_t *o = json_pack("{s:s, s:{}}", "status", p->status, "progressDetail");

	if (p->total_bytes) {
		json_object_set_new(o, "progressDetail",
				    json_pack("{s:I, s:I}", "current", (json_int_t)p->current_bytes,
					      "total", (json_int_t)p->total_bytes));
		json_object_set_new(o, "progress", bar(p->current_bytes, p->total_bytes));
	}
	if (p->id[0])
		json_object_set_new(o, "id", json_string(p->id));
	return gw_send_json(gw, o);
}

static int tell_status(struct gw *gw, json_t *text)
{
	return gw_send_json(gw, json_pack("{s:o}", "status", text));
}

static const char *familiar(const char *full)
{
	static const char *const prefixes[] = { "docker.io/library/", "docker.io/" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_has_prefix(full, prefixes[i]))
			return full + strlen(prefixes[i]);
	return full;
}

/* What cannot be read is nobody, as Docker has it. */
static Cleat__V1__RegistryAuth *credentials(const struct gw *gw)
{
	Cleat__V1__RegistryAuth *auth = NULL;

	return registryauth_header(http_header(gw->http, "X-Registry-Auth"), &auth, NULL) == 0
		       ? auth
		       : NULL;
}

static bool is_bare(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strpbrk(slash ? slash : name, ":@");
}

/* NAME, NAME:TAG or NAME@DIGEST; owned. */
static char *reference_of(const char *name, const char *tag)
{
	return str_printf("%s%s%s", name, !tag[0] ? "" : strchr(tag, ':') ? "@" : ":", tag);
}

static int tell_pull(struct gw *gw, const Cleat__V1__PullImageReply *m)
{
	const Cleat__V1__PullImageReply__Pulled *p = m->pulled;

	if (m->message_case == CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PROGRESS)
		return tell_progress(gw, m->progress);
	if (m->message_case != CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PULLED)
		return 0;
	int r = tell_status(gw, json_sprintf("Digest: %s", p->digest));

	return r ? r
		 : tell_status(gw, json_sprintf("Status: %s for %s",
						p->was_current ? "Image is up to date"
							       : "Downloaded newer image",
						familiar(p->reference)));
}

static int run_pull(struct gw *gw, const Cleat__V1__PullImageRequest *req, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_open(gw, req, &call, err);

	while (r == 0) {
		Cleat__V1__PullImageReply *m = NULL;
		int n = gw_recv(gw, call, &m, err);

		if (n <= 0)
			return n;
		r = tell_pull(gw, m);
		cleat__v1__pull_image_reply__free_unpacked(m, NULL);
	}
	return r;
}

static void end_stream(struct gw *gw, int r, const struct err *err)
{
	if (r < 0 && r != -EPIPE)
		gw_fail(gw, err);
}

void gw_pull(struct gw *gw)
{
	Cleat__V1__PullImageRequest req = CLEAT__V1__PULL_IMAGE_REQUEST__INIT;
	struct platformmsg platform;
	Cleat__V1__RegistryAuth *auth = credentials(gw);
	cleanup_free char *reference =
		reference_of(http_query(gw->http, "fromImage"), http_query(gw->http, "tag"));
	struct err err = ERR_NULL;
	int r = reference ? platformmsg_read(http_query(gw->http, "platform"), &platform,
					     &req.platform, &err)
			  : err_sys(&err, ENOMEM, "pull");

	req.reference = reference;
	req.auth = auth;
	if (r == 0) {
		req.all_tags = is_bare(reference);
		r = run_pull(gw, &req, &err);
	}
	end_stream(gw, r, &err);
	if (auth)
		cleat__v1__registry_auth__free_unpacked(auth, NULL);
}

static int tell_push(struct gw *gw, const Cleat__V1__PushImageReply *m)
{
	const Cleat__V1__PushImageReply__Pushed *p = m->pushed;

	if (m->message_case == CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PROGRESS)
		return tell_progress(gw, m->progress);
	if (m->message_case != CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PUSHED)
		return 0;
	const char *colon = strrchr(p->reference, ':'), *tag = colon ? colon + 1 : "";
	int r = tell_status(gw, json_sprintf("%s: digest: %s size: %llu", tag, p->digest,
					     (unsigned long long)p->size_bytes));

	return r ? r
		 : gw_send_json(gw, json_pack("{s:{}, s:{s:s, s:s, s:I}}", "progressDetail", "aux",
					      "Tag", tag, "Digest", p->digest, "Size",
					      (json_int_t)p->size_bytes));
}

static int run_push(struct gw *gw, const Cleat__V1__PushImageRequest *req, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_open(gw, req, &call, err);

	while (r == 0) {
		Cleat__V1__PushImageReply *m = NULL;
		int n = gw_recv(gw, call, &m, err);

		if (n <= 0)
			return n;
		r = tell_push(gw, m);
		cleat__v1__push_image_reply__free_unpacked(m, NULL);
	}
	return r;
}

void gw_push(struct gw *gw)
{
	Cleat__V1__PushImageRequest req = CLEAT__V1__PUSH_IMAGE_REQUEST__INIT;
	Cleat__V1__RegistryAuth *auth = credentials(gw);
	cleanup_free char *reference = reference_of(gw->match.param, http_query(gw->http, "tag"));
	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	struct err err = ERR_NULL;
	json_t *given = NULL;
	int r = gw_json_platform(gw, &given, &platform, &err);

	req.platform = r > 0 ? &platform : NULL;
	req.reference = reference;
	req.auth = auth;
	if (!reference) {
		r = err_sys(&err, ENOMEM, "push");
	} else if (r >= 0) {
		req.all_tags = is_bare(reference);
		r = run_push(gw, &req, &err);
	}
	json_decref(given);
	end_stream(gw, r, &err);
	if (auth)
		cleat__v1__registry_auth__free_unpacked(auth, NULL);
}

void gw_auth(struct gw *gw)
{
	Cleat__V1__LoginRequest req = CLEAT__V1__LOGIN_REQUEST__INIT;
	Cleat__V1__LoginReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	int r = body ? registryauth_json(body, &req.auth, &err) : -EINVAL;

	r = r ? r : gw_call(gw, &req, &reply, &err);
	if (r == 0)
		gw_json(gw, 200,
			json_pack("{s:s, s:s}", "Status", reply->status, "IdentityToken",
				  reply->identity_token));
	else
		gw_fail(gw, &err);
	if (reply)
		cleat__v1__login_reply__free_unpacked(reply, NULL);
	if (req.auth)
		cleat__v1__registry_auth__free_unpacked(req.auth, NULL);
	json_decref(body);
}

static json_t *platforms(const Cleat__V1__RemoteImage *image)
{
	json_t *array = json_array();

	for (size_t i = 0; i < image->n_platforms; i++) {
		const Cleat__V1__Platform *p = image->platforms[i];
		json_t *o = json_pack("{s:s, s:s}", "architecture", p->architecture, "os", p->os);

		if (p->variant[0])
			json_object_set_new(o, "variant", json_string(p->variant));
		json_array_append_new(array, o);
	}
	return array;
}

void gw_distribution(struct gw *gw)
{
	Cleat__V1__InspectRemoteImageRequest req = CLEAT__V1__INSPECT_REMOTE_IMAGE_REQUEST__INIT;
	Cleat__V1__RemoteImage *reply = NULL;
	struct err err = ERR_NULL;

	req.reference = gw->match.param;
	req.auth = credentials(gw);
	if (gw_call(gw, &req, &reply, &err) < 0)
		gw_fail(gw, &err);
	else
		gw_json(gw, 200,
			json_pack("{s:{s:s, s:s, s:I}, s:o}", "Descriptor", "mediaType",
				  reply->media_type, "digest", reply->digest, "size",
				  (json_int_t)reply->size_bytes, "Platforms", platforms(reply)));
	if (reply)
		cleat__v1__remote_image__free_unpacked(reply, NULL);
	if (req.auth)
		cleat__v1__registry_auth__free_unpacked(req.auth, NULL);
}

static json_t *found_json(const Cleat__V1__SearchImagesReply__Result *r)
{
	return json_pack("{s:s, s:s, s:I, s:b, s:b}", "name", r->name, "description",
			 r->description, "star_count", (json_int_t)r->stars, "is_official",
			 r->official, "is_automated", 0);
}

static int read_limit(struct gw *gw, uint32_t *limit, struct err *err)
{
	const char *text = http_query(gw->http, "limit");
	int64_t n = 0;

	if (text[0] && str_int_in(text, 1, 100, &n) < 0)
		return err_set(err, ERR_INVALID, "limit %.20s is outside the range of [1, 100]",
			       text);
	*limit = (uint32_t)n;
	return 0;
}

void gw_search(struct gw *gw)
{
	Cleat__V1__SearchImagesRequest req = CLEAT__V1__SEARCH_IMAGES_REQUEST__INIT;
	Cleat__V1__SearchImagesReply *reply = NULL;
	struct err err = ERR_NULL;
	int r = read_limit(gw, &req.limit, &err);

	r = r ? r : gw_filters(gw, &req.filters, &req.n_filters, &err);
	req.term = (char *)(uintptr_t)http_query(gw->http, "term");
	req.auth = credentials(gw);
	r = r ? r : gw_call(gw, &req, &reply, &err);
	filtersjson_free(req.filters, req.n_filters);
	if (req.auth)
		cleat__v1__registry_auth__free_unpacked(req.auth, NULL);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	json_t *array = json_array();

	for (size_t i = 0; i < reply->n_results; i++)
		json_array_append_new(array, found_json(reply->results[i]));
	gw_json(gw, 200, array);
	cleat__v1__search_images_reply__free_unpacked(reply, NULL);
}
