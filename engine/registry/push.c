/* SPDX-License-Identifier: Apache-2.0 */
/* Layers first, several at a time, then the config, and the manifest last: a registry never has a name for what
 * is not whole. The manifest the image came with is tried first; when it turns out that a blob of it is neither
 * here nor there, one is composed of what is here. */
#include "push.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "crew.h"
#include "pushplan.h"
#include "registry.h"
#include "rows.h"
#include "store.h"
#include "str.h"

struct told {
	int state;
	uint64_t sent;
};

struct push {
	struct engine *engine;
	const struct push_options *options;
	struct reference ref;
	char repository[REFERENCE_MAX], name[REFERENCE_MAX];
	struct push_plan plan;
	struct registry *registry;
	struct transfer *transfer;
	struct told *told;
};

static void push_deinit(struct push *p)
{
	push_plan_deinit(&p->plan);
	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
	free(p->told);
}

static int tell(const struct push *p, const char *id, const char *status, uint64_t now,
		uint64_t total)
{
	return p->options->progress(p->options->ctx, id, status, now, total);
}

static int tell_end(const struct push *p, const struct push_layer *l)
{
	cleanup_free char *mounted = NULL;

	if (l->end == UPLOAD_MOUNTED)
		mounted = str_printf("Mounted from %s", l->from);
	return tell(p, l->id,
		    mounted                    ? mounted
		    : l->end == UPLOAD_EXISTED ? "Layer already exists"
					       : "Pushed",
		    0, 0);
}

static int tell_layer(const struct push *p, const struct push_layer *l, struct told *told)
{
	int state = l->state, r = 0;
	uint64_t sent = l->sent;

	if (state == PUSH_DONE && told->state != PUSH_DONE)
		r = tell_end(p, l);
	else if (state == PUSH_SENDING && sent != told->sent)
		r = tell(p, l->id, "Pushing", sent, l->blob->size);
	*told = (struct told){ state, sent };
	return r;
}

static int tick(void *ctx, struct err *err)
{
	const struct push *p = ctx;
	struct pollfd fd = { .fd = p->options->cancel_fd, .events = POLLIN };
	int r = poll(&fd, 1, 0) > 0 ? err_set(err, ERR_CANCELLED, "it was cancelled") : 0;

	for (size_t i = 0; r == 0 && i < p->plan.n_layers; i++)
		r = tell_layer(p, &p->plan.layers[i], &p->told[i]);
	return r;
}

static int run_layer(void *ctx, void *item, struct transfer *transfer, struct err *err)
{
	const struct push *p = ctx;
	struct push_layer *l = item;
	struct upload upload = { .registry = p->registry,
				 .transfer = transfer,
				 .digest = l->blob->digest,
				 .size_bytes = l->blob->size,
				 .fd = l->content.fd,
				 .sources = &l->sources,
				 .sent = &l->sent };

	l->state = PUSH_SENDING;
	int r = upload_blob(&upload, &l->end, err);

	l->from = upload.mounted_from;
	if (r == 0)
		l->state = PUSH_DONE;
	return r;
}

static int push_layers(struct push *p, struct err *err)
{
	cleanup_free void **items = calloc(p->plan.n_layers + 1, sizeof(*items));
	struct crew crew = {
		.registry = p->registry, .items = items, .run = run_layer, .tick = tick, .ctx = p
	};
	int r = 0;

	free(p->told);
	p->told = calloc(p->plan.n_layers + 1, sizeof(*p->told));
	if (!items || !p->told)
		return err_sys(err, ENOMEM, "push");
	for (size_t i = 0; r == 0 && i < p->plan.n_layers; i++) {
		items[crew.n++] = &p->plan.layers[i];
		r = tell(p, p->plan.layers[i].id, "Preparing", 0, 0);
	}
	return r ? r : crew_run(&crew, err);
}

static int push_config(const struct push *p, struct err *err)
{
	struct upload upload = { .registry = p->registry,
				 .transfer = p->transfer,
				 .digest = p->plan.image.id,
				 .size_bytes = p->plan.image.config_len,
				 .data = p->plan.image.config_json,
				 .fd = -1 };
	enum upload_end end;

	return upload_blob(&upload, &end, err);
}

static int push_manifest(const struct push *p, struct err *err)
{
	const struct document *m = &p->plan.manifest;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	cleanup_free char *type = str_printf(
		"Content-Type: %s",
		m->media_type[0] ? m->media_type : "application/vnd.oci.image.manifest.v1+json");
	cleanup_free char *what = str_printf("manifests/%s", p->ref.tag);
	const struct transfer_request request = {
		.method = "PUT", .headers = { type }, .data = m->bytes.data, .len = m->bytes.len
	};

	if (!type || !what)
		return err_sys(err, ENOMEM, "push");
	int r = registry_ask(p->registry, p->transfer, &request, what, &reply, err);

	if (r == 0 && reply.status != 201 && reply.status != 200)
		r = registry_refused(&reply, err, "manifest");
	return r;
}

