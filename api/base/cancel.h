/* SPDX-License-Identifier: Apache-2.0 */
/* Work that has two reasons to end before it is done, such as that its client is gone or that another part of it has
 * failed: each a descriptor that is readable from then on, -1 = none. NULL in place of both: it never ends so. */
#pragma once

#include "err.h"
#include "mem.h"

/* 0, or ERR_CANCELLED: "`what` was cancelled". Never blocks. */
int cancel_check(const int fds[2], const char *what, struct err *err) must_check;
/* Blocks until `fd` is readable; ERR_CANCELLED as above. */
int cancel_wait(const int fds[2], int fd, const char *what, struct err *err) must_check;
