/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: a row in the store and the directory STATE/volumes/NAME/_data. The row is the fact: a directory without
 * one is rubbish that the next engine, or the next volume of that name, clears away. Directories are made and taken
 * away under one lock, which engines share and nobody holds for long; what fills one holds a lock inside it.
 * A volume that containers have (volume_uses) cannot go. All functions are thread-safe and block on the store and
 * the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/volumes.pb-c.h"
#include "err.h"
#include "mem.h"

struct engine;

struct volume {
	char *name;
	bool anonymous; /* nobody gave it its name */
	int64_t created_ns;
	Cleat__V1__CreateVolumeRequest *config; /* driver, options, labels */
	uint32_t references;                    /* containers that have it */
};
/* For cleanup(). */
void volume_deinit(struct volume *volume);

struct volume_names {
	char **v;
	size_t n;
};
/* Appends a copy; -ENOMEM. */
int volume_names_add(struct volume_names *names, const char *name) must_check;
/* For cleanup(). */
void volume_names_deinit(struct volume_names *names);

/* By its whole name. Owned in *out, which must be empty. -ENOENT, reason VOLUME_NOT_FOUND. */
int volume_find(struct engine *engine, const char *name, struct volume *out,
		struct err *err) must_check;
/* All, by name. Owned: free with volume_list_free(). */
int volume_list(struct engine *engine, struct volume **out, size_t *n, struct err *err) must_check;
void volume_list_free(struct volume *volumes, size_t n);

/* Makes it unless it is there; *made says which. Errors of volumecheck() and quota_limit(); -EEXIST, reason VOLUME_EXISTS when it is
 * there with other options. *out is owned. */
int volume_create(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		  struct volume *out, bool *made, struct err *err) must_check;
/* -ENOENT as volume_find(); reason VOLUME_IN_USE names the containers. Its files go in the background. */
int volume_remove(struct engine *engine, const char *name, struct err *err) must_check;

/* STATE/volumes/NAME/_data, owned; NULL without memory. */
char *volume_path(const struct engine *engine, const char *name) must_check;
/* Bytes of its files. */
int volume_size(const struct engine *engine, const char *name, uint64_t *bytes) must_check;
/* Before the first other use: after another boot a directory with files in it is a volume again, as its row may be
 * among what a power cut took of the store. Within one boot it has nothing to do. */
void volume_recover(struct engine *engine);
/* Clears away what an engine that died has left of volumes that are gone. */
void volume_sweep(struct engine *engine);

struct volume_prune {
	Cleat__V1__Filter *const *filters; /* volumefilter_check()'s */
	size_t n_filters;
	bool all; /* also those with a name of their own */
};
/* Removes what no container has. *names are those removed; *bytes what they held. */
int volume_prune(struct engine *engine, const struct volume_prune *prune,
		 struct volume_names *names, uint64_t *bytes, struct err *err) must_check;

/* ---- volumeclaim.c: containers and their volumes */

struct volume_claim {
	const Cleat__V1__Mount *mount; /* borrowed: its source is the volume's name */
	bool anonymous;                /* made for this container, and goes with it */
	bool inherited;                /* from another container, with what that means */
	bool made;                     /* set: it was not there before */
};
/* Makes the volumes that are missing and records that the container, which has a row, has them all. An error, as of
 * volume_create(), may leave some made. */
int volume_claim(struct engine *engine, const char *container_id, struct volume_claim *claims,
		 size_t n, struct err *err) must_check;
/* Within the caller's transaction: deletes the rows of the volumes that were made for this container and that no
 * other has. After its commit their names go to volume_discard(). */
int volume_release(struct engine *engine, const char *container_id, struct volume_names *gone,
		   struct err *err) must_check;
/* Takes the directory of a volume without a row away. */
void volume_discard(struct engine *engine, const char *name);

/* ---- volumefill.c */

/* A root file system to copy from, topmost layer first. All borrowed. */
struct volume_origin {
	const char *at;     /* a directory with an empty directory rootfs in it */
	char *const *lower; /* a path, or "fd:N", for which the descriptor counts */
	const int *fds;
	size_t n;
};
/* An empty volume gets what the root has at `path`, with owners, modes, attributes and links. Nothing there, or no
 * directory, is success. One that a killed engine had half-filled is filled again; while one is being filled others
 * wait. Blocks on workers. */
int volume_fill(struct engine *engine, const char *name, const struct volume_origin *origin,
		const char *path, struct err *err) must_check;

/* ---- volumedir.c; private to this folder */

/* The lock of all directories; a descriptor. Blocks. */
int volumedir_lock(const struct engine *engine, struct err *err) must_check;
/* With the lock: an empty directory for a volume that has no row yet. */
int volumedir_make(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		   struct err *err) must_check;
/* With the lock: there is one, whatever happened to it. */
int volumedir_ensure(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		     struct err *err) must_check;
/* With the lock: it is out of sight, and its files go in the background. */
void volumedir_discard(struct engine *engine, const char *name);
/* With the lock: the volume of the request, made or found. */
int volume_create_locked(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
			 bool anonymous, struct volume *out, bool *made,
			 struct err *err) must_check;
/* The row alone. */
int volume_insert(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		  bool anonymous, struct err *err) must_check;
