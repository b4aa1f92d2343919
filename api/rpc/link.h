/* SPDX-License-Identifier: Apache-2.0 */
/* The public path of a server is a symbolic link that is replaced by rename(2), so that a new server
 * takes over without one refused connection. Who holds the lock beside it may move it. */
#pragma once

#include "err.h"

/* Takes the lock file `path`.lock (OFD lock) for the life of the returned descriptor. Without `wait`
 * -EAGAIN (ERR_UNAVAILABLE) while another process holds it; else blocks. */
int rpc_link_lock(const char *path, bool wait, struct err *err) must_check;

/* Points the link `path` to `target` (a name in the same directory), atomically, whatever was there.
 * The caller holds the lock. 0 or -errno. */
int rpc_link_move(const char *path, const char *target, struct err *err) must_check;

/* Removes the link if it still points to `target`. 0 or -errno; a link moved by another is success. */
int rpc_link_remove(const char *path, const char *target, struct err *err) must_check;
