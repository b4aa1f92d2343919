/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of this folder share; private to it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "record.h"
#include "workerjob.h"

/* The container; -EBUSY when it is being made or removed. */
int files_find(struct engine *engine, const char *reference, struct record *out,
	       struct err *err) must_check;
/* Its upper directory; a descriptor. */
int files_upper(struct engine *engine, const struct record *record, struct err *err) must_check;

/* A copy for a message, where bytes that are not UTF-8 are U+FFFD; NULL without memory. */
char *files_text(const char *bytes) must_check;

/* Waits for a worker at a container's root. What it did not find is PATH_NOT_FOUND. */
int files_finish(struct worker *worker, struct err *err) must_check;

/* ---- root.c: how a worker gets at a container's root; engine/worker/jobs.h has the words */

enum root_part {
	ROOT_LAYERS, /* what is below the upper directory, read-only */
	ROOT_READ,   /* as the container sees it, read-only */
	ROOT_FLAT,   /* the same without what is mounted inside */
	ROOT_WRITE, /* as the container sees it; one that does not run cannot be started meanwhile */
};

struct root {
	struct strings words; /* that tell the worker of it */
	int fds[WORKER_EXTRA_MAX];
	size_t n_fds;
	int lock;     /* -1 = none */
	bool entered; /* that of a process */
};
#define ROOT_NULL ((struct root){ .lock = -1 })

/* Of a container that runs, that of its process now, ROOT_LAYERS apart. *record is what it was found by. */
int root_open(struct root *root, struct engine *engine, const struct record *record,
	      enum root_part part, struct err *err) must_check;
void root_deinit(struct root *root);
/* Appends a word for the job. */
int root_word(struct root *root, const char *text) must_check;
/* The number under which the worker has a descriptor; consumes it. -errno. */
int root_hand(struct root *root, int fd) must_check;
/* Starts a job there; `stream_fd` is borrowed. */
int root_start(const struct root *root, struct engine *engine, const char *job, int stream_fd,
	       struct worker *worker, struct err *err) must_check;

/* dockerconfig.c: what containers of an image committed from this one inherit, into Docker's Config object that
 * has what its own image had. 0, or -1 for a text that is not UTF-8. Pure. */
int dockerconfig_fill(json_t *config, const Cleat__V1__ContainerConfig *c) must_check;
/* Replaces what `c` has; environment, labels, ports and volumes are added. As above. */
int dockerconfig_replace(json_t *config, const Cleat__V1__ContainerConfig *c) must_check;
