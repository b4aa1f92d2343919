/* SPDX-License-Identifier: Apache-2.0 */
/* The container of one RUN: made like any other, known by its label, and gone when its maker lets it go or
 * dies. Blocks on store, file system and shim. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

struct sandbox {
	struct engine *engine;
	char id[65];
	int hold_fd; /* says that this build is at work on it */
	int sock;    /* its output */
};
#define SANDBOX_NULL ((struct sandbox){ .hold_fd = -1, .sock = -1 })

/* Makes it; the request (borrowed) needs no label of its own. */
int sandbox_open(struct sandbox *s, struct engine *engine,
		 const Cleat__V1__CreateContainerRequest *request, struct err *err) must_check;
/* Removes it, whatever it does. For cleanup(). */
void sandbox_deinit(struct sandbox *s);
/* Starts it and gives out what it prints until it has ended. Its exit code is in *code. -ECANCELED
 * once one of the descriptors (-1 = none) is readable. */
int sandbox_run(struct sandbox *s,
		int (*output)(void *ctx, int stream, const void *data, size_t n, struct err *err),
		void *ctx, const int cancel_fds[2], int *code, struct err *err) must_check;
/* Its upper directory: an owned descriptor. */
int sandbox_upper(const struct sandbox *s, struct err *err) must_check;
