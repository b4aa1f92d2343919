/* SPDX-License-Identifier: Apache-2.0 */
#include "enginepool.h"

#include <pthread.h>

enum { KEPT = 16 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rpc_client *kept[KEPT];
static size_t n;

/* The last one that was put back: what is needed rarely grows old and is closed by the engine, not by us. */
struct rpc_client *enginepool_take(void)
{
	struct rpc_client *client;

	pthread_mutex_lock(&mutex);
	client = n ? kept[--n] : NULL;
	pthread_mutex_unlock(&mutex);
	if (client)
		(void)rpc_client_process(
			client, NULL); /* what the engine has told meanwhile: that it goes away */
	return client;
}

void enginepool_put(struct rpc_client *client)
{
	pthread_mutex_lock(&mutex);
	if (n < KEPT) {
		kept[n++] = client;
		client = NULL;
	}
	pthread_mutex_unlock(&mutex);
	rpc_client_close(client);
}
