/* SPDX-License-Identifier: Apache-2.0 */
/* A ring: the oldest run makes place for the next. */
#include "probekeep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probekeep {
	pthread_mutex_t mutex;
	size_t next;
	struct execrecord runs[PROBEKEEP_MAX];
};

struct probekeep *probekeep_new(void)
{
	struct probekeep *keep = calloc(1, sizeof(*keep));

	if (keep)
		pthread_mutex_init(&keep->mutex, NULL);
	return keep;
}

struct probekeep *probekeep_free(struct probekeep *keep)
{
	if (keep)
		pthread_mutex_destroy(&keep->mutex);
	free(keep);
	return NULL;
}

static struct execrecord *find(struct probekeep *keep, const char *exec_id)
{
	for (size_t i = 0; exec_id[0] && i < PROBEKEEP_MAX; i++)
		if (strcmp(keep->runs[i].id, exec_id) == 0)
			return &keep->runs[i];
	return NULL;
}

static struct execrecord *add(struct probekeep *keep, const char *container_id, const char *exec_id)
{
	struct execrecord *run = &keep->runs[keep->next];

	keep->next = (keep->next + 1) % PROBEKEEP_MAX;
	*run = (struct execrecord){ .state = EXEC_CREATED };
	(void)snprintf(run->id, sizeof(run->id), "%s", exec_id);
	(void)snprintf(run->container_id, sizeof(run->container_id), "%s", container_id);
	return run;
}

void probekeep_take(struct probekeep *keep, const char *container_id,
		    const Cleat__Shim__V1__ShimEvent *event)
{
	struct execrecord *run;

	if (!event->probe)
		return;
	pthread_mutex_lock(&keep->mutex);
	run = find(keep, event->exec_id);
	run = run ? run : add(keep, container_id, event->exec_id);
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED) {
		run->state = EXEC_STARTED;
		run->pid = event->pid;
	} else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED) {
		run->state = EXEC_ENDED;
		run->pid = 0;
		run->exit_code = event->exit_code;
	}
	pthread_mutex_unlock(&keep->mutex);
}

bool probekeep_find(struct probekeep *keep, const char *exec_id, struct execrecord *out)
{
	const struct execrecord *run;

	pthread_mutex_lock(&keep->mutex);
	run = find(keep, exec_id);
	if (run)
		*out = *run;
	pthread_mutex_unlock(&keep->mutex);
	return run != NULL;
}
