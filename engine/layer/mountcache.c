/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors are above the numbers that spawned programs get theirs at. */
#include "mountcache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_FD = 10 };

struct kept {
	struct list link;
	char diff[65];
	int fd;
};

void mountcache_init(struct mountcache *cache)
{
	pthread_mutex_init(&cache->mutex, NULL);
	list_init(&cache->mounts);
}

static void drop(struct kept *kept)
{
	list_remove(&kept->link);
	closep(&kept->fd);
	free(kept);
}

void mountcache_deinit(struct mountcache *cache)
{
	struct kept *kept, *next;

	list_each_safe (kept, next, &cache->mounts, link)
		drop(kept);
	pthread_mutex_destroy(&cache->mutex);
}

/* With the mutex held. */
static struct kept *find(struct mountcache *cache, const char *diff)
{
	struct kept *kept;

	list_each (kept, &cache->mounts, link)
		if (!strcmp(kept->diff, diff))
			return kept;
	return NULL;
}

int mountcache_get(struct mountcache *cache, const char *diff)
{
	struct kept *kept;
	int fd = -ENOENT;

	pthread_mutex_lock(&cache->mutex);
	kept = find(cache, diff);
	if (kept) {
		fd = fcntl(kept->fd, F_DUPFD_CLOEXEC, FIRST_FD);
		fd = fd < 0 ? -errno : fd;
	}
	pthread_mutex_unlock(&cache->mutex);
	return fd;
}

void mountcache_put(struct mountcache *cache, const char *diff, int fd)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return;
	list_init(&kept->link);
	(void)snprintf(kept->diff, sizeof(kept->diff), "%s", diff);
	kept->fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
	pthread_mutex_lock(&cache->mutex);
	if (kept->fd < 0 || find(cache, diff))
		drop(kept);
	else
		list_append(&cache->mounts, &kept->link);
	pthread_mutex_unlock(&cache->mutex);
}

void mountcache_drop(struct mountcache *cache, const char *diff)
{
	struct kept *kept;

	pthread_mutex_lock(&cache->mutex);
	kept = find(cache, diff);
	if (kept)
		drop(kept);
	pthread_mutex_unlock(&cache->mutex);
}
