/* SPDX-License-Identifier: Apache-2.0 */
/* What containers take of the disk, and the removal of those that do not run. Blocks on the file system. */
#pragma once

#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Bytes of the files in the container's upper directory, each once however many names it has; 0 when it is not
 * there any more. */
int usage_upper(const struct engine *engine, const char *id, uint64_t *bytes) must_check;
/* The same in *rw, and in *root with those of its image. */
int usage_container(struct engine *engine, const struct record *record, uint64_t *rw,
		    uint64_t *root, struct err *err) must_check;

/* Removes what does not run and passes the filters until, label and label!. */
int usage_prune(struct engine *engine, const Cleat__V1__PruneContainersRequest *request,
		Cleat__V1__PruneContainersReply *reply, struct err *err) must_check;
