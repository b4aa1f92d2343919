/* SPDX-License-Identifier: Apache-2.0 */
#include "growing.h"

void growing_init(struct growing *g)
{
	*g = (struct growing){ .fd = -1 };
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->more, NULL);
}

void growing_deinit(struct growing *g)
{
	closep(&g->fd);
	pthread_cond_destroy(&g->more);
	pthread_mutex_destroy(&g->mutex);
}

void growing_begin(struct growing *g, int fd)
{
	pthread_mutex_lock(&g->mutex);
	g->fd = fd;
	pthread_mutex_unlock(&g->mutex);
}

void growing_reset(struct growing *g)
{
	pthread_mutex_lock(&g->mutex);
	closep(&g->fd);
	g->fd = -1;
	g->have = 0;
	g->ended = false;
	pthread_mutex_unlock(&g->mutex);
}

void growing_add(struct growing *g, uint64_t bytes)
{
	pthread_mutex_lock(&g->mutex);
	g->have += bytes;
	pthread_cond_signal(&g->more);
	pthread_mutex_unlock(&g->mutex);
}

void growing_end(struct growing *g)
{
	pthread_mutex_lock(&g->mutex);
	g->ended = true;
	pthread_cond_signal(&g->more);
	pthread_mutex_unlock(&g->mutex);
}

uint64_t growing_wait(struct growing *g, uint64_t seen)
{
	uint64_t have;

	pthread_mutex_lock(&g->mutex);
	while (g->have <= seen && !g->ended)
		pthread_cond_wait(&g->more, &g->mutex);
	have = g->have;
	pthread_mutex_unlock(&g->mutex);
	return have;
}

uint64_t growing_have(struct growing *g)
{
	uint64_t have;

	pthread_mutex_lock(&g->mutex);
	have = g->have;
	pthread_mutex_unlock(&g->mutex);
	return have;
}
