/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of layers that this engine has made: each once, so that all containers share its cached pages.
 * They end with the engine and with the layer; containers hold theirs. Thread-safe, never blocks. */
#pragma once

#include <pthread.h>

#include "list.h"
#include "mem.h"

struct mountcache {
	pthread_mutex_t mutex;
	struct list mounts;
};

void mountcache_init(struct mountcache *cache);
void mountcache_deinit(struct mountcache *cache);
/* An owned descriptor of the layer's mount, -ENOENT when there is none, -errno. */
int mountcache_get(struct mountcache *cache, const char *diff) must_check;
/* Keeps a descriptor of its own; where there is a mount already that stays, and later calls get it. */
void mountcache_put(struct mountcache *cache, const char *diff, int fd);
void mountcache_drop(struct mountcache *cache, const char *diff);
