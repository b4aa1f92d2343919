/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer driver has to offer: private to this folder. A layer is named by the 64 digits of its
 * diff id, and keeps the driver it was written with. All functions block on the file system alone (and
 * the repair of an index on a worker) and are called without locks held. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "layerrecord.h"
#include "mem.h"
#include "mountcache.h"

struct layers {
	const struct layer_driver *driver; /* of new layers */
	char *state_dir, *bin_dir;
	int state_fd;  /* borrowed */
	int layers_fd; /* STATE/layers */
	uint64_t max_bytes;
	struct mountcache mounts;
};

struct layer_driver {
	const char *name;
	bool keeps_tar;        /* layers_tar() gives it */
	const char *job;       /* of cleat-worker: keeps layers of archives as this driver wants */
	const char *layer_job; /* the same of one layer, as number 1 */
	const char *tar_job;   /* the same, with its tar as 1.blob unless layers_tar() gives it */
	/* 0 when host and state directory can use it, else why not. Leaves nothing behind. */
	int (*probe)(const struct layers *layers, struct err *err);
	/* Everything below the lease's directory is on disk when it returns. */
	int (*sync)(const struct layers *layers, int lease_fd, struct err *err);
	/* Completes the record of what a worker left in dir_fd. */
	int (*describe)(int dir_fd, struct layerrecord *record, struct err *err);
	/* Whether the layer is one of this driver's. */
	bool (*owns)(const struct layers *layers, const char *diff);
	/* The layer's directory by its path, owned; NULL when it has none. */
	int (*path)(const struct layers *layers, const char *diff, char **out);
	/* A descriptor of the layer's directory, owned. */
	int (*open)(struct layers *layers, const char *diff, struct err *err);
};

extern const struct layer_driver layer_driver_dir, layer_driver_erofs;
