/* SPDX-License-Identifier: Apache-2.0 */
/* Compresses the segments that shims have closed, some time after: one that is rotated away within it was
 * not worth the work. One thread; while no engine is there, segments stay plain until the next rotation. */
#pragma once

#include "err.h"
#include "mem.h"

struct logkeep;

/* Starts the thread. containers_fd is the directory of the containers', borrowed for life. Segments are
 * compressed `after_s` seconds after they were closed. */
int logkeep_open(struct logkeep **out, int containers_fd, unsigned int after_s,
		 struct err *err) must_check;
/* Ends it after the segment at hand. NULL is fine; returns NULL. */
struct logkeep *logkeep_free(struct logkeep *keep);

/* A segment of the container was closed. Never blocks on files. NULL is fine. */
void logkeep_note(struct logkeep *keep, const char *id);

/* Compresses every closed segment in the directory `log` (all but the one with the highest number). A
 * segment is there at any moment, plain or compressed. Waits for another engine that does the same: log_fd
 * is an open directory of the caller's own. 0 or -errno of the first that failed. */
int logkeep_pack(int log_fd) must_check;
