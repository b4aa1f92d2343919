/* SPDX-License-Identifier: Apache-2.0 */
/* The layers that a container's root file system is made of. Some are directories with a path; others are
 * mounts of this engine, which a shim is given as descriptors when it is spawned and keeps for all its
 * starts. Blocks on the file system. */
#pragma once

#include <stddef.h>

#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"

/* Topmost first, the engine's own base last. All owned. */
struct rootlayers {
	struct strings lower;   /* as config.json names them: a path, or "fd:N" of the runtime */
	struct strings mounted; /* diff ids of the mounts, in the order of their numbers */
	int *fds;               /* of all the directories, in the order of `lower` */
	size_t n;
};

/* Mounts what is not mounted yet. An error of layers_root(). */
int rootlayers_open(struct rootlayers *layers, struct engine *engine, const struct image *image,
		    struct err *err) must_check;
/* The same without the base. */
int rootlayers_of(struct rootlayers *layers, struct engine *engine, const struct image *image,
		  struct err *err) must_check;
/* Layers of another image for a mount of its own, behind those of the root: an owned text that names them one a line, topmost
 * first, as config.json does. What both have is mounted once. */
int rootlayers_add(struct rootlayers *layers, struct engine *engine, const struct image *image,
		   char **lower, struct err *err) must_check;
/* The image's files, read-only, as an owned descriptor of a mount that is nowhere. -EAGAIN without words on kernels before
 * 6.8 (overlay_make()). */
int rootlayers_mount(struct engine *engine, const struct image *image, struct err *err) must_check;
/* Works on a half-made one. For cleanup(). */
void rootlayers_deinit(struct rootlayers *layers);

/* What the shim of container `id` has to be given, as its shim.pb says; an error closes all. */
struct rootmounts {
	int *fds;
	size_t n;
};
int rootmounts_open(struct rootmounts *mounts, const struct engine *engine, const char *id,
		    struct err *err) must_check;
void rootmounts_deinit(struct rootmounts *mounts);
/* Takes mounts (borrowed) that the shim of container `id` was given by another engine, from number `first` on,
 * so that what starts now shares them. */
void rootmounts_adopt(struct engine *engine, const char *id, size_t first, const int *fds,
		      size_t n);
