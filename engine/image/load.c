/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: one worker reads the archive as it comes, keeps its documents and unpacks its layers into a
 * lease. Then the documents are read and every digest they promise is compared with what the worker
 * saw; what was unpacked is synced, and all images are committed at once. Whatever fails before leaves the lease behind, which goes
 * with this call, or with the next start of an engine. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "content.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "layer.h"
#include "publish.h"
#include "result.h"
#include "str.h"
#include "workerjob.h"

/* Of a manifest that does not say it: OCI's may leave it out, Docker's may not. */
static const char oci_manifest[] = "application/vnd.oci.image.manifest.v1+json";

/* An image of the archive, ready to be recorded. */
struct found {
	char id[72];
	struct buf json;
	struct image_config config;
	uint64_t size;
	const struct manifest *manifest;
};

struct load {
	struct engine *engine;
	const struct image_load_options *options;
	struct lease lease;
	struct buf lines;
	struct result files;
	struct manifests images;
	struct found *found;
	size_t n_found;
	bool unpacked; /* there is something new */
};

static void load_deinit(struct load *l)
{
	for (size_t i = 0; i < l->n_found; i++) {
		buf_deinit(&l->found[i].json);
		image_config_deinit(&l->found[i].config);
	}
	free(l->found);
	manifests_deinit(&l->images);
	result_deinit(&l->files);
	buf_deinit(&l->lines);
	lease_deinit(&l->lease);
}

static const struct result_entry *need(const struct load *l, const char *path, struct err *err)
{
	const struct result_entry *e = result_find(&l->files, path);

	if (!e)
		err_set(err, ERR_INVALID, "%.120s is missing in the archive", path);
	else if (e->kind == RESULT_BAD)
		err_set(err, ERR_INVALID, "%.90s: %s", path, e->reason);
	else if (str_has_prefix(path, "blobs/sha256/") && strcmp(path + 13, e->sha) != 0)
		err_set(err, ERR_INVALID, "%.90s: its digest is sha256:%.64s", path, e->sha);
	else
		return e;
	return NULL;
}

static int read_document(const struct load *l, const char *path, struct buf *out,
			 const struct result_entry **entry, struct err *err)
{
	const struct result_entry *e = need(l, path, err);
	char name[16];

	if (!e)
		return -EINVAL;
	if (e->kind != RESULT_FILE)
		return err_set(err, ERR_INVALID, "%.100s: expected a JSON document", path);
	snprintf(name, sizeof(name), "%u", e->number);
	int r = fd_read_file(l->lease.fd, name, MANIFEST_BYTES_MAX, out);

	if (entry)
		*entry = e;
	return r < 0 ? err_sys(err, r, "read %.100s", path) : 0;
}

static const char *host_architecture(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return "";
	return strcmp(name.machine, "aarch64") == 0 ? "arm64" : "amd64";
}

/* Attestations are no images; of a list for several platforms only the one asked for, or the host's,
 * need be in the archive. */
static bool wanted(const struct load *l, const struct manifest_entry *e, bool nested)
{
	const struct image_load_options *o = l->options;
	const char *os = o->os ? o->os : nested ? "linux" : e->os;
	const char *arch = o->architecture ? o->architecture
			   : nested        ? host_architecture()
					   : e->architecture;

	if (strcmp(e->os, "unknown") == 0 || strcmp(e->architecture, "unknown") == 0)
		return false;
	return (!e->os[0] || strcmp(os, e->os) == 0) &&
	       (!e->architecture[0] || strcmp(arch, e->architecture) == 0);
}

static int add_manifest(struct load *l, const struct manifest_entry *entry, const char *tag,
			const struct buf *body, struct err *err)
{
	int r = manifest_parse_image(body->data, body->len, tag, &l->images, err);

	if (r == 0)
		memcpy(l->images.v[l->images.n - 1].digest, entry->digest, sizeof(entry->digest));
	return r;
}

/* Manifests an index leads to; an index may name further ones (`name` is then theirs). */
static int read_index(struct load *l, const char *path, const char *name, int depth,
		      struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_free struct manifest_entry *entries = NULL;
	size_t n = 0;
	int r = read_document(l, path, &text, NULL, err);

	r = r ? r : manifest_parse_index(text.data, text.len, &entries, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup(buf_deinit) struct buf body = BUF_NULL;
		const char *tag = entries[i].name[0] ? entries[i].name : name;
		char blob[96];

		if (!wanted(l, &entries[i], depth == 0))
			continue;
		snprintf(blob, sizeof(blob), "blobs/sha256/%s", entries[i].digest + 7);
		r = read_document(l, blob, &body, NULL, err);
		if (r == 0 && manifest_is_index(body.data, body.len))
			r = depth ? read_index(l, blob, tag, depth - 1, err)
				  : err_set(err, ERR_INVALID, "%s: an index in an index", blob);
		else if (r == 0)
			r = add_manifest(l, &entries[i], tag, &body, err);
	}
	return r;
}

