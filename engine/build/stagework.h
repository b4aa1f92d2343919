/* SPDX-License-Identifier: Apache-2.0 */
/* One stage, from its FROM to its last instruction. */
#pragma once

#include "err.h"
#include "mem.h"
#include "work.h"

/* Arguments that are there without ARG, for FROM: TARGETPLATFORM and its kind. */
int stagework_builtin(struct build *b, struct err *err) must_check;
/* Makes stage `number`; those it needs are made. The error names the step. */
int stagework_make(struct work *w, struct build *b, size_t number, struct err *err) must_check;
/* Works on a stage that was never begun. */
void stagework_deinit(struct work *w);
