/* SPDX-License-Identifier: Apache-2.0 */
/* A context that came as it was packed by somebody else is rid of what its own .dockerignore leaves out. Blocks
 * on the file system. */
#pragma once

#include "err.h"
#include "mem.h"

/* `dockerfile` is the Dockerfile's path in the context: DOCKERFILE.dockerignore counts before .dockerignore. */
int contextignore_apply(int context_fd, const char *dockerfile, struct err *err) must_check;
