/* SPDX-License-Identifier: Apache-2.0 */
/* The files that every container sees in its /etc: hostname, hosts and resolv.conf. Blocks on the file system. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Makes them in a new container's directory. */
int namefiles_make(struct engine *engine, int dir_fd, const char *id,
		   const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Writes hosts again, with the container's addresses. It stays the same file: containers have it mounted. */
int namefiles_write_hosts(struct engine *engine, const char *id,
			  const Cleat__V1__ContainerConfig *config,
			  const struct endpoints *endpoints, struct err *err) must_check;
