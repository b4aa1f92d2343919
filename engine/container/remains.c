/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a directory of ext4 takes as long as creating it, and a container has eight; one that wrote
 * much may have thousands. */
#include "remains.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fd.h"
#include "list.h"
#include "log.h"
#include "str.h"
#include "thread.h"

enum { STACK_BYTES = 128 << 10, QUEUE_MAX = 64 };

struct item {
	struct list link;
	char id[65];
};

struct remains {
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list items;
	size_t n;
	bool ending;
};

/* v1 has a directory for each hierarchy below /sys/fs/cgroup, v2 is there itself. */
static void clear_group(const char *name)
{
	DIR *dir = opendir("/sys/fs/cgroup");
	struct dirent *entry;

	if (!dir)
		return;
	(void)unlinkat(dirfd(dir), name, AT_REMOVEDIR);
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", entry->d_name, name);
		(void)unlinkat(dirfd(dir), path, AT_REMOVEDIR);
	}
	closedir(dir);
}

void remains_clear_group(const struct engine *engine)
{
	clear_group(engine->cgroup);
}

int remains_clear(const struct engine *engine, const char *id, struct err *err)
{
	cleanup_free char *oci = str_printf("oci/%s", id);
	cleanup_free char *group = str_printf("%s/%s", engine->cgroup, id);
	int r = oci && group ? 0 : -ENOMEM;

	if (r == 0) {
		clear_group(group);
		r = fd_remove_tree(engine->shims_fd, id);
	}
	r = r ? r : fd_remove_tree(engine->run_fd, oci);
	r = r ? r : fd_remove_tree(engine->containers_fd, id);
	return r < 0 ? err_sys(err, r, "remove the files of container %.12s", id) : 0;
}

static void clear(const struct engine *engine, const char *id)
{
	struct err err = ERR_NULL;

	if (remains_clear(engine, id, &err) < 0)
		log_error("%s", err.message);
}

/* The next one, owned; NULL at the end. Called and returns with the mutex held. */
static struct item *next_item(struct remains *remains)
{
	struct item *item;

	while (list_empty(&remains->items) && !remains->ending)
		pthread_cond_wait(&remains->more, &remains->mutex);
	if (list_empty(&remains->items))
		return NULL;
	item = list_first(&remains->items, struct item, link);
	list_remove(&item->link);
	remains->n--;
	return item;
}

static void *run(void *arg)
{
	struct remains *remains = arg;
	struct item *item;

	pthread_mutex_lock(&remains->mutex);
	while ((item = next_item(remains))) {
		pthread_mutex_unlock(&remains->mutex);
		clear(remains->engine, item->id);
		free(item);
		pthread_mutex_lock(&remains->mutex);
	}
	pthread_mutex_unlock(&remains->mutex);
	return NULL;
}

int remains_open(struct remains **out, struct engine *engine, struct err *err)
{
	cleanup_free struct remains *remains = calloc(1, sizeof(*remains));
	int r;

	if (!remains)
		return err_sys(err, ENOMEM, "start a thread");
	remains->engine = engine;
	pthread_mutex_init(&remains->mutex, NULL);
	thread_cond_init(&remains->more);
	list_init(&remains->items);
	r = thread_start(&remains->thread, STACK_BYTES, run, remains);
	if (r < 0)
		return err_sys(err, r, "start a thread");
	*out = steal(&remains);
	return 0;
}

struct remains *remains_free(struct remains *remains)
{
	if (!remains)
		return NULL;
	pthread_mutex_lock(&remains->mutex);
	remains->ending = true;
	pthread_cond_signal(&remains->more);
	pthread_mutex_unlock(&remains->mutex);
	pthread_join(remains->thread, NULL);
	free(remains);
	return NULL;
}

static bool queue(struct remains *remains, const char *id)
{
	struct item *item = remains ? malloc(sizeof(*item)) : NULL;
	bool taken;

	if (!item)
		return false;
	(void)snprintf(item->id, sizeof(item->id), "%s", id);
	list_init(&item->link);
	pthread_mutex_lock(&remains->mutex);
	taken = remains->n < QUEUE_MAX;
	if (taken) {
		list_append(&remains->items, &item->link);
		remains->n++;
		pthread_cond_signal(&remains->more);
	}
	pthread_mutex_unlock(&remains->mutex);
	if (!taken)
		free(item);
	return taken;
}

void remains_queue(struct engine *engine, const char *id)
{
	if (!queue(engine->remains, id))
		clear(engine, id);
}
