/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker's API streams of a container: logs, stats, wait, attach, exec. Private to the gateway. */
#pragma once

#include "cleat/v1/exec.pb-c.h"
#include "exchange.h"

/* Runs exec `id` on the request's connection; its terminal is `tty`. */
void stream_exec(struct gw *gw, const char *id, bool tty, const char *detach_keys);
/* Rows and columns of the query (h, w). */
int stream_size(const struct gw *gw, Cleat__V1__TerminalSize *size, struct err *err) must_check;
