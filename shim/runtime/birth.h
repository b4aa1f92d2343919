/* SPDX-License-Identifier: Apache-2.0 */
/* A process that comes into a pid namespace in which others are. */
#pragma once

#include "container.h"
#include "launch.h"

struct birth {
	const struct plan *plan;     /* of the container: which namespaces it has */
	const struct launch *launch; /* what launch_prepare() is to do */
	int target;                  /* a pidfd: the namespaces are those of this process */
	int pidns;   /* but for the pid namespace, which is this one; -1 = it is not another */
	int console; /* where a terminal's master goes to */
	bool bind;   /* the terminal is /dev/console, too */
	int parents, sock; /* the two ends of a pair, what fails is told there; sock is closed */
	const int *keep;   /* further descriptors that `child` needs */
	size_t n_keep;
	/* What it does then, prepared, with a terminal as its descriptors 0-2 that it has yet to take; never returns. */
	void (*child)(const void *ctx);
	const void *ctx;
};

/* A child of the caller's; *pidfd is the caller's, too. Blocks until it is born, not longer. */
int birth_give(const struct birth *b, pid_t *pid, int *pidfd, struct outcome *out,
	       struct err *err) must_check;

/* For `child`: its user's processes are limited from here on, and it leads a session, of which a terminal that was
 * opened for it is the terminal. */
int birth_lead(const struct plan_process *p, struct err *err) must_check;