static int connect_to(struct push *p, struct err *err)
{
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t n = endpoints_find(&p->engine->config, p->ref.domain, endpoints);
	const struct registry_options options = { .config = &p->engine->config,
						  .path = p->ref.path,
						  .auth = p->options->auth,
						  .push = true,
						  .sources = &p->plan.sources,
						  .stop_fd = p->options->cancel_fd };

	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
	int r = registry_open(&p->registry, &options, &endpoints[n - 1], err);

	return r ? r : registry_transfer(p->registry, p->options->cancel_fd, &p->transfer, err);
}

/* Everything but the manifest. */
static int push_blobs(struct push *p, struct err *err)
{
	int r = connect_to(p, err);

	r = r ? r : push_layers(p, err);
	return r ? r : push_config(p, err);
}

static int record(const struct push *p, struct err *err)
{
	struct store *store = p->engine->store;
	int r = store_begin(store, err);

	if (r < 0)
		return r;
	r = image_add_digest(p->engine, p->plan.image.id, p->repository, p->plan.manifest.digest,
			     err);
	for (size_t i = 0; r >= 0 && i < p->plan.n_layers; i++)
		r = store_run(store, err,
			      "INSERT INTO blob_sources(digest, repository) VALUES(?, ?) "
			      "ON CONFLICT DO NOTHING",
			      "ss", p->plan.layers[i].blob->digest, p->repository);
	int ended = store_end(store, r >= 0, err);

	return r < 0 ? r : ended;
}

static int find_image(struct push *p, struct err *err)
{
	char shown[REFERENCE_MAX];
	int r = image_find(p->engine, p->name, &p->plan.image, err);

	if (r != -ENOENT)
		return r ? r : image_check_platform(&p->plan.image, p->options->platform, err);
	reference_familiar(p->repository, shown);
	return err_reason(err, ERR_NOT_FOUND, "IMAGE_NOT_FOUND",
			  "An image does not exist locally with the tag: %.150s", shown);
}

static int push_one(struct push *p, struct err *err)
{
	struct err own = ERR_NULL;
	int r = find_image(p, err);

	r = r ? r : push_plan_exact(&p->plan, p->engine, &p->ref, err);
	if (r < 0)
		return r;
	if (r == 0 && (r = push_blobs(p, &own)) < 0 && r != -ENOENT) {
		if (err)
			*err = own;
		return r;
	}
	if (r) {
		r = push_plan_composed(&p->plan, p->engine, &p->ref, p->options->cancel_fd, err);
		r = r ? r : push_blobs(p, err);
	}
	r = r ? r : push_manifest(p, err);
	r = r ? r : record(p, err);
	if (r < 0)
		return r;
	const struct pushed pushed = { p->name, p->plan.manifest.digest,
				       p->plan.manifest.bytes.len };

	return p->options->pushed(p->options->ctx, &pushed);
}

static int push_reference(struct engine *engine, const struct push_options *options,
			  const struct reference *ref, struct err *err)
{
	cleanup(push_deinit) struct push p = { .engine = engine, .options = options, .ref = *ref };

	if (!ref->tag[0])
		snprintf(p.ref.tag, sizeof(p.ref.tag), "latest");
	snprintf(p.repository, sizeof(p.repository), "%s/%s", ref->domain, ref->path);
	snprintf(p.name, sizeof(p.name), "%s:%s", p.repository, p.ref.tag);
	return push_one(&p, err);
}

/* ';' is what comes behind ':'. */
static int push_all(struct engine *engine, const struct push_options *options,
		    const struct reference *ref, struct err *err)
{
	cleanup(strings_deinit) struct strings names = { 0 };
	char from[REFERENCE_MAX], to[REFERENCE_MAX], shown[REFERENCE_MAX];

	snprintf(from, sizeof(from), "%s/%s:", ref->domain, ref->path);
	snprintf(to, sizeof(to), "%s/%s;", ref->domain, ref->path);
	int r = store_query(engine->store, err, rows_take_text, &names,
			    "SELECT name FROM tags WHERE name > ? AND name < ? ORDER BY name", "ss",
			    from, to);

	from[strlen(from) - 1] = '\0';
	reference_familiar(from, shown);
	if (r == 0 && names.n == 0)
		r = err_reason(err, ERR_NOT_FOUND, "IMAGE_NOT_FOUND",
			       "An image does not exist locally with the tag: %.150s", shown);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct reference one;

		r = reference_parse(names.v[i], &one, err);
		r = r ? r : push_reference(engine, options, &one, err);
	}
	return r;
}

int image_push(struct engine *engine, const struct push_options *options, struct err *err)
{
	struct reference ref;
	cleanup_free char *begun = NULL;
	int r = reference_parse(options->reference, &ref, err);

	if (r == 0 && ref.digest[0])
		r = err_set(err, ERR_INVALID, "cannot push a digest reference");
	if (r == 0 && options->all_tags && ref.tag[0])
		r = err_set(err, ERR_INVALID, "tag can't be used with --all-tags/-a");
	if (r < 0)
		return r;
	begun = str_printf("The push refers to repository [%s/%s]", ref.domain, ref.path);
	r = begun ? options->progress(options->ctx, "", begun, 0, 0) : -ENOMEM;
	if (r < 0)
		return r;
	return options->all_tags ? push_all(engine, options, &ref, err)
				 : push_reference(engine, options, &ref, err);
}
