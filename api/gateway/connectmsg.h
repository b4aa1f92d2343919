/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as the Connect protocol carries them (connectrpc.com/docs/protocol): as JSON or binary, plain or
 * compressed by gzip, alone or in the envelopes of a stream; and its errors. Pure, never blocks. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum {
	CONNECT_MAX_MESSAGE = 16 << 20, /* expanded; longer: RESOURCE_EXHAUSTED */
	CONNECT_MIN_GZIP = 1 << 10,     /* a shorter message is not worth compressing */
	CONNECT_ENVELOPE_BYTES = 5,     /* a flag byte, a big-endian u32 length */
	CONNECT_FLAG_COMPRESSED = 1,
	CONNECT_FLAG_END = 2,
};

/* What the two ends of a call agreed upon. */
struct connect_form {
	bool binary;    /* protobuf, else JSON */
	bool gzip_sent; /* the client's messages may be compressed */
	bool gzip_read; /* the client takes compressed ones */
};

/* Whether the client names the coding in `accepted`, a list as of Accept-Encoding, and does not rule it out. */
bool connect_accepts(const char *accepted, const char *coding);

/* The message of n bytes; *out is owned. INVALID_ARGUMENT with what is wrong where; RESOURCE_EXHAUSTED beyond the
 * limit; -ENOMEM. */
int connect_parse(const struct connect_form *form, bool compressed,
		  const ProtobufCMessageDescriptor *kind, const char *data, size_t n,
		  ProtobufCMessage **out, struct err *err) must_check;
/* Appends the message, compressed when that is agreed upon and worth it: *compressed tells. */
int connect_print(const struct connect_form *form, const ProtobufCMessage *message, struct buf *out,
		  bool *compressed, struct err *err) must_check;

/* The one message of a body, in its envelope: borrows. INVALID_ARGUMENT when that is not what the body is. */
int connect_unwrap(const struct buf *body, const char **data, size_t *n, bool *compressed,
		   struct err *err) must_check;
void connect_envelope(uint8_t flags, size_t n, char head[CONNECT_ENVELOPE_BYTES]);

/* Appends the error as JSON. The stable word for programs is in `details`, as a google.rpc.ErrorInfo of the domain
 * "cleat.v1". */
void connect_print_error(struct buf *out, const struct err *err);
