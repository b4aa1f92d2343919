/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted in a container, as its record has it: the request's mounts and those that image and other
 * containers add, each with the name of its volume. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "mem.h"
#include "record.h"

/* A message that has mounts alone; owned. NULL without memory. */
Cleat__V1__ContainerConfig *mountlist_read(const struct record *record) must_check;
/* For cleanup(). */
void mountlist_freep(Cleat__V1__ContainerConfig **list);

bool mountlist_is_volume(const Cleat__V1__Mount *mount);
bool mountlist_is_image(const Cleat__V1__Mount *mount);
/* Where the files of a bind or a volume are on the host, and which image a mount of one is of; owned, NULL without memory. */
char *mountlist_source(const struct engine *engine, const Cleat__V1__Mount *mount) must_check;
