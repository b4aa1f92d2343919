/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of Docker's byte streams: raw with a terminal, else frames of 8 bytes head (stream, 0, 0, 0,
 * big-endian u32 length) and data. Private to the gateway. */
#pragma once

#include "stream.h"

#define STREAM_RAW_TYPE "application/vnd.docker.raw-stream"

enum { STREAM_HEAD_BYTES = 8 };

struct stream_target {
	bool tty, active;
};

int stream_inspect(struct gw *gw, const char *container, struct stream_target *out,
		   struct err *err) must_check;
const char *stream_type(const struct gw *gw, bool tty);
void stream_frame_head(uint8_t stream, size_t n, uint8_t head[STREAM_HEAD_BYTES]);
