/* SPDX-License-Identifier: Apache-2.0 */
/* The user of a container that does not run yet: its /etc/passwd and /etc/group are read from the
 * layers as the overlay will show them. Blocks on the file system. */
#pragma once

#include "err.h"
#include "mem.h"
#include "passwd.h"

/* `layers` are descriptors of directories, topmost first. As passwd_resolve(); -EIO and its kind for files that
 * cannot be read. An empty `spec` without `extra` reads no file when root needs none. */
int user_of_layers(const int *layers, size_t n_layers, const char *spec, char *const *extra,
		   size_t n_extra, struct passwd_user *out, struct err *err) must_check;
/* The same for a root directory that exists: /proc/PID/root of a container that runs. */
int user_of_root(int root_fd, const char *spec, char *const *extra, size_t n_extra,
		 struct passwd_user *out, struct err *err) must_check;
