/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "blobs.h"
#include "fd.h"
#include "layer.h"
#include "manifest.h"
#include "rows.h"
#include "store.h"

void content_deinit(struct content *content)
{
	closep(&content->fd);
	content->fd = -1;
}

int content_kind_of(int fd, enum content_kind *kind)
{
	unsigned char head[4] = { 0 };

	if (pread(fd, head, sizeof(head), 0) < 0)
		return -errno;
	*kind = memcmp(head, "\x1f\x8b", 2) == 0           ? CONTENT_GZIP
		: memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ? CONTENT_ZSTD
							   : CONTENT_PLAIN;
	return 0;
}

const char *content_oci_type(enum content_kind kind)
{
	static const char *const types[] = {
		[CONTENT_PLAIN] = "application/vnd.oci.image.layer.v1.tar",
		[CONTENT_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
		[CONTENT_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
	};

	return types[kind];
}

const char *content_docker_type(enum content_kind kind)
{
	static const char *const types[] = {
		[CONTENT_PLAIN] = "application/vnd.docker.image.rootfs.diff.tar",
		[CONTENT_GZIP] = "application/vnd.docker.image.rootfs.diff.tar.gzip",
		[CONTENT_ZSTD] = "application/vnd.docker.image.rootfs.diff.tar.zstd",
	};

	return types[kind];
}

int content_blob(struct engine *engine, const char *digest, struct content *out)
{
	struct content found = { .fd = blobs_open(engine, digest) };
	struct stat st;

	if (found.fd < 0)
		return found.fd;
	int r = fstat(found.fd, &st) < 0 ? -errno : content_kind_of(found.fd, &found.kind);

	if (r < 0) {
		content_deinit(&found);
		return r;
	}
	snprintf(found.digest, sizeof(found.digest), "%s", digest);
	found.size_bytes = (uint64_t)st.st_size;
	*out = found;
	return 0;
}

/* What the layer's driver keeps; its digest is the diff id. */
static int plain_tar(struct engine *engine, const char *diff_id, struct content *out)
{
	struct content tar = CONTENT_NULL;
	struct stat st;
	int r = layers_tar(engine->layers, diff_id + strlen("sha256:"), &tar.fd);

	if (r < 0 || fstat(tar.fd, &st) < 0) {
		content_deinit(&tar);
		return r ? r : -errno;
	}
	snprintf(tar.digest, sizeof(tar.digest), "%s", diff_id);
	tar.size_bytes = (uint64_t)st.st_size;
	*out = tar;
	return 0;
}

int content_layer(struct engine *engine, const char *diff_id, struct content *out, struct err *err)
{
	cleanup(strings_deinit) struct strings digests = { 0 };
	struct content found = CONTENT_NULL;
	int r = store_query(engine->store, err, rows_take_text, &digests,
			    "SELECT digest FROM blobs WHERE diff_id = ? ORDER BY size_bytes", "s",
			    diff_id);

	for (size_t i = 0; r == 0 && i < digests.n && found.fd < 0; i++)
		if (content_blob(engine, digests.v[i], &found) < 0)
			found = CONTENT_NULL;
	if (r < 0)
		return r;
	if (found.fd < 0 && plain_tar(engine, diff_id, &found) < 0) {
		(void)err_set(err, ERR_PRECONDITION,
			      "layer %.19s is here without the bytes it came as", diff_id);
		return -ENOENT;
	}
	*out = found;
	return 0;
}
