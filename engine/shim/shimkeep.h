/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of running containers' streams, held so that they outlive a shim that is killed (Kept in
 * shim.proto). Thread-safe; nothing here blocks. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "list.h"
#include "mem.h"

enum { SHIMKEEP_BUCKETS = 256 };

struct shimkeep {
	pthread_mutex_t mutex;
	struct list buckets[SHIMKEEP_BUCKETS];
	int runtime; /* sealed, for every shim; < 0 = there is none, each makes its own */
};

/* `bin_dir` is where the runtime is. */
void shimkeep_init(struct shimkeep *keep, const char *bin_dir);
/* Closes all. */
void shimkeep_deinit(struct shimkeep *keep);

/* What the shim of container `id` sent; fds are consumed. */
void shimkeep_put(struct shimkeep *keep, const char *id, const Cleat__Shim__V1__Kept *kept,
		  const int *fds, size_t n_fds);
/* Closes what is held of a container. */
void shimkeep_forget(struct shimkeep *keep, const char *id);
/* What a shim is given with its life; all borrowed. */
struct shimgift {
	const int *layers; /* mounts of the layers */
	size_t n_layers;
	int netns; /* -1 = none */
};

/* A socket to be inherited by a shim, with what it is given and all that is held of the container in it; -ENOENT
 * when there is nothing, -errno when the gift could not be sent. What is held
 * stays held until a successor has told its own. */
int shimkeep_hand_over(struct shimkeep *keep, const char *id,
		       const struct shimgift *gift) must_check;
