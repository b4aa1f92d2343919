/* SPDX-License-Identifier: Apache-2.0 */
/* A build's progress as Docker's plain progress has it: "#2 [2/3] RUN make", "#2 0.120 output", "#2 DONE
 * 0.3s". To stderr; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleat/v1/images.pb-c.h"
#include "mem.h"

struct buildprogress {
	struct buildstep *steps;
	size_t n;
	bool quiet;
};

void buildprogress_show(struct buildprogress *p, const Cleat__V1__BuildReply *reply);
void buildprogress_deinit(struct buildprogress *p);
