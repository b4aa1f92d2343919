/* SPDX-License-Identifier: Apache-2.0 */
/* Between a client's stream and a shim's socket: what attach and exec have in common. One thread, one
 * poll; neither direction blocks the other for good, and a reader that stalls costs only itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "err.h"
#include "mem.h"
#include "server.h"

enum { PUMP_FRAME_MAX = 40 << 10 };

struct pump;

/* 0 or -errno with *err, which ends the pump. `ctx` is the pump's. */
struct pump_ops {
	/* A frame of the shim: output, or the last one (`ended`, after which the pump returns). Blocks
	 * on the client's window. */
	int (*frame)(struct pump *pump, const Cleat__Shim__V1__StreamFrame *frame, struct err *err);
	/* Takes one message of the client, by pump_stdin() and pump_resize() where it is for the
	 * shim: 1, 0 at the end of input, -EAGAIN, -errno. */
	int (*client)(struct pump *pump, struct err *err);
	/* Tells the client that it is to half-close, for another engine serves now. Blocks on its window. */
	int (*moving)(struct pump *pump, struct err *err);
	/* Tells the client that the shim has its input's end; with `tells_end`. Blocks likewise. */
	int (*input_ended)(struct pump *pump, struct err *err);
};

struct pump {
	const struct pump_ops *ops;
	void *ctx;
	struct rpc_call *call;
	const char *what;   /* for errors: "container 0123...", borrowed */
	int sock;           /* to the shim, owned */
	struct buf pending; /* stdin that the shim has not taken */
	bool input_ended, shut, ended;
	bool moves;     /* the client half-closes when it is told `moving` */
	bool tells_end; /* ... and wants to know when its input's end was passed on */
	uint8_t bytes[PUMP_FRAME_MAX];
};

/* On the heap, as handlers' stacks are small. NULL = no memory. */
struct pump *pump_new(const struct pump_ops *ops, void *ctx, struct rpc_call *call) must_check;
/* For cleanup(); closes the socket. */
void pump_freep(struct pump **pump);

/* Runs until the last frame was handled (0), or with -errno: cancelled; UNAVAILABLE, reason MOVED, when
 * another engine serves now; UNAVAILABLE, reason SHIM_GONE. */
int pump_run(struct pump *pump, struct err *err) must_check;

/* Input for the process; kept until the shim takes it. */
int pump_stdin(struct pump *pump, const ProtobufCBinaryData *data, struct err *err) must_check;
/* A new size of the terminal; lost when the shim is busy. */
void pump_resize(struct pump *pump, uint32_t rows, uint32_t columns);
