/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to an image: the manifest (through an index, where there is one, to the platform's), the config,
 * the layers that are not here, and then everything becomes visible at once. Mirrors are asked first, and the
 * registry itself when they do not have the manifest. */
#include "pull.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "blobs.h"
#include "crew.h"
#include "document.h"
#include "fd.h"
#include "fetch.h"
#include "image.h"
#include "layer.h"
#include "layerpull.h"
#include "publish.h"
#include "reference.h"
#include "registry.h"
#include "str.h"
#include "tags.h"

/* What was told of a layer last. */
struct told {
	int state;
	uint64_t bytes;
};

struct pull {
	struct engine *engine;
	const struct pull_options *options;
	struct reference ref;
	char repository[REFERENCE_MAX]; /* docker.io/library/busybox */
	char name[REFERENCE_MAX];       /* the same with tag or digest */
	struct registry *registry;
	struct transfer *transfer;
	struct document top, chosen; /* chosen: the platform's manifest of an index */
	struct buf json;
	struct image_config config;
	struct layer_pull *layers;
	struct told *told;
	size_t n_layers;
	struct lease lease; /* of the documents */
};

static const struct document *manifest(const struct pull *p)
{
	return p->top.parsed.index ? &p->chosen : &p->top;
}

static void pull_deinit(struct pull *p)
{
	for (size_t i = 0; i < p->n_layers; i++)
		layer_pull_deinit(&p->layers[i]);
	free(p->layers);
	free(p->told);
	document_deinit(&p->top);
	document_deinit(&p->chosen);
	buf_deinit(&p->json);
	image_config_deinit(&p->config);
	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
	lease_deinit(&p->lease);
}

static int cancelled(const struct pull *p, struct err *err)
{
	struct pollfd fd = { .fd = p->options->cancel_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 ? err_set(err, ERR_CANCELLED, "it was cancelled") : 0;
}

/* ---- what to pull */

static int connect_to(struct pull *p, const struct endpoint *endpoint, struct err *err)
{
	const struct registry_options options = { .config = &p->engine->config,
						  .path = p->ref.path,
						  .auth = p->options->auth,
						  .stop_fd = p->options->cancel_fd };

	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
	document_deinit(&p->top);
	int r = registry_open(&p->registry, &options, endpoint, err);

	return r ? r : registry_transfer(p->registry, p->options->cancel_fd, &p->transfer, err);
}

static int find_manifest(struct pull *p, struct err *err)
{
	struct endpoint endpoints[ENDPOINTS_MAX];
	const char *which = p->ref.digest[0] ? p->ref.digest : p->ref.tag;
	size_t n = endpoints_find(&p->engine->config, p->ref.domain, endpoints);
	char shown[REFERENCE_MAX];
	int r = -ENOENT;

	reference_familiar(p->name, shown);
	for (size_t i = 0; i < n && r < 0 && r != -ECANCELED; i++) {
		r = connect_to(p, &endpoints[i], err);
		r = r ? r
		      : document_get(&p->top, p->engine, p->registry, p->transfer, which, shown,
				     err);
	}
	return r;
}

static struct platform wanted(const struct pull *p)
{
	struct utsname name = { 0 };

	(void)uname(&name);
	struct platform host = platform_host(name.machine), w = host;

	if (p->options->platform) {
		w = *p->options->platform;
		if (!w.os[0])
			memcpy(w.os, host.os, sizeof(w.os));
		if (!w.architecture[0])
			memcpy(w.architecture, host.architecture, sizeof(w.architecture));
	}
	return w;
}

static int choose_platform(struct pull *p, struct err *err)
{
	struct platform want = wanted(p);
	char text[96], shown[REFERENCE_MAX];

	if (!p->top.parsed.index)
		return 0;
	platform_format(&want, text);
	reference_familiar(p->name, shown);
	const struct descriptor *d = distribution_choose(&p->top.parsed, &want);

	if (!d)
		return err_set(
			err, ERR_NOT_FOUND,
			"no matching manifest for %s in the manifest list entries of %.120s: "
			"not found",
			text, shown);
	int r = document_get(&p->chosen, p->engine, p->registry, p->transfer, d->digest, shown,
			     err);

	return r == 0 && p->chosen.parsed.index
		       ? err_set(err, ERR_INVALID, "%s: an index in an index", d->digest)
		       : r;
}

/* The image has the name and the digest already, and all of it is here. */
static bool is_current(const struct pull *p)
{
	cleanup(image_deinit) struct image image = { 0 };
	cleanup_free char *digest = str_printf("%s@%s", p->repository, p->top.digest);

	if (!digest || image_find(p->engine, p->name, &image, NULL) < 0 ||
	    strcmp(image.id, manifest(p)->parsed.config.digest) != 0)
		return false;
	for (size_t i = 0; i < image.digests.n; i++)
		if (strcmp(image.digests.v[i], digest) == 0)
			return true;
	return false;
}

static int check_platform(const struct pull *p, struct err *err)
{
	const struct image_config *c = &p->config;
	struct platform want = wanted(p);
	char text[96], shown[REFERENCE_MAX];

	if (!p->options->platform || p->top.parsed.index || !str_or_empty(c->architecture)[0] ||
	    (strcmp(want.os, str_or_empty(c->os)) == 0 &&
	     strcmp(want.architecture, c->architecture) == 0))
		return 0;
	platform_format(&want, text);
	reference_familiar(p->name, shown);
	return err_set(err, ERR_NOT_FOUND,
		       "image with reference %.100s was found but does not match the specified "
		       "platform: wanted %s, actual: %.20s/%.20s",
		       shown, text, str_or_empty(c->os), c->architecture);
}

static int get_config(struct pull *p, struct err *err)
{
	const struct distribution *m = &manifest(p)->parsed;
	const struct fetch fetch = { p->engine, p->registry, p->transfer, &m->config, NULL };
	int r = fetch_document(&fetch, MANIFEST_BYTES_MAX, &p->json, err);

	if (r < 0)
		return err_wrap(err, r, "image config");
	r = image_config_parse(p->json.data, p->json.len, &p->config, err);
	r = r ? r : check_platform(p, err);
	if (r == 0 && p->config.diff_ids.n != m->n)
		r = err_set(err, ERR_INVALID, "the config lists %zu layers, the manifest %zu",
			    p->config.diff_ids.n, m->n);
	return r;
}

/* ---- layers */

static bool listed_before(const struct pull *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->layers[k].diff, p->layers[i].diff) == 0 &&
		    strcmp(p->layers[k].blob->digest, p->layers[i].blob->digest) == 0)
			return true;
	return false;
}

