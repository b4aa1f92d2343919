/* SPDX-License-Identifier: Apache-2.0 */
#include "attached.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct list all = LIST_INIT(all);

void attached_begin(struct attached *attached, const char *id, uint64_t exits)
{
	(void)snprintf(attached->id, sizeof(attached->id), "%s", id);
	attached->exits = exits;
	pthread_mutex_lock(&mutex);
	list_append(&all, &attached->link);
	pthread_mutex_unlock(&mutex);
}

void attached_end(struct attached *attached)
{
	if (!attached->id[0])
		return;
	pthread_mutex_lock(&mutex);
	list_remove(&attached->link);
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&mutex);
	attached->id[0] = '\0';
}

static bool reads(const char *id, uint64_t exits)
{
	const struct attached *attached;

	list_each (attached, &all, link)
		if (attached->exits < exits && strcmp(attached->id, id) == 0)
			return true;
	return false;
}

void attached_await(const char *id, uint64_t exits)
{
	struct timespec until;
	int r = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ATTACHED_WAIT_MS / 1000;
	pthread_mutex_lock(&mutex);
	while (reads(id, exits) && r != ETIMEDOUT)
		r = pthread_cond_clockwait(&ended, &mutex, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&mutex);
}
