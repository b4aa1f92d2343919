/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to an image: the manifest (through an index, where there is one, to the platform's), the config,
 * the layers that are not here, and then everything becomes visible at once. */
#include "pull.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "blobs.h"
#include "crew.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "layer.h"
#include "layerpull.h"
#include "publish.h"
#include "resolve.h"
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
	struct resolved what;
	struct layer_pull *layers;
	struct told *told;
	size_t n_layers;
	struct lease lease; /* of the documents */
};

static void pull_deinit(struct pull *p)
{
	for (size_t i = 0; i < p->n_layers; i++)
		layer_pull_deinit(&p->layers[i]);
	free(p->layers);
	free(p->told);
	resolved_deinit(&p->what);
	lease_deinit(&p->lease);
}

static int cancelled(const struct pull *p, struct err *err)
{
	struct pollfd fd = { .fd = p->options->cancel_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 ? err_set(err, ERR_CANCELLED, "it was cancelled") : 0;
}

/* The image has the name and the digest already, and all of it is here. */
static bool is_current(const struct pull *p)
{
	cleanup(image_deinit) struct image image = { 0 };
	cleanup_free char *digest = str_printf("%s@%s", p->what.repository, p->what.top.digest);

	if (!digest || image_find(p->engine, p->what.name, &image, NULL) < 0 ||
	    strcmp(image.id, resolved_manifest(&p->what)->parsed.config.digest) != 0)
		return false;
	for (size_t i = 0; i < image.digests.n; i++)
		if (strcmp(image.digests.v[i], digest) == 0)
			return true;
	return false;
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
	const struct distribution *m = &resolved_manifest(&p->what)->parsed;

	p->layers = calloc(m->n + 1, sizeof(*p->layers));
	p->told = calloc(m->n + 1, sizeof(*p->told));
	if (!p->layers || !p->told)
		return err_sys(err, ENOMEM, "pull");
	for (size_t i = 0; i < m->n; i++) {
		struct layer_pull *l = &p->layers[i];

		layer_pull_init(l, &m->items[i], p->what.config.diff_ids.v[i] + strlen("sha256:"));
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

	fault_point(FAULT_PULL_DOCUMENT_WRITTEN);
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
	const struct document *m = resolved_manifest(&p->what);
	int r = add_document(p, &out[(*n)++], "config", &p->what.json, m->parsed.config.digest,
			     m->parsed.config.media_type, err);

	r = r ? r
	      : add_document(p, &out[(*n)++], "manifest", &m->bytes, m->digest, m->media_type, err);
	if (r == 0 && m != &p->what.top)
		r = add_document(p, &out[(*n)++], "index", &p->what.top.bytes, p->what.top.digest,
				 p->what.top.media_type, err);
	for (size_t i = 0; r == 0 && i < p->n_layers; i++) {
		const struct layer_pull *l = &p->layers[i];

		if (!has_blob(p, l))
			continue;
		out[*n] = (struct publish_blob){ .media_type = l->blob->media_type,
						 .diff_id = p->what.config.diff_ids.v[i],
						 .size_bytes = l->blob->size,
						 .part = true,
						 .fd = l->state == LAYER_DONE ? l->bytes.fd : -1 };
		memcpy(out[*n].digest, l->blob->digest, sizeof(out[*n].digest));
		(*n)++;
	}
	return r;
}

static int commit(struct pull *p, struct err *err)
{
	cleanup_free struct publish_layer *layers = calloc(p->n_layers + 1, sizeof(*layers));
	cleanup_free struct publish_blob *blobs = calloc(p->n_layers + 3, sizeof(*blobs));
	char *tag = p->what.name;
	const struct strings tags = { &tag, p->what.ref.digest[0] ? 0 : 1 };
	struct publish_image image = { .id = resolved_manifest(&p->what)->parsed.config.digest,
				       .json = p->what.json.data,
				       .len = p->what.json.len,
				       .config = &p->what.config,
				       .tags = &tags,
				       .manifest = resolved_manifest(&p->what)->digest,
				       .repository = p->what.repository,
				       .digest = p->what.top.digest,
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
	cleanup_free char *status = str_printf("Pulling from %s", p->what.ref.path);

	return status ? tell(p, p->what.ref.digest[0] ? p->what.ref.digest : p->what.ref.tag,
			     status, 0, 0)
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

	return layer_pull_run(item, p->engine, p->what.registry, transfer, err);
}

/* Whether the blobs alone will have room: to learn it before an hour of downloading is over. A disk that others fill
 * meanwhile is an error of the write that fails. */
static int check_room(const struct pull *p, struct err *err)
{
	struct statvfs disk;
	uint64_t wanted = 0;

	for (size_t i = 0; i < p->n_layers; i++) {
		uint64_t missing = p->layers[i].state == LAYER_WAITING
					   ? layer_pull_missing(&p->layers[i], p->engine)
					   : 0;

		wanted = missing > UINT64_MAX - wanted ? UINT64_MAX : wanted + missing;
	}
	if (fstatvfs(p->engine->state_fd, &disk) < 0)
		return err_sys(err, errno, "ask for the room on the disk");
	uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;

	if (wanted > free_bytes)
		return err_sys(err, ENOSPC,
			       "its layers have %" PRIu64 " bytes, packed; %" PRIu64 " are free",
			       wanted, free_bytes);
	return 0;
}

static int pull_layers(struct pull *p, struct err *err)
{
	cleanup_free void **order = calloc(p->n_layers + 1, sizeof(*order));
	struct crew crew = { .registry = p->what.registry,
			     .items = order,
			     .run = run_layer,
			     .tick = tick,
			     .ctx = p };

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
	int r = resolve_config(&p->what, p->engine, p->options, err);

	r = r ? r : list_layers(p, err);
	r = r ? r : check_room(p, err);
	r = r ? r : pull_layers(p, err);
	return r ? r : commit(p, err);
}

/* What is here already. The manifest of a single image does not tell its platform, its config does. */
static int confirm(struct pull *p, struct err *err)
{
	return p->options->platform && !p->what.top.parsed.index
		       ? resolve_config(&p->what, p->engine, p->options, err)
		       : 0;
}

/* One image. */
static int pull_one(struct pull *p, struct err *err)
{
	int r = resolve_top(&p->what, p->engine, p->options, err);

	r = r ? r : tell_begin(p);
	r = r ? r : resolve_platform(&p->what, p->engine, p->options, err);
	if (r < 0)
		return r;
	struct pulled pulled = { .image_id = resolved_manifest(&p->what)->parsed.config.digest,
				 .digest = p->what.top.digest,
				 .reference = p->what.name,
				 .was_current = is_current(p) };

	r = pulled.was_current ? confirm(p, err) : bring(p, err);
	return r ? r : p->options->pulled(p->options->ctx, &pulled);
}

/* A server that has the manifest may not have all of it, or have something else in its place. */
static bool is_servers_fault(const struct err *err)
{
	return err->code == ERR_NOT_FOUND || err->code == ERR_UNAVAILABLE ||
	       err->code == ERR_UNAUTHENTICATED || err->code == ERR_PERMISSION ||
	       err->code == ERR_DATA_LOSS;
}

/* From the first endpoint that can give all of it. */
static int pull_once(struct engine *engine, const struct pull_options *options,
		     const struct reference *ref, struct err *err)
{
	size_t first = 0;

	for (;;) {
		cleanup(pull_deinit) struct pull p = { .engine = engine,
						       .options = options,
						       .lease = LEASE_NULL };

		resolve_reference(&p.what, ref);
		p.what.endpoint = first;
		*err = ERR_NULL;
		int r = pull_one(&p, err);

		first = p.what.endpoint + 1;
		if (r >= 0 || r == -ECANCELED || first >= p.what.n_endpoints ||
		    !is_servers_fault(err))
			return r;
	}
}

/* What was here when the pull began may be removed before it ends: then that is fetched too. */
static int pull_reference(struct engine *engine, const struct pull_options *options,
			  const struct reference *ref, struct err *err)
{
	struct err own = ERR_NULL;
	int r = pull_once(engine, options, ref, &own);

	if (r < 0 && own.code == ERR_ABORTED) {
		own = ERR_NULL;
		r = pull_once(engine, options, ref, &own);
	}
	if (r < 0 && err && own.code)
		*err = own;
	return r;
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
