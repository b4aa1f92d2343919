/* SPDX-License-Identifier: Apache-2.0 */
/* Files that users name by URL: ADD, contexts, imports. Blocks on the network. */
#pragma once

#include <stdbool.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* http://... or https://... */
bool download_is_url(const char *text);
/* git@... and its kind, which this release does not fetch. */
bool download_is_git(const char *text);
/* Writes what the URL has to the file fd, from its start; its SHA-256 is in `sha` as 64 digits. When cancel_fd can be
 * read it ends with CANCELLED. */
int download_file(const struct engine *engine, const char *url, int cancel_fd, int fd, char sha[65],
		  struct err *err) must_check;
/* The last part of the URL's path, owned; "" when it ends in '/', NULL = no memory. */
char *download_name(const char *url) must_check;
