/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and restart policy of an existing container, changed wholly or not at all. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Holds at once in a container that runs, and for each start to come. `key` as in lifecycle.h. -EINVAL, -EBUSY with
 * Docker's sentences; what the kernel has no limit for is taken out of the request, with a warning in the reply; what the kernel refuses, with what it says. Blocks on the container's lock. */
int update_container(struct engine *engine, Cleat__V1__UpdateContainerRequest *request,
		     const char *key, Cleat__V1__UpdateContainerReply *reply,
		     struct err *err) must_check;

/* With the container's lock held: completes or undoes the update that another engine died in, so that everything is as
 * the record says. Logs what goes wrong; the next engine tries again. */
void update_recover(struct engine *engine, const struct record *record);
