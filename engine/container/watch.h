/* SPDX-License-Identifier: Apache-2.0 */
/* Waking those who wait for something to happen to a container. Carries no fact: the woken one looks
 * at the store and the status file again. Thread-safe, never blocks. */
#pragma once

#include <stdbool.h>

#include "list.h"
#include "mem.h"

struct watch {
	struct list link;
	char id[65];
	int fd; /* eventfd, readable after a change; borrowed by the caller for poll */
};

/* Registers `watch` (the caller's storage) for container `id`. 0 or -errno. */
int watch_open(struct watch *watch, const char *id) must_check;
/* Fine on a zeroed or closed watch. For cleanup(). */
void watch_close(struct watch *watch);
/* Makes the descriptor unreadable again: call before looking at the facts. */
void watch_clear(struct watch *watch);

/* Something about container `id` changed. */
void watch_notify(const char *id);
/* Wakes all: the engine moves. */
void watch_notify_all(void);
