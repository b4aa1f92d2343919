/* SPDX-License-Identifier: Apache-2.0 */
/* --link on the default network, which has no names: the container's hosts file has the addresses of those it links to,
 * and is written anew when they change. (In other networks a link is an alias: endpoint.h.) All functions block on the
 * store. */
#pragma once

#include "buf.h"
#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Checks what a new container's config says: its containers are there and in the default network. */
int links_check(struct engine *engine, const Cleat__V1__ContainerConfig *config,
		struct err *err) must_check;
/* Records them, within the caller's transaction. */
int links_record(struct engine *engine, const char *container_id,
		 const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Appends a line of hosts(5) for every address of those that run. */
int links_add_hosts(struct engine *engine, const char *container_id, struct buf *hosts,
		    struct err *err) must_check;
/* Appends the ids, each with its NUL, of containers with addresses that link to this one. */
int links_followers(struct engine *engine, const char *target_id, struct buf *ids) must_check;
/* The same of all containers that others link to. */
int links_targets(struct engine *engine, struct buf *ids) must_check;
/* Puts the present names of its links into a config that is shown: "target:alias". 0 or -errno. */
int links_show(struct engine *engine, const char *container_id,
	       Cleat__V1__ContainerConfig *config) must_check;
