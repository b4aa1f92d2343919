/* SPDX-License-Identifier: Apache-2.0 */
/* Exec.Start: creates or finds the session, starts or joins it, and moves bytes until it has ended. */
#pragma once

#include "cleat/v1/exec.rpc.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

int execsession_start(struct engine *engine, struct rpc_call *call,
		      struct cleat_v1_exec_start_stream *io, struct err *err) must_check;
