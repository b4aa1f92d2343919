/* SPDX-License-Identifier: Apache-2.0 */
#include "chores.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "thread.h"

enum { STACK_BYTES = 128 << 10, QUEUE_MAX = 64 };

struct item {
	struct list link;
	chore_fn *run;
	char *what;
};

struct chores {
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list items;
	size_t n;
	bool ending;
};

static void item_free(struct item *item)
{
	free(item->what);
	free(item);
}

static struct item *item_new(chore_fn *run_it, const char *what)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	list_init(&item->link);
	item->run = run_it;
	item->what = strdup(what);
	if (item->what)
		return item;
	free(item);
	return NULL;
}

/* The next one, owned; NULL at the end. Called and returns with the mutex held. */
static struct item *next_item(struct chores *chores)
{
	struct item *item;

	while (list_empty(&chores->items) && !chores->ending)
		pthread_cond_wait(&chores->more, &chores->mutex);
	if (list_empty(&chores->items))
		return NULL;
	item = list_first(&chores->items, struct item, link);
	list_remove(&item->link);
	chores->n--;
	return item;
}

static void *run(void *arg)
{
	struct chores *chores = arg;
	struct item *item;

	pthread_mutex_lock(&chores->mutex);
	while ((item = next_item(chores))) {
		pthread_mutex_unlock(&chores->mutex);
		item->run(chores->engine, item->what);
		item_free(item);
		pthread_mutex_lock(&chores->mutex);
	}
	pthread_mutex_unlock(&chores->mutex);
	return NULL;
}

int chores_open(struct chores **out, struct engine *engine, struct err *err)
{
	cleanup_free struct chores *chores = calloc(1, sizeof(*chores));
	int r;

	if (!chores)
		return err_sys(err, ENOMEM, "start a thread");
	chores->engine = engine;
	pthread_mutex_init(&chores->mutex, NULL);
	thread_cond_init(&chores->more);
	list_init(&chores->items);
	r = thread_start(&chores->thread, STACK_BYTES, run, chores);
	if (r < 0)
		return err_sys(err, r, "start a thread");
	*out = steal(&chores);
	return 0;
}

struct chores *chores_free(struct chores *chores)
{
	if (!chores)
		return NULL;
	pthread_mutex_lock(&chores->mutex);
	chores->ending = true;
	pthread_cond_signal(&chores->more);
	pthread_mutex_unlock(&chores->mutex);
	pthread_join(chores->thread, NULL);
	free(chores);
	return NULL;
}

static bool queue(struct chores *chores, chore_fn *run_it, const char *what)
{
	struct item *item = chores ? item_new(run_it, what) : NULL;
	bool taken;

	if (!item)
		return false;
	pthread_mutex_lock(&chores->mutex);
	taken = chores->n < QUEUE_MAX;
	if (taken) {
		list_append(&chores->items, &item->link);
		chores->n++;
		pthread_cond_signal(&chores->more);
	}
	pthread_mutex_unlock(&chores->mutex);
	if (!taken)
		item_free(item);
	return taken;
}

void chores_queue(struct engine *engine, chore_fn *run_it, const char *what)
{
	if (!queue(engine->chores, run_it, what))
		run_it(engine, what);
}
