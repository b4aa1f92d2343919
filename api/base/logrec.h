/* SPDX-License-Identifier: Apache-2.0 */
/* One record of a container's `local` log: bytes as the container wrote them, which may be several
 * lines or a part of one. The shim appends records to segment files, readers walk them forwards or, for
 * a tail, backwards, and split lines. Pure.
 *
 * On disk, little endian: u32 size (of data) | u32 flags | i64 time | u64 position | data | u32 size.
 * A record is whole or it is not there: what follows the last whole one is a torn tail. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum {
	LOGREC_HEAD_BYTES = 24,
	LOGREC_TAIL_BYTES = 4,
	LOGREC_DATA_MAX = 32768,
};

/* A segment of a container's log: "000001.log"; the number rises by one with each rotation. */
#define LOGREC_SEGMENT_FORMAT "%06u.log"
/* Behind it once the engine has compressed it. */
#define LOGREC_PACKED_SUFFIX ".zst"

struct logrec {
	int64_t time_ns;   /* UNIX time of arrival */
	uint64_t position; /* bytes of output of the container before this record */
	const char *data;  /* borrowed */
	uint32_t size;     /* bytes of data, 1 to LOGREC_DATA_MAX */
	uint8_t stream;    /* 1 stdout, 2 stderr */
	bool partial; /* data does not end with a newline: the line may go on in the next record of
			    * this stream */
};

/* Bytes the record takes on disk. */
size_t logrec_size(const struct logrec *rec);

/* Writes head and tail of `rec`; its data goes between them (writev(2)). */
void logrec_encode(const struct logrec *rec, uint8_t head[LOGREC_HEAD_BYTES],
		   uint8_t tail[LOGREC_TAIL_BYTES]);

/* The record at the start of n bytes. Returns its size on disk with *rec set (data borrowed from
 * `bytes`), 0 when n bytes hold no whole record, -EBADMSG when they are not a record. */
ptrdiff_t logrec_decode(const void *bytes, size_t n, struct logrec *rec) must_check;

/* As logrec_decode() for the record that ends at the end of the n bytes. */
ptrdiff_t logrec_decode_last(const void *bytes, size_t n, struct logrec *rec) must_check;
