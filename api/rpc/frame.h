/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the wire: the SP hello, message heads of ipc and tcp, and protobuf frames. Pure: no
 * descriptor, clock or log; allocation only for what was received or is to be sent. */
#pragma once

#include "buf.h"
#include "cleat/rpc/v1/rpc.pb-c.h"

/* SP protocol ids (nanomsg RFCs sp-protocol-pair-01, sp-request-reply-01). */
enum { SP_PAIR0 = 0x10, SP_PAIR1 = 0x11, SP_REQ0 = 0x30, SP_REP0 = 0x31 };
enum { FRAME_HELLO_BYTES = 8, FRAME_HEADER_MAX = 64 };

void frame_hello(uint8_t out[FRAME_HELLO_BYTES], unsigned protocol);
/* The protocol id of a hello, or -EPROTO. */
int frame_parse_hello(const uint8_t in[FRAME_HELLO_BYTES]);

/* How messages of one connection look: fixed after the hello. */
struct frame_format {
	bool ipc;          /* a byte 1 precedes the length */
	unsigned protocol; /* what the peer speaks: SP_PAIR0, SP_PAIR1 or SP_REQ0 */
};

/* Looks for a whole message at in[0..n). Returns its total length with *body and *body_len pointing
 * into it (behind the SP header, which is copied to header[0..*header_len)); 0 when more bytes are
 * needed; -EMSGSIZE when the announced body exceeds `max`; -EPROTO for anything else. */
int64_t frame_parse(const struct frame_format *format, const uint8_t *in, size_t n, size_t max,
		    const uint8_t **body, size_t *body_len, uint8_t header[FRAME_HEADER_MAX],
		    size_t *header_len) must_check;

/* Appends one message: head, SP header (as PAIR1 wants it, or `header` for a reply to REQ0) and the
 * packed frame. Failure is kept in out->error. */
void frame_append(const struct frame_format *format, struct buf *out,
		  const Cleat__Rpc__V1__Frame *frame, const uint8_t *header, size_t header_len);
