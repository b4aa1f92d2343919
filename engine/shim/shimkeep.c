/* SPDX-License-Identifier: Apache-2.0 */
#include "shimkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"
#include "str.h"

/* Above the numbers that a spawned shim's descriptors get. QUEUE_BYTES holds more sessions than a shim
 * has. */
enum { PARTS_MAX = 4, KEPT_BYTES = 160, FIRST_FD = 10, QUEUE_BYTES = 1 << 20 };

struct item {
	struct list link;
	char id[65];
	char exec_id[65];
	uint8_t bytes[KEPT_BYTES];
	size_t len, n_fds;
	int fds[PARTS_MAX];
};

static struct list *bucket_of(struct shimkeep *keep, const char *id)
{
	unsigned h = 0;

	for (int i = 0; i < 8 && id[i]; i++)
		h = h * 31 + (unsigned char)id[i];
	return &keep->buckets[h % SHIMKEEP_BUCKETS];
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void item_free(struct item *item)
{
	close_all(item->fds, item->n_fds);
	list_remove(&item->link);
	free(item);
}

/* With the mutex held: those of one exec, or all of the container (exec_id NULL). */
static void drop(struct shimkeep *keep, const char *id, const char *exec_id)
{
	struct item *item, *next;

	list_each_safe (item, next, bucket_of(keep, id), link)
		if (!strcmp(item->id, id) && (!exec_id || !strcmp(item->exec_id, exec_id)))
			item_free(item);
}

void shimkeep_init(struct shimkeep *keep, const char *bin_dir)
{
	cleanup_free char *runtime = str_path(bin_dir, "cleat-oci");

	keep->runtime = runtime ? fd_open_sealed(runtime) : -ENOMEM;
	pthread_mutex_init(&keep->mutex, NULL);
	for (size_t i = 0; i < SHIMKEEP_BUCKETS; i++)
		list_init(&keep->buckets[i]);
}

void shimkeep_deinit(struct shimkeep *keep)
{
	struct item *item, *next;

	for (size_t i = 0; i < SHIMKEEP_BUCKETS; i++)
		list_each_safe (item, next, &keep->buckets[i], link)
			item_free(item);
	closep(&keep->runtime);
}

static struct item *item_new(const char *id, const Cleat__Shim__V1__Kept *kept, const int *fds,
			     size_t n_fds)
{
	size_t len = cleat__shim__v1__kept__get_packed_size(kept);
	struct item *item;

	if (n_fds == 0 || n_fds > PARTS_MAX || len > KEPT_BYTES ||
	    strlen(kept->exec_id) >= sizeof(item->exec_id))
		return NULL;
	item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	memcpy(item->id, id, strlen(id));
	memcpy(item->exec_id, kept->exec_id, strlen(kept->exec_id));
	item->len = cleat__shim__v1__kept__pack(kept, item->bytes);
	item->n_fds = n_fds;
	memcpy(item->fds, fds, n_fds * sizeof(*fds));
	list_init(&item->link);
	return item;
}

void shimkeep_put(struct shimkeep *keep, const char *id, const Cleat__Shim__V1__Kept *kept,
		  const int *fds, size_t n_fds)
{
	struct item *item = item_new(id, kept, fds, n_fds);

	if (!item)
		close_all(fds, n_fds);
	pthread_mutex_lock(&keep->mutex);
	drop(keep, id, kept->first ? NULL : kept->exec_id);
	if (item)
		list_append(bucket_of(keep, id), &item->link);
	pthread_mutex_unlock(&keep->mutex);
}

void shimkeep_forget(struct shimkeep *keep, const char *id)
{
	pthread_mutex_lock(&keep->mutex);
	drop(keep, id, NULL);
	pthread_mutex_unlock(&keep->mutex);
}

/* With the mutex held: how many were sent. */
static size_t send_all(struct shimkeep *keep, const char *id, int sock)
{
	struct item *item;
	size_t n = 0;

	list_each (item, bucket_of(keep, id), link) {
		if (strcmp(item->id, id) != 0)
			continue;
		if (fd_send(sock, item->bytes, item->len, item->fds, item->n_fds, MSG_DONTWAIT) < 0)
			log_error("streams are lost id=%.12s exec=%.12s", id, item->exec_id);
		n++;
	}
	return n;
}

static int send_layers(int sock, const int *layers, size_t n)
{
	Cleat__Shim__V1__Kept kept = CLEAT__SHIM__V1__KEPT__INIT;
	uint8_t bytes[KEPT_BYTES];
	size_t len;
	int r = 0;

	kept.layers = true;
	for (size_t at = 0; r == 0 && at < n; at += FD_PASS_MAX) {
		size_t count = n - at < FD_PASS_MAX ? n - at : FD_PASS_MAX;

		kept.first_layer = (uint32_t)at;
		len = cleat__shim__v1__kept__pack(&kept, bytes);
		r = fd_send(sock, bytes, len, layers + at, count, MSG_DONTWAIT);
	}
	return r;
}

/* Sends fd with the message; < 0 = there is none. */
static int send_one(int sock, const Cleat__Shim__V1__Kept *kept, int fd)
{
	uint8_t bytes[KEPT_BYTES];

	if (fd < 0)
		return 0;
	return fd_send(sock, bytes, cleat__shim__v1__kept__pack(kept, bytes), &fd, 1, MSG_DONTWAIT);
}

static int send_gift(const struct shimkeep *keep, int sock, const struct shimgift *gift)
{
	Cleat__Shim__V1__Kept netns = CLEAT__SHIM__V1__KEPT__INIT;
	Cleat__Shim__V1__Kept runtime = CLEAT__SHIM__V1__KEPT__INIT;
	int r = send_layers(sock, gift->layers, gift->n_layers);

	netns.netns = true;
	runtime.runtime = true;
	r = r ? r : send_one(sock, &netns, gift->netns);
	return r ? r : send_one(sock, &runtime, keep->runtime);
}

int shimkeep_hand_over(struct shimkeep *keep, const char *id, const struct shimgift *gift)
{
	const int queue = QUEUE_BYTES;
	int pair[2], fd = -ENOENT, r;
	size_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof(queue));
	r = send_gift(keep, pair[0], gift);
	pthread_mutex_lock(&keep->mutex);
	n = send_all(keep, id, pair[0]);
	pthread_mutex_unlock(&keep->mutex);
	close(pair[0]);
	if (r == 0 && (n + gift->n_layers > 0 || gift->netns >= 0 || keep->runtime >= 0))
		fd = fcntl(pair[1], F_DUPFD_CLOEXEC, FIRST_FD);
	close(pair[1]);
	return r ? r : fd;
}
