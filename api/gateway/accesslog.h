/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each request that has been answered, `key=value` with what a client chose in JSON's quotes. Whole lines
 * come out, and none when the disk is full. */
#pragma once

#include <sys/types.h>

#include "err.h"
#include "http.h"

/* Appends to the file from now on, "-" = stdout. Once, before the first request. */
int accesslog_open(const char *path, struct err *err) must_check;
/* Makes a file that was opened by its path the user's, whose successors of this process open it anew. 0 or -errno. */
int accesslog_give(uid_t uid, gid_t gid, struct err *err) must_check;
/* Does nothing without a file. Thread-safe. Blocks on the file: a pipe that nobody reads stops who serves. */
void accesslog_write(const struct http_request *request, const struct http_outcome *outcome);
