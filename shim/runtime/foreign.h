/* SPDX-License-Identifier: Apache-2.0 */
/* Another OCI runtime in place of this one: --runtime. What the shim asks for is said by that one's own
 * command line, as runc and crun share it. */
#pragma once

#include "container.h"

/* `run --detach`: mounts the root file system, has the runtime create and start the container, and reports
 * its first process. Blocks. */
int foreign_run(const struct options *o, struct outcome *out, struct err *err) must_check;
/* `exec --detach` of the process in o->process. Blocks. */
int foreign_exec(const struct options *o, struct outcome *out, struct err *err) must_check;
/* `update` with o->resources. Blocks. */
int foreign_update(const struct options *o, struct outcome *out, struct err *err) must_check;
