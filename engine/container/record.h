/* SPDX-License-Identifier: Apache-2.0 */
/* A container's row in the store, and how users name it. What changes while it runs is not here but
 * in its shim and its status file. All functions block on the store only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

struct store;

struct record {
	char id[65];
	char *name; /* without '/' */
	char *image_ref, *image_id, *command;
	int64_t created_ns;
	uint8_t *config; /* packed CreateContainerRequest */
	size_t config_len;
	uint8_t *mounts; /* packed ContainerConfig of the mounts alone: mountlist.h */
	size_t mounts_len;
	bool auto_remove;
	char intent[16]; /* "creating" or "" */
	int64_t last_seq;
	char boot_id[40];
};

/* Frees what the record owns; for cleanup(). */
void record_deinit(struct record *record);

/* -EEXIST with reason NAME_IN_USE and Docker's sentence when another container has the name. */
int record_insert(struct store *store, const struct record *record, struct err *err) must_check;

/* The container a user means: full id, name with or without '/', or unique id prefix, in this
 * order. Owned in *out (which must be empty). -ENOENT with reason CONTAINER_NOT_FOUND; -EINVAL with
 * reason AMBIGUOUS_ID. One being created or removed is found too: look at intent. */
int record_find(struct store *store, const char *reference, struct record *out,
		struct err *err) must_check;

/* All records in the order of their creation, newest first. *out is owned: free with
 * record_list_free(). */
int record_list(struct store *store, struct record **out, size_t *n, struct err *err) must_check;
void record_list_free(struct record *records, size_t n);

int record_rename(struct store *store, const char *id, const char *name,
		  struct err *err) must_check;
int record_set_intent(struct store *store, const char *id, const char *intent,
		      struct err *err) must_check;
int record_set_boot(struct store *store, const char *id, const char *boot_id,
		    struct err *err) must_check;
int record_set_config(struct store *store, const char *id, const void *config, size_t len,
		      struct err *err) must_check;
int record_set_mounts(struct store *store, const char *id, const void *mounts, size_t len,
		      struct err *err) must_check;
/* Advances last_seq to `seq`. Returns 1 when it was lower, 0 when the event is known already. */
int record_advance(struct store *store, const char *id, int64_t seq, struct err *err) must_check;
/* Absence is success. */
int record_delete(struct store *store, const char *id, struct err *err) must_check;
