/* SPDX-License-Identifier: Apache-2.0 */
/* A build's progress, to stderr: plain lines as Docker has them ("#2 [2/3] RUN make", "#2 0.120 output",
 * "#2 DONE 0.3s"), or on a terminal a line for each step, with the output of those that fail. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleat/v1/images.pb-c.h"
#include "mem.h"

enum buildprogress_face { BUILDPROGRESS_PLAIN, BUILDPROGRESS_TTY, BUILDPROGRESS_QUIET };

struct buildstep {
	char *title;
	int64_t begun_ns, ended_ns; /* CLOCK_MONOTONIC; 0 = not yet */
	struct buf lines[2];        /* of stdout and stderr, not ended yet */
	struct buf kept;            /* the last lines, for a terminal */
	char status[16];            /* "DONE", "CACHED", "ERROR" */
};

struct buildprogress {
	struct buildstep *steps;
	size_t n;
	enum buildprogress_face face;
	size_t drawn; /* lines of a terminal that are to be drawn anew */
};

/* A step of the client's own, by its title: it begins, has a line of output, and ends, or has ended some time ago
 * (CLOCK_MONOTONIC), with "DONE". */
void buildprogress_begin(struct buildprogress *p, const char *title);
void buildprogress_line(struct buildprogress *p, const char *title, const char *text);
void buildprogress_end(struct buildprogress *p, const char *title, int64_t when_ns);
void buildprogress_show(struct buildprogress *p, const Cleat__V1__BuildReply *reply);
void buildprogress_deinit(struct buildprogress *p);

/* ---- buildtty.c: what happens on a terminal. Private to the two. */

void buildtty_draw(struct buildprogress *p);
void buildtty_line(struct buildprogress *p, struct buildstep *step, const char *text);
void buildtty_end(struct buildprogress *p, struct buildstep *step);
