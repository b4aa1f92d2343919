/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to a container that can be started: image, defaults, user, OCI config, record. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* The request is changed: the image's defaults are filled in. reply->id and warnings are set, owned by
 * the reply. `key` names the call for all its repetitions ("" = it has none), which get the same container.
 * -ENOENT with reason IMAGE_NOT_FOUND; -EINVAL and UNIMPLEMENTED name the field; -EEXIST
 * with reason NAME_IN_USE. On failure nothing is left. Blocks on the store and the file system. */
int make_container(struct engine *engine, Cleat__V1__CreateContainerRequest *request,
		   const char *key, Cleat__V1__CreateContainerReply *reply,
		   struct err *err) must_check;
