/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blobs.h"
#include "digest.h"
#include "manifest.h"
#include "str.h"

void document_deinit(struct document *d)
{
	buf_deinit(&d->bytes);
	distribution_deinit(&d->parsed);
	*d = (struct document){ 0 };
}

static int parse(struct document *d, const char *server_type, struct err *err)
{
	const char *text = str_or_empty(d->bytes.data);
	int r = digest_of(text, d->bytes.len, d->digest, err);

	r = r ? r : distribution_parse(text, d->bytes.len, &d->parsed, err);
	if (r == 0) {
		const char *type = d->parsed.media_type[0] ? d->parsed.media_type : server_type;

		snprintf(d->media_type, sizeof(d->media_type), "%.*s", (int)strcspn(type, ";"),
			 type);
	}
	return r;
}

int document_read(struct document *d, struct err *err)
{
	return parse(d, "", err);
}

int document_kept(struct document *d, const struct engine *engine, const char *digest,
		  struct err *err)
{
	int r = blobs_read(engine, digest, MANIFEST_BYTES_MAX, &d->bytes);

	if (r < 0)
		return r == -ENOENT ? r : err_sys(err, r, "read a manifest");
	r = parse(d, "", err);
	if (r == 0 && strcmp(digest, d->digest) != 0)
		return err_set(err, ERR_DATA_LOSS, "the manifest %s is damaged", digest);
	return r;
}

static int not_there(const struct transfer_reply *reply, const char *name, struct err *err)
{
	cleanup_free char *what = NULL;

	if (reply->status == 404)
		what = str_printf("manifest for %s not found", name);
	else if (reply->status == 401 || reply->status == 403)
		what = str_printf("pull access denied for %s, repository does not exist or may "
				  "require 'docker login'",
				  name);
	return registry_refused(reply, err, what ? what : name);
}

static int ask(struct document *d, struct registry *registry, struct transfer *transfer,
	       const char *which, const char *name, struct err *err)
{
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	const struct transfer_request request = { .method = "GET",
						  .headers = { DISTRIBUTION_ACCEPT },
						  .body_max = MANIFEST_BYTES_MAX };
	cleanup_free char *what = str_printf("manifests/%s", which);
	int r = what ? registry_ask(registry, transfer, &request, what, &reply, err)
		     : err_sys(err, ENOMEM, "manifest");

	if (r < 0)
		return r;
	if (reply.status != 200)
		return not_there(&reply, name, err);
	d->bytes = reply.body;
	reply.body = BUF_NULL;
	return parse(d, reply.content_type, err);
}

int document_get(struct document *out, const struct engine *engine, struct registry *registry,
		 struct transfer *transfer, const char *which, const char *name, struct err *err)
{
	bool digest = str_is_digest(which);
	int r = digest ? document_kept(out, engine, which, err) : -ENOENT;

	if (r != -ENOENT)
		return r;
	r = ask(out, registry, transfer, which, name, err);
	if (r == 0 && digest && strcmp(which, out->digest) != 0)
		return err_set(err, ERR_DATA_LOSS, "what the registry sent as %s has the digest %s",
			       which, out->digest);
	return r;
}
