/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an engine's state: an append-only journal in STATE/events, bounded in size. Several
 * engines may write and read it at once, and any may be killed at any instruction. Blocks on the file
 * system and on other writers. */
#pragma once

#include <stdint.h>

#include "cleat/v1/system.pb-c.h"
#include "err.h"
#include "mem.h"

struct journal;

/* Opens it below the state directory (borrowed), made if absent. *out is owned. max_bytes bounds the
 * whole (at least 64 KiB). A tail torn by a kill is cut. */
int journal_open(struct journal **out, int state_fd, uint64_t max_bytes,
		 struct err *err) must_check;
/* NULL is fine; returns NULL. */
struct journal *journal_free(struct journal *journal);

/* Excludes other writers of any engine until journal_unlock(). 0 or -errno. Appending opens no files but
 * that which a rotation begins, and keeps a descriptor for it: an engine that has no more loses no event. */
int journal_lock(struct journal *journal) must_check;
void journal_unlock(struct journal *journal);
/* Appends `event` and sets its sequence. With the lock held. 0 or -errno. */
int journal_append(struct journal *journal, Cleat__V1__Event *event, uint64_t origin) must_check;
/* The origin of the last record, 0 = none; *event (owned) is it, if wanted. With the lock held. A
 * writer appends first and records in the store after: of the last one alone it may be unknown whether
 * the second was done. */
int journal_last(struct journal *journal, uint64_t *origin, Cleat__V1__Event **event) must_check;

struct journal_reader;

/* A reader that stands before the first event behind `sequence`, or (with 0) not before since_ns; since_ns
 * 0 = at the end. Owned in *out. */
int journal_reader_open(struct journal_reader **out, struct journal *journal, uint64_t sequence,
			int64_t since_ns, struct err *err) must_check;
/* For cleanup(). */
void journal_reader_freep(struct journal_reader **reader);
/* The next event, owned: 1; 0 = none now; -errno. */
int journal_reader_next(struct journal_reader *reader, Cleat__V1__Event **event,
			struct err *err) must_check;
/* Readable after something was appended, for poll; clear it before reading to the end. */
int journal_reader_fd(const struct journal_reader *reader);
void journal_reader_clear(struct journal_reader *reader);
