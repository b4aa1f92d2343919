/* SPDX-License-Identifier: Apache-2.0 */
/* An exec session's row in the store. All functions block on the store only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "store/store.h"

enum execrecord_state { EXEC_CREATED = 0, EXEC_STARTED = 1, EXEC_ENDED = 2 };

struct execrecord {
	char id[65], container_id[65];
	int64_t created_ns;
	enum execrecord_state state;
	int32_t pid; /* on the host, 0 = none */
	int32_t exit_code;
	uint8_t *config; /* packed CreateExecRequest */
	size_t config_len;
};

/* Frees what the record owns; for cleanup(). */
void execrecord_deinit(struct execrecord *record);

int execrecord_insert(struct store *store, const struct execrecord *record,
		      struct err *err) must_check;
/* By id or unique prefix; owned in *out. -ENOENT with reason EXEC_ID_NOT_FOUND. */
int execrecord_find(struct store *store, const char *reference, struct execrecord *out,
		    struct err *err) must_check;
/* Those of one container, or with NULL all, oldest first. Free each and the array. */
int execrecord_list(struct store *store, const char *container_id, struct execrecord **out,
		    size_t *n, struct err *err) must_check;
/* Back to CREATED when it was claimed and never came to run: 1, else 0. */
int execrecord_unclaim(struct store *store, const char *id, struct err *err) must_check;
/* From CREATED to STARTED: -EBUSY, reason EXEC_STARTED, when it was started before. */
int execrecord_claim(struct store *store, const char *id, struct err *err) must_check;
/* What a shim's events tell; a row that is gone is none of their business. */
int execrecord_set_pid(struct store *store, const char *id, int32_t pid,
		       struct err *err) must_check;
int execrecord_set_ended(struct store *store, const char *id, int32_t exit_code,
			 struct err *err) must_check;
/* Started execs of a container that has ended are over too: Docker's 137. */
int execrecord_end_all(struct store *store, const char *container_id, struct err *err) must_check;