static int list_layers(struct pull *p, struct err *err)
{
	const struct distribution *m = &manifest(p)->parsed;

	p->layers = calloc(m->n + 1, sizeof(*p->layers));
	p->told = calloc(m->n + 1, sizeof(*p->told));
	if (!p->layers || !p->told)
		return err_sys(err, ENOMEM, "pull");
	for (size_t i = 0; i < m->n; i++) {
		struct layer_pull *l = &p->layers[i];

		layer_pull_init(l, &m->items[i], p->config.diff_ids.v[i] + strlen("sha256:"));
		p->n_layers++;
		p->told[i].state = -1;
		if (listed_before(p, i) ||
		    layers_size(p->engine->layers, l->diff, &l->size_bytes) == 0)
			l->state = LAYER_EXISTS;
	}
	return 0;
}

static int tell(const struct pull *p, const char *id, const char *status, uint64_t now,
		uint64_t total)
{
	return p->options->progress(p->options->ctx, id, status, now, total);
}

/* Each state that was passed since is told, and bytes when they changed. */
static int tell_layer(const struct pull *p, struct layer_pull *l, struct told *told)
{
	static const char *const entered[] = { [LAYER_WAITING] = "Pulling fs layer",
					       [LAYER_EXTRACTING] = "Download complete",
					       [LAYER_DONE] = "Pull complete",
					       [LAYER_EXISTS] = "Already exists" };
	int state = l->state, r = 0;
	bool loads = state == LAYER_DOWNLOADING;
	uint64_t bytes = loads ? growing_have(&l->bytes) : l->unpacked_from;
	char id[16];

	snprintf(id, sizeof(id), "%.12s", l->blob->digest + strlen("sha256:"));
	for (int s = state == LAYER_EXISTS ? state : told->state + 1; r == 0 && s <= state; s++)
		if (told->state != state && entered[s])
			r = tell(p, id, entered[s], 0, 0);
	if (r == 0 && (loads || state == LAYER_EXTRACTING) &&
	    (bytes != told->bytes || told->state != state))
		r = tell(p, id, loads ? "Downloading" : "Extracting", bytes, l->blob->size);
	*told = (struct told){ state, bytes };
	return r;
}