/* The layers that are here need not be unpacked again. */
static int write_known(const struct load *l, struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int r = layers_list(l->engine->layers, &lines, err);

	if (r < 0)
		return r;
	r = fd_replace_file(l->lease.fd, "known", str_or_empty(lines.data), lines.len, 0600, false);
	return r < 0 ? err_sys(err, r, "prepare the load") : 0;
}

static int unpack(struct load *l, int in_fd, struct err *err)
{
	cleanup(worker_deinit) struct worker w = WORKER_NULL;
	int r = write_known(l, err);

	fault_point(FAULT_LOAD_KNOWN_WRITTEN);
	r = r ? r : layers_start(l->engine->layers, LAYERS_ARCHIVE, in_fd, l->lease.fd, &w, err);
	r = r ? r : worker_finish(&w, &l->lines, err);
	if (r < 0 || l->lines.len == 0)
		return r;
	r = result_parse(l->lines.data, &l->files);
	return r < 0 ? err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read") : 0;
}

static int read_manifests(struct load *l, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r;

	if (result_find(&l->files, "manifest.json")) {
		r = read_document(l, "manifest.json", &text, NULL, err);
		return r ? r : manifest_parse_save(text.data, text.len, &l->images, err);
	}
	if (!result_find(&l->files, "index.json"))
		return err_set(err, ERR_INVALID,
			       "it has neither manifest.json nor index.json: not an image archive");
	r = read_index(l, "index.json", "", 1, err);
	return r == 0 && l->images.n == 0 ? err_set(err, ERR_INVALID, "index.json names no image")
					  : r;
}

static int check_layers(struct load *l, struct found *f, struct err *err)
{
	const struct manifest *m = f->manifest;

	if (f->config.diff_ids.n != m->layers.n)
		return err_set(err, ERR_INVALID, "the config lists %zu layers, the archive %zu",
			       f->config.diff_ids.n, m->layers.n);
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct result_entry *e = need(l, m->layers.v[i], err);
		const char *diff = f->config.diff_ids.v[i] + 7;
		uint64_t size = e ? e->size : 0;

		if (!e)
			return err_wrap(err, -EINVAL, "layer %zu", i + 1);
		if (e->kind != RESULT_LAYER)
			return err_set(err, ERR_INVALID, "layer %zu: %.90s is no tar", i + 1,
				       e->path);
		if (strcmp(e->diff, diff) != 0)
			return err_set(err, ERR_INVALID,
				       "layer %zu: its diff id is sha256:%s, the config says "
				       "sha256:%s",
				       i + 1, e->diff, diff);
		if (e->number)
			l->unpacked = true;
		else if (layers_size(l->engine->layers, diff, &size) < 0)
			size = 0; /* removed meanwhile: publish() finds out */
		f->size += size;
	}
	return 0;
}

/* The name a config has in a docker-save archive is its digest too. */
static int check_config_name(const char *path, const char *sha, struct err *err)
{
	if (strlen(path) == 69 && strspn(path, "0123456789abcdef") == 64 &&
	    strncmp(path, sha, 64) != 0)
		return err_set(err, ERR_INVALID, "%.80s: its digest is sha256:%.64s", path, sha);
	return 0;
}

static bool other_platform(const struct load *l, const struct image_config *c)
{
	const struct image_load_options *o = l->options;

	return (o->os && strcmp(o->os, str_or_empty(c->os)) != 0) ||
	       (o->architecture && strcmp(o->architecture, str_or_empty(c->architecture)) != 0);
}

static int check_image(struct load *l, const struct manifest *m, struct err *err)
{
	struct found *f = &l->found[l->n_found];
	const struct result_entry *e = NULL;

	*f = (struct found){ .manifest = m };
	l->n_found++;
	int r = read_document(l, m->config, &f->json, &e, err);

	r = r ? r : check_config_name(m->config, e->sha, err);
	r = r ? r : image_config_parse(f->json.data, f->json.len, &f->config, err);
	if (r < 0)
		return r;
	snprintf(f->id, sizeof(f->id), "sha256:%s", e->sha);
	for (size_t i = 0; r == 0 && i < m->tags.n; i++)
		r = image_check_tag(m->tags.v[i], err);
	r = r ? r : check_layers(l, f, err);
	if (r == 0 && other_platform(l, &f->config)) {
		buf_deinit(&f->json);
		image_config_deinit(&f->config);
		l->n_found--;
	}
	return r;
}

static int check_images(struct load *l, struct err *err)
{
	int r = 0;

	l->found = calloc(l->images.n + 1, sizeof(*l->found));
	if (!l->found)
		return err_sys(err, ENOMEM, "load");
	for (size_t i = 0; r == 0 && i < l->images.n; i++)
		r = check_image(l, &l->images.v[i], err);
	if (r == 0 && l->n_found == 0)
		r = err_set(err, ERR_NOT_FOUND, "it has no image for %s/%s",
			    str_or_empty(l->options->os), str_or_empty(l->options->architecture));
	return r;
}

