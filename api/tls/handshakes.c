/* SPDX-License-Identifier: Apache-2.0 */
/* A place holds a duplicate of the socket's descriptor: the one who shakes hands may close its own at any
 * time, and the number of that could be another connection's by the time it is shut down here. */
#include "handshakes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	int64_t last; /* number given */
	struct place {
		int64_t number; /* 0 = free */
		int fd;
	} places[HANDSHAKES_MAX];
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The free or else the oldest place: numbers grow. */
static struct place *lowest(void)
{
	struct place *low = &all.places[0];

	for (size_t i = 1; i < ARRAY_LEN(all.places); i++)
		if (all.places[i].number < low->number)
			low = &all.places[i];
	return low;
}

int64_t handshakes_enter(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (own < 0)
		return -errno;
	pthread_mutex_lock(&all.lock);
	struct place *place = lowest();
	const struct place before = *place;
	int64_t number = ++all.last;

	*place = (struct place){ number, own };
	pthread_mutex_unlock(&all.lock);
	if (before.number) {
		(void)shutdown(before.fd, SHUT_RDWR);
		close(before.fd);
	}
	return number;
}

/* NULL = lost. */
static struct place *find(int64_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(all.places); i++)
		if (all.places[i].number == number)
			return &all.places[i];
	return NULL;
}

bool handshakes_has(int64_t number)
{
	bool has;

	pthread_mutex_lock(&all.lock);
	has = find(number);
	pthread_mutex_unlock(&all.lock);
	return has;
}

void handshakes_leave(int64_t number)
{
	struct place *place;
	int fd = -1;

	pthread_mutex_lock(&all.lock);
	place = find(number);
	if (place) {
		fd = place->fd;
		place->number = 0;
	}
	pthread_mutex_unlock(&all.lock);
	if (fd >= 0)
		close(fd);
}
