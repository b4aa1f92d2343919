/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes in containers that run. The shim owns the process; the row says what it was asked
 * to be, and how it ended once the shim's event has told. */
#pragma once

#include "cleat/v1/exec.pb-c.h"
#include "engine.h"
#include "err.h"
#include "execrecord.h"
#include "mem.h"
#include "shimstream.h"

/* Prepares an exec; *record is owned (execrecord_deinit). -EINVAL names the field; -EBUSY with reason
 * NOT_RUNNING or PAUSED; -ENOENT with reason CONTAINER_NOT_FOUND. Blocks on the store and reads the
 * container's user database. `key` names the call for all its repetitions ("" = it has none): 1 and the
 * record of an earlier one, which may have been started. */
int exec_create(struct engine *engine, const Cleat__V1__CreateExecRequest *request, const char *key,
		struct execrecord *record, struct err *err) must_check;

/* Starts it, once, as *start asks for; detached it has no stream. -ENOENT with reason EXEC_NOT_FOUND (exit code 127),
 * EXEC_NOT_PERMITTED (126). Blocks until it was executed. */
int exec_start(struct engine *engine, const struct execrecord *record,
	       const Cleat__V1__ExecStart *start, struct shimstream *out,
	       struct err *err) must_check;

/* Joins one that was started, for a stream that moves: frames from where *start goes on, as far as the shim
 * still has them, then live ones and the exit. -ENOENT with reason EXEC_GONE when the shim knows it no
 * more: the row has the exit code. */
int exec_join(struct engine *engine, const struct execrecord *record,
	      const Cleat__V1__ExecStart *start, struct shimstream *out,
	      struct err *err) must_check;

int exec_resize(struct engine *engine, const struct execrecord *record,
		const Cleat__V1__TerminalSize *size, struct err *err) must_check;
/* -EBUSY with reason NOT_RUNNING when it does not run. */
int exec_kill(struct engine *engine, const struct execrecord *record, const char *key, int signal,
	      struct err *err) must_check;

/* Records the event that the session's client has left it by the detach keys. -ENOENT with reason EXEC_ID_NOT_FOUND. */
int exec_tell_detached(struct engine *engine, const char *id, struct err *err) must_check;

/* execrecord_find(), or by its whole id a run of a health check, which has no row. */
int exec_find(struct engine *engine, const char *reference, struct execrecord *out,
	      struct err *err) must_check;

/* The row as the API shows it; *out is initialised and owns what is added. */
int exec_details(struct engine *engine, const struct execrecord *record,
		 Cleat__V1__ExecDetails *out, struct err *err) must_check;
