/* SPDX-License-Identifier: Apache-2.0 */
/* Containers in namespaces of other containers: --pid and --ipc container:NAME. Finding the other one's process is the
 * shim's part (shim.proto, ShimSpec.pid_of). All block on the store. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* The other container in a mode container:NAME, borrowed from it; "" = the mode is another one. */
const char *nsjoin_of(const char *mode);

/* Gives the mode the id of the container it names, which goes on when that one is renamed, and finds its record. -EINVAL when
 * there is none. */
int nsjoin_settle_mode(struct engine *engine, char **mode, const char *field, struct record *record,
		       struct err *err) must_check;
/* The same for the pid and the IPC mode, where they are such ones. */
int nsjoin_settle(struct engine *engine, Cleat__V1__ContainerConfig *config,
		  struct err *err) must_check;

/* Before a start: whether what is to be joined runs and, with an IPC namespace, is shareable. */
int nsjoin_check(struct engine *engine, const struct record *record, struct err *err) must_check;
