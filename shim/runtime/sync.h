/* SPDX-License-Identifier: Apache-2.0 */
/* Talk between the runtime and the child that becomes the container, over a SOCK_SEQPACKET pair.
 * The child's end closes on exec: end of file means that the program runs. */
#pragma once

#include "cgroup.h"
#include "err.h"

enum sync_kind {
	SYNC_GO =
		1, /* to the child: maps are written, the cgroup's files come along; it is recorded */
	SYNC_READY,    /* to the parent: namespaces and mounts are there, hooks may run */
	SYNC_CONTINUE, /* to the child: hooks have run */
	SYNC_CREATED,  /* to the parent: all is ready, waiting to be started */
	SYNC_CONSOLE,  /* to the parent: the terminal's master comes along */
	SYNC_FAILED,   /* to the parent: the error */
};

struct sync_msg {
	uint32_t kind;
	char stage[32];
	int exit_code;
	struct err err;
};

int sync_send(int fd, enum sync_kind kind, const int *fds, size_t n, struct err *err) must_check;
/* By the child, whose filter may have been loaded: write(2) is in all of them. */
int sync_tell(int fd, enum sync_kind kind, struct err *err) must_check;
int sync_fail(int fd, const char *stage, int exit_code, const struct err *e) must_check;
/* Waits for a message: 1, or 0 at the end of file. Descriptors that come along are the caller's. */
int sync_recv(int fd, struct sync_msg *m, int *fds, size_t *n_fds, struct err *err) must_check;