/* The layers of an image, in the room `out` for them. */
static void list_layers(const struct load *l, const struct found *f, struct publish_layer *out)
{
	for (size_t i = 0; i < f->config.diff_ids.n; i++) {
		const struct result_entry *e = result_find(&l->files, f->manifest->layers.v[i]);

		out[i] = (struct publish_layer){ .diff = f->config.diff_ids.v[i] + 7,
						 .lease = e->number ? &l->lease : NULL,
						 .number = e->number,
						 .size_bytes = e->size };
	}
}

/* A file of the lease as a blob; false when it is not there. */
static bool find_blob(const struct load *l, const char *sha, struct publish_blob *out)
{
	cleanup_fd int fd = openat(l->lease.fd, out->name, O_RDONLY | O_CLOEXEC);
	enum content_kind kind;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || content_kind_of(fd, &kind) < 0)
		return false;
	out->dir_fd = l->lease.fd;
	out->size_bytes = (uint64_t)st.st_size;
	if (out->diff_id[0])
		out->media_type = content_oci_type(kind);
	snprintf(out->digest, sizeof(out->digest), "sha256:%s", sha);
	return true;
}

/* What the archive has of an image, as far as it was kept: its manifest and its layers. */
static size_t list_blobs(const struct load *l, const struct found *f, struct publish_blob *out)
{
	const struct result_entry *e;
	char path[96];
	size_t n = 0;

	for (size_t i = 0; i < f->config.diff_ids.n; i++) {
		e = result_find(&l->files, f->manifest->layers.v[i]);
		out[n] = (struct publish_blob){ .diff_id = f->config.diff_ids.v[i] };
		snprintf(out[n].name, sizeof(out[n].name), "%u.blob", e->number);
		n += e->number && find_blob(l, e->sha, &out[n]);
	}
	snprintf(path, sizeof(path), "blobs/sha256/%s", f->manifest->digest + 7);
	if (f->manifest->digest[0] && (e = result_find(&l->files, path))) {
		out[n] = (struct publish_blob){ .diff_id = "", .media_type = oci_manifest };
		snprintf(out[n].name, sizeof(out[n].name), "%u", e->number);
		n += find_blob(l, e->sha, &out[n]);
	}
	return n;
}

static int commit(struct load *l, struct err *err)
{
	cleanup_free struct publish_image *images = calloc(l->n_found + 1, sizeof(*images));
	cleanup_free struct publish_layer *layers = NULL;
	cleanup_free struct publish_blob *blobs = NULL;
	size_t n = 0, n_blobs = 0;

	for (size_t i = 0; i < l->n_found; i++)
		n += l->found[i].config.diff_ids.n;
	layers = calloc(n + 1, sizeof(*layers));
	blobs = calloc(n + l->n_found + 1, sizeof(*blobs));
	if (!images || !layers || !blobs)
		return err_sys(err, ENOMEM, "load");
	n = 0;
	for (size_t i = 0; i < l->n_found; i++) {
		const struct found *f = &l->found[i];

		list_layers(l, f, layers + n);
		images[i] = (struct publish_image){ .id = f->id,
						    .json = f->json.data,
						    .len = f->json.len,
						    .config = &f->config,
						    .size_bytes = f->size,
						    .tags = &f->manifest->tags,
						    .manifest = f->manifest->digest,
						    .layers = layers + n,
						    .n_layers = f->config.diff_ids.n,
						    .blobs = blobs + n_blobs,
						    .n_blobs = list_blobs(l, f, blobs + n_blobs) };
		n += images[i].n_layers;
		n_blobs += images[i].n_blobs;
	}
	return publish_images(l->engine, images, l->n_found, err);
}

int image_load(struct engine *engine, int in_fd, const struct image_load_options *options,
	       struct err *err)
{
	cleanup(load_deinit) struct load l = { .engine = engine,
					       .options = options,
					       .lease = LEASE_NULL };
	int r = lease_open(&l.lease, engine->state_fd, err);

	fault_point(FAULT_LOAD_LEASE_MADE);
	r = r ? r : unpack(&l, in_fd, err);
	fault_point(FAULT_LOAD_UNPACKED);
	r = r ? r : read_manifests(&l, err);
	r = r ? r : check_images(&l, err);
	r = r || !l.unpacked ? r : layers_sync(engine->layers, &l.lease, err);
	fault_point(FAULT_LOAD_SYNCED);
	r = r ? r : commit(&l, err);
	if (r < 0)
		return err_wrap(err, r, "load");
	for (size_t i = 0; r == 0 && i < l.n_found; i++)
		r = options->loaded(options->ctx, l.found[i].id, &l.found[i].manifest->tags);
	return r;
}
