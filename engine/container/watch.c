/* SPDX-License-Identifier: Apache-2.0 */
/* A list under a mutex: there are as many watches as waiting calls, and events are rare beside
 * them. */
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list watches = LIST_INIT(watches);

int watch_open(struct watch *watch, const char *id)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	watch->fd = fd;
	(void)snprintf(watch->id, sizeof(watch->id), "%s", id);
	list_init(&watch->link);
	pthread_mutex_lock(&mutex);
	list_append(&watches, &watch->link);
	pthread_mutex_unlock(&mutex);
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch->id[0])
		return;
	pthread_mutex_lock(&mutex);
	list_remove(&watch->link);
	pthread_mutex_unlock(&mutex);
	close(watch->fd);
	watch->id[0] = '\0';
}

void watch_clear(struct watch *watch)
{
	uint64_t count;
	ssize_t n = read(watch->fd, &count, sizeof(count));

	(void)n;
}

static void wake(const char *id)
{
	static const uint64_t one = 1;
	struct watch *watch;

	pthread_mutex_lock(&mutex);
	list_each (watch, &watches, link) {
		if (!id || !strcmp(watch->id, id)) {
			ssize_t n = write(watch->fd, &one, sizeof(one));

			(void)n;
		}
	}
	pthread_mutex_unlock(&mutex);
}

void watch_notify(const char *id)
{
	wake(id);
}

void watch_notify_all(void)
{
	wake(NULL);
}
