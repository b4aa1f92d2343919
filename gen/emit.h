/* SPDX-License-Identifier: Apache-2.0 */
/* Emitters: each turns the model into files, printf-style. An emitter only writes tables and stubs;
 * behaviour is in the hand-written runtime of its language. */
#pragma once

#include "buf.h"
#include "model.h"

struct emit_file {
	const char *name; /* relative to the output directory, lives in the model's arena */
	struct buf text;
};

struct emit_files {
	struct emit_file *files;
	size_t n, cap;
};

/* A new file; returns its text to append to, valid until the next call. Names must be new. */
struct buf *emit_open(struct emit_files *out, const char *name);
void emit_deinit(struct emit_files *out);

/* NAME.rpc.h and NAME.rpc.c for each generated proto with services, and services.rpc.[hc] beside the
 * first of them: the tables of all services and all map entries of the run. */
int emit_c(struct model *m, struct emit_files *out) must_check;
/* NAME.py for each generated proto, in the folder of its package. */
int emit_python(struct model *m, struct emit_files *out) must_check;
/* openapi.json and, with the same text, openapi.[hc], of all generated protos. */
int emit_openapi(struct model *m, struct emit_files *out) must_check;
/* NAME.wire for each generated proto: the numbers, names and types that clients rely on, a line each. */
int emit_wire(struct model *m, struct emit_files *out) must_check;
