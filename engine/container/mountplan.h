/* SPDX-License-Identifier: Apache-2.0 */
/* What will be mounted in a container that is being made, by Docker's rules: the mounts of the containers named by
 * --volumes-from, the request's own, which take precedence, and a volume for each path that the image or the request
 * wants one at and that has nothing mounted yet. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"
#include "rootlayers.h"
#include "volume.h"

struct planned {
	Cleat__V1__Mount *mount; /* owned; its target is clean */
	bool anonymous;          /* its volume is made for the container */
	bool inherited;          /* of another container */
	bool made;               /* its volume was not there before */
};
struct mountplan {
	struct planned *v;
	size_t n;
};
/* For cleanup(). */
void mountplan_deinit(struct mountplan *plan);

/* Changes nothing but that -v makes a missing directory of the host. -EINVAL names the mount; -ENOENT, reason
 * MOUNT_IMAGE_NOT_FOUND. */
int mountplan_make(struct mountplan *plan, struct engine *engine,
		   const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Keeps the images that are mounted, makes the volumes that are missing, puts all into the record's mounts, and fills volumes that are empty from the
 * container's layers. `record` has a row. */
int mountplan_claim(struct mountplan *plan, struct engine *engine, struct record *record,
		    const struct rootlayers *layers, struct err *err) must_check;
