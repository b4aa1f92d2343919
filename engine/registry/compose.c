/* SPDX-License-Identifier: Apache-2.0 */
/* Layers are compressed side by side, as many as there are processors: each costs a thread and a megabyte. Which
 * comes first changes nothing in what comes out. */
#include "compose.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "content.h"
#include "crew.h"
#include "digest.h"
#include "fd.h"
#include "gzipped.h"
#include "publish.h"
#include "str.h"

struct compose {
	struct engine *engine;
	const struct image *image;
	int cancel_fd; /* the caller's */
	int stop_fd;   /* the crew's, which a failure elsewhere stops, too */
	struct lease lease;
	struct publish_blob *blobs; /* the layers', then the manifest's */
	struct publish_layer *layers;
};

static void compose_deinit(struct compose *c)
{
	free(c->blobs);
	free(c->layers);
	lease_deinit(&c->lease);
}

static int find_layer(void *ctx, void *item, struct transfer *none, struct err *err)
{
	cleanup(content_deinit) struct content found = CONTENT_NULL;
	const struct compose *c = ctx;
	struct publish_blob *b = item;
	size_t i = (size_t)(b - c->blobs);
	int r = content_layer(c->engine, c->image->config.diff_ids.v[i], &found, err);

	(void)none;
	if (r < 0)
		return r;
	*b = (struct publish_blob){ .diff_id = c->image->config.diff_ids.v[i],
				    .size_bytes = found.size_bytes,
				    .dir_fd = c->lease.fd };
	memcpy(b->digest, found.digest, sizeof(b->digest));
	snprintf(b->name, sizeof(b->name), "layer-%zu", i);
	if (found.kind == CONTENT_PLAIN) {
		r = gzipped_make(found.fd, &c->lease, b->name, c->stop_fd, b->digest,
				 &b->size_bytes, err);
		found.kind = CONTENT_GZIP;
	}
	b->media_type = content_oci_type(found.kind);
	return r;
}

static int tick(void *ctx, struct err *err)
{
	const struct compose *c = ctx;
	struct pollfd cancel = { .fd = c->cancel_fd, .events = POLLIN };

	return poll(&cancel, 1, 0) > 0 ? err_set(err, ERR_CANCELLED, "it was cancelled") : 0;
}

static int find_layers(struct compose *c, struct err *err)
{
	size_t n = c->image->config.diff_ids.n;
	cleanup_free void **items = calloc(n + 1, sizeof(*items));
	const struct crew crew = { .threads = (size_t)get_nprocs(),
				   .stop_fd = &c->stop_fd,
				   .items = items,
				   .n = n,
				   .run = find_layer,
				   .tick = tick,
				   .ctx = c };

	if (!items)
		return err_sys(err, ENOMEM, "manifest");
	for (size_t i = 0; i < n; i++)
		items[i] = &c->blobs[i];
	return crew_run(&crew, err);
}

/* zstd, for which Docker's manifests have no word. */
static bool has_zstd(const struct compose *c)
{
	for (size_t i = 0; i < c->image->config.diff_ids.n; i++)
		if (strcmp(c->blobs[i].media_type, content_oci_type(CONTENT_ZSTD)) == 0)
			return true;
	return false;
}

/* Docker's types for all that Docker can read. */
static void write_manifest(const struct compose *c, struct buf *out)
{
	const struct image *image = c->image;
	size_t n = image->config.diff_ids.n;
	bool zstd = has_zstd(c);

	buf_printf(out,
		   "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
		   "\"size\":%zu,\"digest\":\"%s\"},\"layers\":[",
		   zstd ? "application/vnd.oci.image.manifest.v1+json"
			: "application/vnd.docker.distribution.manifest.v2+json",
		   zstd ? "application/vnd.oci.image.config.v1+json"
			: "application/vnd.docker.container.image.v1+json",
		   image->config_len, image->id);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s{\"mediaType\":\"%s\",\"size\":%" PRIu64 ",\"digest\":\"%s\"}",
			   i ? "," : "",
			   zstd ? c->blobs[i].media_type : content_docker_type(CONTENT_GZIP),
			   c->blobs[i].size_bytes, c->blobs[i].digest);
	buf_puts(out, "]}");
}

static int add_manifest(const struct compose *c, const struct buf *text, struct publish_blob *b,
			struct err *err)
{
	int r = fd_replace_file(c->lease.fd, "manifest", text->data, text->len, 0600, true);

	*b = (struct publish_blob){ .media_type = "application/vnd.oci.image.manifest.v1+json",
				    .diff_id = "",
				    .size_bytes = text->len,
				    .dir_fd = c->lease.fd,
				    .name = "manifest" };
	return r < 0 ? err_sys(err, r, "keep a manifest")
		     : digest_of(text->data, text->len, b->digest, err);
}

static int keep(const struct compose *c, struct err *err)
{
	static const struct strings no_tags;
	const struct image *image = c->image;
	size_t n = image->config.diff_ids.n;
	const struct publish_image kept = { .id = image->id,
					    .json = image->config_json,
					    .len = image->config_len,
					    .config = &image->config,
					    .size_bytes = image->size_bytes,
					    .tags = &no_tags,
					    .manifest = c->blobs[n].digest,
					    .layers = c->layers,
					    .n_layers = n,
					    .blobs = c->blobs,
					    .n_blobs = n + 1 };

	for (size_t i = 0; i < n; i++)
		c->layers[i] = (struct publish_layer){ .diff = image->config.diff_ids.v[i] +
							       strlen("sha256:") };
	return publish_images(c->engine, &kept, 1, err);
}

int compose_manifest(struct engine *engine, const struct image *image, int cancel_fd,
		     struct buf *out, struct err *err)
{
	cleanup(compose_deinit) struct compose c = {
		.engine = engine, .image = image, .cancel_fd = cancel_fd, .lease = LEASE_NULL
	};
	size_t n = image->config.diff_ids.n;

	c.blobs = calloc(n + 1, sizeof(*c.blobs));
	c.layers = calloc(n + 1, sizeof(*c.layers));
	if (!c.blobs || !c.layers)
		return err_sys(err, ENOMEM, "manifest");
	int r = lease_open(&c.lease, engine->state_fd, err);

	r = r ? r : find_layers(&c, err);
	if (r < 0)
		return r;
	write_manifest(&c, out);
	r = out->error ? err_sys(err, out->error, "manifest")
		       : add_manifest(&c, out, &c.blobs[n], err);
	return r ? r : keep(&c, err);
}
