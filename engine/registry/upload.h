/* SPDX-License-Identifier: Apache-2.0 */
/* One blob to a registry, unless it has it, or has it elsewhere. */
#pragma once

#include <stdint.h>

#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "registry.h"

enum { UPLOAD_CHUNK_BYTES = 16 << 20 };

enum upload_end { UPLOAD_SENT, UPLOAD_EXISTED, UPLOAD_MOUNTED };

struct upload {
	struct registry *registry;
	struct transfer *transfer;
	const char *digest;
	uint64_t size_bytes;
	const void *data; /* the bytes, or NULL and they are fd's */
	int fd;           /* -1 with data NULL: the bytes are not here, it must be there already */
	const struct strings *sources; /* repositories of the same registry that may have it */
	const char *mounted_from;      /* set with UPLOAD_MOUNTED; borrowed from sources */
	_Atomic uint64_t *sent;        /* counts; NULL = nobody */
};

/* Goes on where the registry says it was cut off. -ENOENT when it is neither there nor here. Blocks. */
int upload_blob(struct upload *upload, enum upload_end *end, struct err *err) must_check;
