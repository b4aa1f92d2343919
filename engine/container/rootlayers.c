/* SPDX-License-Identifier: Apache-2.0 */
#include "rootlayers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "layer.h"
#include "overlay.h"
#include "spec.h"
#include "str.h"

enum { SHIM_SPEC_MAX = 1 << 20 };

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "list the layers");
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		closep(&fds[i]);
	free(fds);
}

void rootlayers_deinit(struct rootlayers *layers)
{
	close_all(layers->fds, layers->n);
	strings_deinit(&layers->lower);
	strings_deinit(&layers->mounted);
	*layers = (struct rootlayers){ 0 };
}

/* Takes the descriptor over. `diff` of a mount, whose path is NULL. */
static int add(struct rootlayers *layers, int fd, const char *path, const char *diff)
{
	char name[24];

	layers->fds[layers->n++] = fd;
	if (path)
		return strings_append(&layers->lower, path);
	(void)snprintf(name, sizeof(name), "fd:%zu", SPEC_LAYER_FD + layers->mounted.n);
	return strings_append(&layers->lower, name) < 0 ||
			       strings_append(&layers->mounted, diff) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_layer(struct rootlayers *layers, struct engine *engine, const char *diff,
		     struct err *err)
{
	cleanup_free char *path = NULL;
	int fd = layers_root(engine->layers, diff, err);

	if (fd < 0)
		return fd;
	if (layers_path(engine->layers, diff, &path) < 0) {
		close(fd);
		return no_memory(err);
	}
	return add(layers, fd, path, diff) < 0 ? no_memory(err) : 0;
}

static int add_base(struct rootlayers *layers, const struct engine *engine, struct err *err)
{
	cleanup_free char *path = base_path(engine);
	int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!path || fd < 0)
		return path ? err_sys(err, errno, "open %s", path) : no_memory(err);
	return add(layers, fd, path, NULL) < 0 ? no_memory(err) : 0;
}

/* A layer may be in an image more than once, overlayfs takes a directory only once: the uppermost hides
 * whatever its likes further down would add. */
static bool comes_again(const struct strings *diff_ids, size_t i)
{
	for (size_t k = i + 1; k < diff_ids->n; k++)
		if (strcmp(diff_ids->v[k], diff_ids->v[i]) == 0)
			return true;
	return false;
}

int rootlayers_of(struct rootlayers *layers, struct engine *engine, const struct image *image,
		  struct err *err)
{
	const struct strings *diff_ids = &image->config.diff_ids;
	size_t n = diff_ids->n;
	int r = 0;

	layers->fds = calloc(n + 1, sizeof(*layers->fds));
	if (!layers->fds)
		return no_memory(err);
	while (r == 0 && n-- > 0)
		if (!comes_again(diff_ids, n))
			r = add_layer(layers, engine, diff_ids->v[n] + 7, err);
	return r;
}

int rootlayers_open(struct rootlayers *layers, struct engine *engine, const struct image *image,
		    struct err *err)
{
	int r = rootlayers_of(layers, engine, image, err);

	return r ? r : add_base(layers, engine, err);
}

/* ---- mounts of images */

/* Number of the mount among those that the shim keeps. */
static int number_of(struct rootlayers *layers, const char *diff, size_t *number)
{
	for (*number = 0; *number < layers->mounted.n; (*number)++)
		if (strcmp(layers->mounted.v[*number], diff) == 0)
			return 0;
	return strings_append(&layers->mounted, diff);
}

static int name_lower(struct rootlayers *layers, const struct rootlayers *image, struct buf *text)
{
	size_t mounts = 0, number;

	for (size_t i = 0; i < image->lower.n; i++) {
		const char *entry = image->lower.v[i];

		if (!str_has_prefix(entry, "fd:")) {
			buf_printf(text, "%s\n", entry);
			continue;
		}
		if (number_of(layers, image->mounted.v[mounts++], &number) < 0)
			return -ENOMEM;
		buf_printf(text, "fd:%zu\n", SPEC_LAYER_FD + number);
	}
	return text->error;
}

/* Empty directories below an image of fewer layers than the two that an overlay needs which is only read. They are an
 * overlay, too, where there is nothing else: what is shared by all cannot be written to by who may mount. */
static const char *const FILLERS[] = { "rootfs", "empty" };

enum { LAYERS_MIN = ARRAY_LEN(FILLERS) };

