/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs as they came from registries and archives, byte for byte, so that what goes out again has the digest
 * it came with: STATE/blobs/sha256/HEX. What is there is whole and verified. Who needs a blob is a row of the
 * store; files without a row are swept. A blob that is still coming is STATE/tmp/partial/HEX: it outlives the
 * try that failed, so that the next one goes on where it ended.
 * All block on the file system. Publishing and removing are done under image_lock(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "lease.h"
#include "mem.h"

struct engine;

/* The blob's file for reading, -ENOENT when it is not here. `digest` is sha256:... */
int blobs_open(const struct engine *engine, const char *digest) must_check;
/* The whole of a small one appended to *out; -ENOENT, -EFBIG beyond `max`. */
int blobs_read(const struct engine *engine, const char *digest, size_t max,
	       struct buf *out) must_check;

/* Renames `name` below dir_fd, which is on disk already, to the blob's place. One that is there stays and the
 * other goes. -ENOENT when there is neither. blobs_sync() after the last of several. */
int blobs_publish(const struct engine *engine, const char *digest, int dir_fd,
		  const char *name) must_check;
/* The same for a part that is whole and open as `fd` (-1 = there is none): the blob gets a second name, and the
 * first stays until blobs_drop_part(), for the next try should this one come to nothing. Another file where the
 * part was, which may be half of a blob, is left alone. */
int blobs_publish_part(const struct engine *engine, const char *digest, int fd) must_check;
int blobs_sync(const struct engine *engine) must_check;
/* Its blob has a row. */
void blobs_drop_part(const struct engine *engine, const char *digest, int fd);

/* Rows of blobs that no image and no step of the build cache needs go, and their files into the lease. */
int blobs_release(struct engine *engine, const struct lease *lease, struct err *err) must_check;
/* Files without a row go into the lease; parts of blobs go that are whole and in their place, or that nobody has
 * asked for lately. */
int blobs_sweep(struct engine *engine, const struct lease *lease, struct err *err) must_check;

/* Opens the part of a blob there is, made empty if there is none, for nobody else but us: *lock is to be closed
 * when it is whole, *fd is for its bytes. -EAGAIN while somebody else is at it. */
int blobs_partial(const struct engine *engine, const char *digest, int *fd, int *lock) must_check;
/* Marks a part as whole and verified: others may give it its place at any time, so it is not to be written to
 * any more. */
int blobs_seal(int fd) must_check;
bool blobs_is_sealed(int fd);
/* Where it lies, below engine->state_fd. */
enum { BLOBS_PATH_MAX = 96 };
void blobs_partial_path(const char *digest, char out[BLOBS_PATH_MAX]);
