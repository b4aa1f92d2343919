/* SPDX-License-Identifier: Apache-2.0 */
/* The files that every container sees in its /etc: hostname, hosts and resolv.conf. Blocks on the file system. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/config.pb-c.h"
#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Makes them in a new container's directory. */
int namefiles_make(struct engine *engine, int dir_fd, const char *id,
		   const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Write them again, as the same files: containers have them mounted. hosts has the container's addresses, and those of
 * the containers that it links to; resolv.conf leads (with `names`) to a name server of the container's own. */
int namefiles_write_hosts(struct engine *engine, const struct record *record,
			  const Cleat__V1__ContainerConfig *config,
			  const struct endpoints *endpoints, struct err *err) must_check;
int namefiles_write_resolv(struct engine *engine, const struct record *record,
			   const Cleat__V1__ContainerConfig *config, bool names,
			   struct err *err) must_check;
/* The same while the container runs: what somebody changed in the files since its start, he keeps; hosts of more than 1 MiB
 * is left as it is. The container has got a name server. */
int namefiles_change_hosts(struct engine *engine, const struct record *record,
			   const Cleat__V1__ContainerConfig *config,
			   const struct endpoints *endpoints, struct err *err) must_check;
int namefiles_change_resolv(struct engine *engine, const struct record *record,
			    const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