static int tick(void *ctx, struct err *err)
{
	struct pull *p = ctx;
	int r = cancelled(p, err);

	for (size_t i = 0; r == 0 && i < p->n_layers; i++)
		r = tell_layer(p, &p->layers[i], &p->told[i]);
	return r;
}

/* ---- the end */

static int add_document(struct pull *p, struct publish_blob *out, const char *name,
			const struct buf *text, const char *digest, const char *type,
			struct err *err)
{
	int r = fd_replace_file(p->lease.fd, name, text->data, text->len, 0600, true);

	*out = (struct publish_blob){
		.media_type = type, .diff_id = "", .size_bytes = text->len, .dir_fd = p->lease.fd
	};
	snprintf(out->digest, sizeof(out->digest), "%s", digest);
	snprintf(out->name, sizeof(out->name), "%s", name);
	return r < 0 ? err_sys(err, r, "keep the %s", name) : 0;
}

static bool has_blob(const struct pull *p, const struct layer_pull *l)
{
	cleanup_fd int fd = l->state == LAYER_EXISTS ? blobs_open(p->engine, l->blob->digest) : -1;

	return l->state == LAYER_DONE || fd >= 0;
}

static int list_blobs(struct pull *p, struct publish_blob *out, size_t *n, struct err *err)
{
	const struct document *m = manifest(p);
	int r = add_document(p, &out[(*n)++], "config", &p->json, m->parsed.config.digest,
			     m->parsed.config.media_type, err);

	r = r ? r
	      : add_document(p, &out[(*n)++], "manifest", &m->bytes, m->digest, m->media_type, err);
	if (r == 0 && m != &p->top)
		r = add_document(p, &out[(*n)++], "index", &p->top.bytes, p->top.digest,
				 p->top.media_type, err);
	for (size_t i = 0; r == 0 && i < p->n_layers; i++) {
		const struct layer_pull *l = &p->layers[i];

		if (!has_blob(p, l))
			continue;
		out[*n] = (struct publish_blob){ .media_type = l->blob->media_type,
						 .diff_id = p->config.diff_ids.v[i],
						 .size_bytes = l->blob->size,
						 .dir_fd = p->engine->state_fd };
		memcpy(out[*n].digest, l->blob->digest, sizeof(out[*n].digest));
		blobs_partial_path(l->blob->digest, out[(*n)++].name);
	}
	return r;
}

static int commit(struct pull *p, struct err *err)
{
	cleanup_free struct publish_layer *layers = calloc(p->n_layers + 1, sizeof(*layers));
	cleanup_free struct publish_blob *blobs = calloc(p->n_layers + 3, sizeof(*blobs));
	char *tag = p->name;
	const struct strings tags = { &tag, p->ref.digest[0] ? 0 : 1 };
	struct publish_image image = { .id = manifest(p)->parsed.config.digest,
				       .json = p->json.data,
				       .len = p->json.len,
				       .config = &p->config,
				       .tags = &tags,
				       .manifest = manifest(p)->digest,
				       .repository = p->repository,
				       .digest = p->top.digest,
				       .layers = layers,
				       .n_layers = p->n_layers,
				       .blobs = blobs };

	if (!layers || !blobs)
		return err_sys(err, ENOMEM, "pull");
	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer_pull *l = &p->layers[i];

		layers[i] = (struct publish_layer){ l->diff, l->lease.fd >= 0 ? &l->lease : NULL, 1,
						    l->size_bytes };
		image.size_bytes += l->size_bytes;
	}
	int r = lease_open(&p->lease, p->engine->state_fd, err);

	r = r ? r : list_blobs(p, blobs, &image.n_blobs, err);
	r = r ? r : cancelled(p, err);
	return r ? r : publish_images(p->engine, &image, 1, err);
}