int rootlayers_add(struct rootlayers *layers, struct engine *engine, const struct image *image,
		   char **lower, struct err *err)
{
	cleanup(rootlayers_deinit) struct rootlayers own = { 0 };
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = rootlayers_of(&own, engine, image, err);

	if (r < 0)
		return r;
	if (name_lower(layers, &own, &text) < 0)
		return no_memory(err);
	for (size_t i = own.n; i < LAYERS_MIN; i++)
		buf_printf(&text, "%s/%s\n", engine->state_dir, FILLERS[i]);
	*lower = buf_steal(&text);
	return *lower ? 0 : no_memory(err);
}

static int list_lower(const struct engine *engine, const struct rootlayers *image,
		      struct strings *lower)
{
	cleanup_free char *path = NULL;
	char entry[24];
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->n; i++) {
		(void)snprintf(entry, sizeof(entry), "fd:%d", image->fds[i]);
		r = strings_append(lower, entry);
	}
	for (size_t i = image->n; r == 0 && i < LAYERS_MIN; i++) {
		free(path);
		path = str_path(engine->state_dir, FILLERS[i]);
		r = path ? strings_append(lower, path) : -ENOMEM;
	}
	return r;
}

int rootlayers_mount(struct engine *engine, const struct image *image, struct err *err)
{
	cleanup(rootlayers_deinit) struct rootlayers own = { 0 };
	cleanup(strings_deinit) struct strings lower = { 0 };
	int r = rootlayers_of(&own, engine, image, err);

	if (r < 0)
		return r;
	if (list_lower(engine, &own, &lower) < 0)
		return no_memory(err);

	const struct overlay o = { .lower = (const char *const *)lower.v, .n_lower = lower.n };

	return overlay_make(&o, err);
}

void rootmounts_deinit(struct rootmounts *mounts)
{
	close_all(mounts->fds, mounts->n);
	*mounts = (struct rootmounts){ 0 };
}

static int open_mounts(struct rootmounts *mounts, const struct engine *engine, char *const *diffs,
		       size_t n, struct err *err)
{
	mounts->fds = calloc(n + 1, sizeof(*mounts->fds));
	if (!mounts->fds)
		return no_memory(err);
	while (mounts->n < n) {
		int fd = str_is_id(diffs[mounts->n])
				 ? layers_root(engine->layers, diffs[mounts->n], err)
				 : err_set(err, ERR_INTERNAL,
					   "shim.pb names a layer that cannot be");

		if (fd < 0) {
			rootmounts_deinit(mounts);
			return fd;
		}
		mounts->fds[mounts->n++] = fd;
	}
	return 0;
}

/* Owned; free with cleat__shim__v1__shim_spec__free_unpacked(). */
static Cleat__Shim__V1__ShimSpec *read_spec(const struct engine *engine, const char *id,
					    struct err *err)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__ShimSpec *spec;
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/shim.pb", id);
	int r = fd_read_file(engine->containers_fd, path, SHIM_SPEC_MAX, &bytes);

	if (r < 0) {
		(void)err_sys(err, r, "read %s", path);
		return NULL;
	}
	spec = cleat__shim__v1__shim_spec__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (!spec)
		(void)err_set(err, ERR_INTERNAL, "%s cannot be read", path);
	return spec;
}

int rootmounts_open(struct rootmounts *mounts, const struct engine *engine, const char *id,
		    struct err *err)
{
	struct err own = ERR_NULL;
	Cleat__Shim__V1__ShimSpec *spec = read_spec(engine, id, &own);
	int r = spec ? open_mounts(mounts, engine, spec->layers, spec->n_layers, &own)
		     : err_to_errno(own.code);

	if (spec)
		cleat__shim__v1__shim_spec__free_unpacked(spec, NULL);
	if (r < 0 && err)
		*err = own;
	return r;
}

void rootmounts_adopt(struct engine *engine, const char *id, size_t first, const int *fds, size_t n)
{
	Cleat__Shim__V1__ShimSpec *spec = read_spec(engine, id, NULL);

	for (size_t i = 0; spec && i < n && first + i < spec->n_layers; i++)
		if (str_is_id(spec->layers[first + i]))
			layers_adopt(engine->layers, spec->layers[first + i], fds[i]);
	if (spec)
		cleat__shim__v1__shim_spec__free_unpacked(spec, NULL);
}
