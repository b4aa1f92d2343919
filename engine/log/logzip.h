/* SPDX-License-Identifier: Apache-2.0 */
/* Closed segments of a log, compressed so that any place can be read without the rest: independent
 * frames of zstd and a table of them in zstd's seekable format (contrib/seekable_format of its sources),
 * which zstd(1) can decompress too. Not thread-safe; blocks on the file system only. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mem.h"

struct logzip;

/* 1 with *out owned when the file at fd (borrowed for life) is compressed, 0 when it is plain, -EBADMSG
 * when its table makes no sense, -errno. */
int logzip_open(struct logzip **out, int fd) must_check;
/* For cleanup(). */
void logzip_freep(struct logzip **zip);

/* Bytes of the segment as it was. */
uint64_t logzip_size(const struct logzip *zip);
/* As pread(2) of the segment as it was; -EBADMSG on damage. */
ssize_t logzip_read(struct logzip *zip, void *buf, size_t n, uint64_t offset) must_check;

/* Writes what is at from_fd, whole, compressed to to_fd. 0 or -errno. */
int logzip_write(int from_fd, int to_fd) must_check;
