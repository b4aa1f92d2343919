/* SPDX-License-Identifier: Apache-2.0 */
/* Byte streams over nng: listen, read, write. wire.c is the only file that sees nng's types.
 * Callbacks run on nng's threads and must not block; at most one read and one write are pending per
 * stream. Results are bytes > 0, 0 = end of stream (reads), or -errno. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "rpc.h"

struct wire;
struct wire_listener;

struct wire_events {
	void (*read_done)(void *arg, ssize_t result);
	void (*write_done)(void *arg, ssize_t result);
};

/* Listens at `url` and calls accepted() for each stream (owned by the callee). 0 or -errno. */
int wire_listen(struct wire_listener **out, const char *url,
		void (*accepted)(void *arg, struct wire *wire), void *arg,
		struct err *err) must_check;
int wire_listener_port(const struct wire_listener *listener);
/* Stops accepting; blocks until accepted() is not running; frees. Takes NULL. */
void wire_listener_free(struct wire_listener *listener);

/* Who receives completions; before the first read or write. */
void wire_bind(struct wire *wire, const struct wire_events *events, void *arg);
/* Start one read or write into memory that stays valid until its completion. Never block, and never
 * complete inside the call. */
void wire_read(struct wire *wire, void *data, size_t n);
void wire_write(struct wire *wire, const void *data, size_t n);
/* Credentials, of ipc. */
void wire_peer(const struct wire *wire, struct rpc_peer *peer);
bool wire_is_ipc(const struct wire *wire);
/* Pending operations complete with an error. Never blocks. */
void wire_close(struct wire *wire);
/* Blocks until no callback runs; not from a callback. Takes NULL. */
void wire_free(struct wire *wire);
