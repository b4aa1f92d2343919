/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container in two steps: create_begin() checks the request and claims id, name, directories
 * and lock; with those the OCI config can be built; create_finish() writes the files and makes the
 * container visible. Dropped between the two, or killed at any point, nothing stays: the intent in
 * the row (or the missing row) tells the next reconciliation to remove it. */
#pragma once

#include <stdint.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "record.h"

struct create {
	struct engine *engine;
	struct record record; /* id and name are set; image_id and command by the caller */
	int dir_fd;           /* STATE/containers/ID */
	int lock_fd;
	bool done;
};
#define CREATE_NULL ((struct create){ .dir_fd = -1, .lock_fd = -1 })

/* What comes of image and spec. Borrowed. */
struct create_parts {
	const void *config_json; /* OCI runtime spec */
	size_t config_len;
	const char *probe_json;        /* the health check's process object; NULL = none */
	const struct strings *mounted; /* layers the shim is given as mounts; NULL = none */
	int stop_signal;               /* 0 = SIGTERM */
	const char *cgroup;            /* path below each hierarchy */
	uint32_t uid, gid;             /* of the container's user on the host */
	const char *key;               /* requests_remember() */
	const void *reply;             /* packed */
	size_t reply_len;
};

/* -EINVAL naming the field, UNIMPLEMENTED for networks other than none and host, -EEXIST with reason
 * NAME_IN_USE. The request is borrowed for the call. */
int create_begin(struct create *create, struct engine *engine,
		 const Cleat__V1__CreateContainerRequest *request, const char *image_id,
		 const char *command, struct err *err) must_check;
/* Writes config.json, probe.json, shim.pb, hostname, hosts, resolv.conf and clears the intent. */
int create_finish(struct create *create, const Cleat__V1__CreateContainerRequest *request,
		  const struct create_parts *parts, struct err *err) must_check;

/* -EINVAL for a restart policy that does not exist or does not go with the rest. */
int create_check_policy(const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* The policy, which was checked, in the shim's words. */
void create_policy(const Cleat__V1__ContainerConfig *config, Cleat__Shim__V1__RestartPolicy *out);
/* Lets go; undoes what was not finished. For cleanup(). */
void create_deinit(struct create *create);
