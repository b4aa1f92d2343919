/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer driver has to offer: private to this folder. A layer is named by the 64 digits of its
 * diff id. All functions block on the file system alone and are called without locks held, but for
 * publish and remove, which the caller serialises. */
#pragma once

#include <stdint.h>

#include "err.h"
#include "mem.h"

struct layers {
	const struct layer_driver *driver;
	char *state_dir;
	int state_fd;  /* borrowed */
	int layers_fd; /* STATE/layers */
};

struct layer_driver {
	const char *name;
	const char *job; /* of cleat-worker: unpacks archives as this driver wants layers */
	/* 0 when host and state directory can use it, else why not. Leaves nothing behind. */
	int (*probe)(const struct layers *layers, struct err *err);
	/* Everything below the lease's directory is on disk when it returns. */
	int (*sync)(const struct layers *layers, int lease_fd, struct err *err);
	/* Makes the lease's NUMBER the layer; another that was faster is fine. */
	int (*publish)(const struct layers *layers, int lease_fd, unsigned int number,
		       const char *diff, uint64_t size_bytes, struct err *err);
	/* The text that stands for the layer among the lower directories of a mount; owned. */
	int (*lower)(const struct layers *layers, const char *diff, char **out);
	/* Moves the layer away at once, into the lease, whose end frees its space. */
	int (*remove)(const struct layers *layers, const char *diff, int lease_fd);
};

extern const struct layer_driver layer_driver_dir;