static int tell_begin(const struct pull *p)
{
	cleanup_free char *status = str_printf("Pulling from %s", p->ref.path);

	return status ? tell(p, p->ref.digest[0] ? p->ref.digest : p->ref.tag, status, 0, 0)
		      : -ENOMEM;
}

static int larger_first(const void *a, const void *b)
{
	const struct layer_pull *x = *(void *const *)a, *y = *(void *const *)b;

	return (x->blob->size < y->blob->size) - (x->blob->size > y->blob->size);
}

static int run_layer(void *ctx, void *item, struct transfer *transfer, struct err *err)
{
	const struct pull *p = ctx;

	return layer_pull_run(item, p->engine, p->registry, transfer, err);
}

static int pull_layers(struct pull *p, struct err *err)
{
	cleanup_free void **order = calloc(p->n_layers + 1, sizeof(*order));
	struct crew crew = {
		.registry = p->registry, .items = order, .run = run_layer, .tick = tick, .ctx = p
	};

	if (!order)
		return err_sys(err, ENOMEM, "pull");
	for (size_t i = 0; i < p->n_layers; i++)
		if (p->layers[i].state == LAYER_WAITING)
			order[crew.n++] = &p->layers[i];
	qsort(order, crew.n, sizeof(*order), larger_first);
	return crew_run(&crew, err);
}

static int bring(struct pull *p, struct err *err)
{
	int r = get_config(p, err);

	r = r ? r : list_layers(p, err);
	r = r ? r : pull_layers(p, err);
	return r ? r : commit(p, err);
}

/* One image: of the reference in p->ref. */
static int pull_one(struct pull *p, struct err *err)
{
	int r = find_manifest(p, err);

	r = r ? r : tell_begin(p);
	r = r ? r : choose_platform(p, err);
	if (r < 0)
		return r;
	struct pulled pulled = { .image_id = manifest(p)->parsed.config.digest,
				 .digest = p->top.digest,
				 .reference = p->name,
				 .was_current = is_current(p) };

	r = pulled.was_current ? 0 : bring(p, err);
	return r ? r : p->options->pulled(p->options->ctx, &pulled);
}

static int pull_reference(struct engine *engine, const struct pull_options *options,
			  const struct reference *ref, struct err *err)
{
	cleanup(pull_deinit) struct pull p = {
		.engine = engine, .options = options, .ref = *ref, .lease = LEASE_NULL
	};

	if (!ref->tag[0])
		snprintf(p.ref.tag, sizeof(p.ref.tag), "latest");
	snprintf(p.repository, sizeof(p.repository), "%s/%s", ref->domain, ref->path);
	if (ref->digest[0])
		snprintf(p.name, sizeof(p.name), "%s@%s", p.repository, ref->digest);
	else
		snprintf(p.name, sizeof(p.name), "%s:%s", p.repository, p.ref.tag);
	return pull_one(&p, err);
}

int image_pull(struct engine *engine, const struct pull_options *options, struct err *err)
{
	cleanup(strings_deinit) struct strings tags = { 0 };
	struct reference ref;
	int r = reference_parse(options->reference, &ref, err);

	if (r == 0 && options->all_tags && (ref.tag[0] || ref.digest[0]))
		r = err_set(err, ERR_INVALID, "tag can't be used with --all-tags/-a");
	if (r < 0)
		return r;
	if (!options->all_tags)
		return pull_reference(engine, options, &ref, err);
	r = tags_list(engine, &ref, options->auth, options->cancel_fd, &tags, err);
	for (size_t i = 0; r == 0 && i < tags.n; i++) {
		snprintf(ref.tag, sizeof(ref.tag), "%s", tags.v[i]);
		r = pull_reference(engine, options, &ref, err);
	}
	return r;
}
