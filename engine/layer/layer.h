/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of images, each once, by diff id (64 digits here), kept by a driver that makes them mountable.
 * The driver is chosen when the engine starts; a layer keeps the one it was written with. A layer is in STATE/layers/DIFF from the rename that
 * publishes it to the rename that removes it; who needs it is the store's business. Thread-safe;
 * publish, remove and sweep are to be serialised by the caller. All block on the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "lease.h"
#include "mem.h"
#include "standing.h"
#include "workerjob.h"

struct layers;

struct layers_options {
	const char *state_dir, *bin_dir; /* copied; where cleat-worker is */
	int state_fd;                    /* borrowed for life */
	const char *driver;              /* "" = the best that works here */
	uint64_t max_bytes;              /* of the tar of a layer to come; 0 = no limit */
};
/* Probes the drivers and logs the choice. Returns owned. */
int layers_open(struct layers **out, const struct layers_options *options,
		struct err *err) must_check;
struct layers *layers_free(struct layers *layers);
/* The driver of layers to come. */
const char *layers_driver(const struct layers *layers);
/* What the worker makes layers of. */
enum layers_source {
	LAYERS_ARCHIVE, /* of images */
	LAYERS_ONE,     /* a layer, which is number 1 of the lease then */
	LAYERS_TAR, /* the same, and its tar is 1.blob there where layers_tar() will not have it */
};
/* Starts the worker that keeps what comes from in_fd in the lease's directory as this driver does. A layer that is
 * larger than may be fails it with RESOURCE_EXHAUSTED. Both descriptors are borrowed. */
int layers_start(const struct layers *layers, enum layers_source source, int in_fd, int lease_fd,
		 struct worker *worker, struct err *err) must_check;
/* The same as a worker that stays, for LAYERS_TAR; standing_start() has the rest. */
int layers_start_standing(const struct layers *layers, int dir_fd, struct standing *worker,
			  struct err *err) must_check;

/* Every layer there is, a line each, sorted. */
int layers_list(const struct layers *layers, struct buf *out, struct err *err) must_check;
/* Bytes of the layer's files as unpacked; -ENOENT when there is no such layer. */
int layers_size(const struct layers *layers, const char *diff, uint64_t *size_bytes) must_check;

/* Puts what a worker unpacked in the lease on disk: once, before the layers of it are published. */
int layers_sync(const struct layers *layers, const struct lease *lease, struct err *err) must_check;
/* Publishes the lease's NUMBER as the layer. */
int layers_publish(const struct layers *layers, const struct lease *lease, unsigned int number,
		   const char *diff, uint64_t size_bytes, struct err *err) must_check;
/* The same without layers_sync() and without a sync of its own. Until layers_sync_all() only rows that a crash
 * takes away may speak of it. */
int layers_publish_unsynced(const struct layers *layers, const struct lease *lease,
			    unsigned int number, const char *diff, uint64_t size_bytes,
			    struct err *err) must_check;
/* One sync for many. */
int layers_sync_all(const struct layers *layers, struct err *err) must_check;
/* The path of the layer's directory, owned; NULL for one that has none and is a mount, which layers_root()
 * makes. -ENOMEM. */
int layers_path(const struct layers *layers, const char *diff, char **out) must_check;
/* Returns an owned descriptor (O_PATH or as good) of the layer's directory, wherever that is: a lower
 * directory for overlays, and for looking at. Mounts the layer when it is not mounted yet. -ENOENT; -EIO
 * (DATA_LOSS) when it is damaged beyond repair. */
int layers_root(struct layers *layers, const char *diff, struct err *err) must_check;
/* Takes a mount of the layer (borrowed) that another engine has made, unless there is one. */
void layers_adopt(struct layers *layers, const char *diff, int fd);
/* The exact tar that the layer was, uncompressed: an owned descriptor in *fd. -ENOENT where it was not
 * kept (driver `dir`), -errno. */
int layers_tar(const struct layers *layers, const char *diff, int *fd) must_check;
/* Takes the layer away; its space is free when the lease ends. Absence is success. */
int layers_remove(struct layers *layers, const char *diff, const struct lease *lease,
		  struct err *err) must_check;
/* Removes each layer that `used` does not know (1 yes, 0 no, -errno) into the lease. */
int layers_sweep(struct layers *layers, const struct lease *lease,
		 int (*used)(void *ctx, const char *diff), void *ctx, struct err *err) must_check;
