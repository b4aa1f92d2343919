/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors a runtime is started with; their other ends go to the shim. None of it blocks. Private to launch.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "mem.h"

struct exec;
struct shim;

/* What the runtime gets as 0, 1, 2 and as its process file; -1 = /dev/null, none. */
struct launchfds {
	int std[3];
	int process;
	size_t n_layers; /* of the shim's, for the runtime that makes the root */
	bool spaces;     /* the same, with the namespaces behind them */
};
void launchfds_close(struct launchfds *fds);

/* The container's FIFOs. -EIO. */
int launchfds_container(struct shim *shim, struct launchfds *fds) must_check;
/* Pipes for an exec, unless it is a terminal or detached, and its process file, unless there is one. -errno. */
int launchfds_exec(struct exec *exec, const Cleat__Shim__V1__ExecRequest *request,
		   struct launchfds *fds) must_check;
/* JSON of a request for the runtime to read, as the process file. -errno. */
int launchfds_json(const ProtobufCBinaryData *json, struct launchfds *fds) must_check;
