/* SPDX-License-Identifier: Apache-2.0 */
/* One answer for all who ask the same meanwhile. Who asks while the handler is at work for another waits for the next
 * turn, so an answer is never older than its question. Private to the HTTP server. Thread-safe. */
#pragma once

#include "httpexchange.h"

/* Hands a suspended exchange to the handler, alone or with others; its end comes as with exchange_finish(). Never
 * blocks. -EAGAIN, -ENOMEM: nothing was done. */
int httpbatch_run(struct exchange *e) must_check;

/* Takes NULL. */
void httpbatch_answer_unref(struct httpbatch_answer *answer);
